"""Keeps hosts that a query in JSON finds: the hint ``query``.

A query is a list: an operator and its operands, which may be queries themselves. ``$name`` is what the host has of
that name: ``$free_ram_mb``, ``$free_disk_mb``, ``$vcpus_used``, any field of the host, or a statistic of it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from ....core.drivers.filter import FilterFacts, Host, HostFilter, Request

DEEPEST = 20
LONGEST = 4096
AMOUNTS: Mapping[str, Callable[[Host], object]] = {
    "free_ram_mb": lambda host: host.free("MEMORY_MB"), "free_disk_mb": lambda host: host.free("DISK_GB") * 1024,
    "total_usable_ram_mb": lambda host: host.capacity.get("MEMORY_MB", 0),
    "total_usable_disk_gb": lambda host: host.capacity.get("DISK_GB", 0),
    "vcpus_total": lambda host: host.capacity.get("VCPU", 0), "vcpus_used": lambda host: host.used.get("VCPU", 0),
    "num_instances": lambda host: host.servers, "num_io_ops": lambda host: host.building,
    "hypervisor_type": lambda host: host.hypervisor_type, "hypervisor_version": lambda host: host.hypervisor_version,
    "host": lambda host: host.host, "nodename": lambda host: host.node,
    "hypervisor_hostname": lambda host: host.node, "zone": lambda host: host.zone}
COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}


class BadQuery(ValueError):
    """The query is of no known form."""


def holds(query: object, host: Host, depth: int = 0) -> bool:
    """Tell whether ``query`` finds ``host``. :raises BadQuery: it is of no known form, or too deep."""
    if not isinstance(query, Sequence) or isinstance(query, str) or not query or depth > DEEPEST:
        raise BadQuery("a query is a list that begins with an operator")
    sign, operands = query[0], query[1:]
    if not isinstance(sign, str):
        raise BadQuery("a query is a list that begins with an operator")
    if sign in ("not", "and", "or"):
        answers = [holds(one, host, depth + 1) for one in operands]
        return not any(answers) if sign == "not" else all(answers) if sign == "and" else any(answers)
    values = [_value(one, host) for one in operands]
    if sign == "in":
        return bool(values) and values[0] in values[1:]
    if sign not in COMPARE or len(values) < 2:
        raise BadQuery(f"there is no operator {sign!r} of {len(values)} operands")
    try:
        return all(COMPARE[sign](values[0], other) for other in values[1:])
    except TypeError:
        return False


def _value(operand: object, host: Host) -> object:
    if not isinstance(operand, str) or not operand.startswith("$"):
        return operand
    name = operand[1:].removeprefix("capabilities.")
    found = AMOUNTS.get(name)
    return found(host) if found is not None else host.stats.get(name)


class Json(HostFilter):
    """The hint ``query`` holds for the host; a query that cannot be read finds none."""

    def facts(self) -> FilterFacts:
        """It reads one hint."""
        return FilterFacts("Hosts that the query in the hint of this name finds.", hints=("query",))

    def relevant(self, request: Request) -> bool:
        """Only when there is a query."""
        return bool(request.hints.get("query"))

    def survivors(self, hosts: Sequence[Host], request: Request) -> list[Host]:
        """Reads the query once, for all hosts."""
        if not self.relevant(request):
            return list(hosts)
        try:
            query = _query(request)
            return [host for host in hosts if holds(query, host)]
        except BadQuery:
            return []

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether it holds."""
        return bool(self.survivors([host], request))

    def complaint(self, host: Host, request: Request) -> str:
        """That it does not hold, or what is wrong with it."""
        try:
            holds(_query(request), host)
        except BadQuery as error:
            return f"the hint query cannot be used: {error}"
        return "the hint query does not find it"


def _query(request: Request) -> object:
    text = request.hints["query"][0]
    if len(text) > LONGEST:
        raise BadQuery("it is too long")
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as exc:
        raise BadQuery("it is no JSON") from exc
