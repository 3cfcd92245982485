"""Lists of servers: filters, sorting and paging.

Source: the query parameters of "List Servers" in the compute API reference.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row
from ...core.db.paging import Page, paged
from ...core.errors import BadRequest, Forbidden
from ...core.http.moment import parse
from ...core.http.table import Version
from ...core.process.slice import Kit
from . import states
from .disks import truth
from .tables import server_details, server_metadata, server_tags, servers

Values = Mapping[str, list[str]]
Condition = sa.ColumnElement[bool]

SORT = {
    "access_ip_v4": "access_ip_v4", "access_ip_v6": "access_ip_v6", "auto_disk_config": "disk_config",
    "availability_zone": "zone", "config_drive": "config_drive", "created_at": "created_at",
    "display_description": "description", "display_name": "name", "host": "host", "hostname": "hostname",
    "image_ref": "image_id", "instance_type_id": "flavor_id", "key_name": "key_name", "launch_index": "launch_index",
    "launched_at": "launched_at", "locked_by": "locked_by", "locked": "locked", "node": "node",
    "power_state": "power_state", "progress": "progress", "project_id": "project_id", "kernel_id": "id",
    "ramdisk_id": "id", "root_device_name": "root_device", "task_state": "task_state", "terminated_at": "terminated_at",
    "updated_at": "updated_at", "user_id": "user_id", "uuid": "id", "vm_state": "vm_state"}
ADMIN_SORT = frozenset(("host", "node"))
IGNORED_SORT = frozenset((
    "architecture", "cell_name", "cleaned", "default_ephemeral_device", "default_swap_device", "deleted", "deleted_at",
    "disable_terminate", "ephemeral_gb", "ephemeral_key_uuid", "id", "key_data", "launched_on", "memory_mb", "os_type",
    "reservation_id", "root_gb", "shutdown_terminate", "user_data", "vcpus", "vm_mode"))
"""Sort keys that are taken and change nothing."""
PLAIN = re.compile(r"[\w @:,/-]*")
REPEATED = re.compile(r"[*+{]")
COSTLY = re.compile(r"\)[*+{?]|\(\?|\\[0-9]")
MOST_REPEATED = 3
WORDS = frozenset(("1", "t", "true", "on", "y", "yes", "0", "f", "false", "off", "n", "no"))
"""The truth values of queries."""
MOST_TAGS = 200
"""Tags in one filter: each is a condition of its own. A server has 50 at most."""
MOST_METADATA = 128
SINCE: Mapping[str, Version] = {"ip6": (2, 5), "tags": (2, 26), "tags-any": (2, 26), "not-tags": (2, 26),
                                "not-tags-any": (2, 26), "changes-before": (2, 66), "locked": (2, 73)}
TENANT_FILTERS = frozenset(("reservation_id", "name", "status", "image", "flavor", "ip", "changes-since", *SINCE))
MORE_TENANT_FILTERS = frozenset((
    "availability_zone", "config_drive", "key_name", "created_at", "launched_at", "terminated_at", "power_state",
    "task_state", "vm_state", "progress", "user_id"))
"""Filters that tenants have since 2.83."""
EXACT = {
    "reservation_id": "reservation_id", "image": "image_id", "image_ref": "image_id", "flavor": "flavor_id",
    "host": "host", "uuid": "id", "user_id": "user_id", "vm_state": "vm_state", "task_state": "task_state",
    "locked_by": "locked_by"}
REGEX = {
    "name": "name", "display_name": "name", "description": "description", "display_description": "description",
    "node": "node", "key_name": "key_name", "availability_zone": "zone", "access_ip_v4": "access_ip_v4",
    "access_ip_v6": "access_ip_v6", "root_device_name": "root_device", "hostname": "hostname"}
MOMENTS = {"created_at": "created_at", "launched_at": "launched_at", "terminated_at": "terminated_at"}
NUMBERS = {"power_state": "power_state", "launch_index": "launch_index", "progress": "progress"}
OWNERS = frozenset(("project_id", "tenant_id"))
JOINED = frozenset(("block_device_mapping", "services", "system_metadata", "info_cache", "security_groups",
                    "pci_devices"))
"""Filters that were never meant for clients: who could use them is told so."""
STRICT_SORT = (2, 75)
"""Since then sort keys that change nothing are unknown."""


def servers_page(kit: Kit, context: Context, values: Values, version: Version, page: Page, *, all_projects: bool,
                 every_filter: bool, more: Sequence[sa.ColumnElement[Any]] = ()) -> Sequence[Row]:
    """One page of the servers the caller asks for, with ``more`` columns of their details.

    ``every_filter``: the caller may use those that look inside.

    :raises BadRequest: a filter's value cannot be read, or the filter is none for clients.
    :raises Forbidden: a tenant asks for deleted servers.
    """
    _see_span(values, version)
    for name in values:
        if every_filter and (name in JOINED or name.startswith("_")):
            raise BadRequest(f"Invalid filter field: {name[:100]}.")
    conditions = [*_scope(context, values, all_projects), *_deleted(values, version, every_filter)]
    tenants = TENANT_FILTERS | MORE_TENANT_FILTERS if version >= (2, 83) else TENANT_FILTERS
    for name, given in values.items():
        if (every_filter or name in tenants) and version >= SINCE.get(name, (0, 0)):
            condition = _condition(name, given, version)
            if condition is not None:
                conditions.append(condition)
    statement = sa.select(servers)
    if more:
        statement = sa.select(servers, *more).join(
            server_details, server_details.c.server_id == servers.c.id, isouter=True)
    with kit.db.read() as tx:
        return tx.rows(paged(statement.where(*conditions), servers, page, tx))


def _see_span(values: Values, version: Version) -> None:
    """See that what changed since a moment can have changed before another. :raises BadRequest: it cannot."""
    since, before = values.get("changes-since"), values.get("changes-before")
    if version >= (2, 66) and since and before and moment(since[-1], "changes-since") > moment(
            before[-1], "changes-before"):
        raise BadRequest("The value of changes-since must be less than or equal to changes-before.")


def sorting(values: Values, version: Version, *, admin: bool) -> list[tuple[str, str]]:
    """(column, direction) pairs of the request. :raises BadRequest: an unknown key or a direction too many.

    :raises Forbidden: a tenant sorts by what only administrators see.
    """
    keys, directions = values.get("sort_key", []), list(values.get("sort_dir", []))
    if len(directions) > max(len(keys), 1) and keys:
        raise BadRequest("Sort direction array size exceeds sort key array size.")
    directions += [directions[-1] if directions else "desc"] * (len(keys) - len(directions))
    for name in keys:
        if name not in SORT and (name not in IGNORED_SORT or version >= STRICT_SORT):
            raise BadRequest(f"Invalid input for query parameters sort_key. Value: {name[:100]}")
        if name in ADMIN_SORT and not admin:
            raise Forbidden(f"Only administrators can sort servers by {name}")
    found = [(SORT[name], direction) for name, direction in zip(keys, directions, strict=False)
             if name in SORT and (name != "locked" or version >= (2, 73))]
    return found or [("created_at", directions[0] if directions and not keys else "desc")]


def _scope(context: Context, values: Values, all_projects: bool) -> list[Condition]:
    if not all_projects:
        return [servers.c.project_id == context.project_id]
    wanted = [value for name in OWNERS for value in values.get(name, [])]
    return [servers.c.project_id.in_(wanted)] if wanted else []


def _deleted(values: Values, version: Version, admin: bool) -> list[Condition]:
    """Deleted servers show with changes-since and changes-before, to administrators who ask, and to nobody else."""
    asked = values.get("deleted") or values.get("is_deleted")
    statuses = [one.lower() for one in values.get("status", [])]
    if "deleted" in statuses and not admin:
        raise Forbidden("Only administrators may list deleted instances")
    if admin and asked:
        return [servers.c.deleted.is_(truth(asked[-1]))]
    soft = [] if admin and truth(values.get("soft_deleted", ["0"])[-1]) else [servers.c.vm_state != states.SOFT_DELETED]
    if "deleted" in statuses:
        return [servers.c.deleted.is_(True)] if statuses == ["deleted"] else []
    if values.get("changes-since") or values.get("changes-before") and version >= SINCE["changes-before"]:
        return []
    return [servers.c.deleted.is_(False), *soft]


def _condition(name: str, given: list[str], version: Version) -> Condition | None:
    if name in EXACT:
        column = servers.c[EXACT[name]]
        return column == given[0] if len(given) == 1 else column.in_(given)
    if name in REGEX:
        return matches(servers.c[REGEX[name]], given[-1], name)
    if name in NUMBERS:
        return servers.c[NUMBERS[name]].in_([_integer(one, name) for one in given])
    if name in MOMENTS:
        return servers.c[MOMENTS[name]].in_([moment(one, name) for one in given])
    read = SPECIAL.get(name)
    return read(given, version) if read is not None else None


def matches(column: sa.ColumnElement[str], pattern: str, name: str) -> Condition:
    """Tell that a text holds a match of ``pattern``, a regular expression."""
    if PLAIN.fullmatch(pattern):
        return column.contains(pattern, autoescape=True)
    _compiled(pattern, name)
    return column.regexp_match(pattern)


def _compiled(pattern: str, name: str) -> None:
    """See that a pattern is one for all databases and takes no time worth mention on any text."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as exc:
        raise BadRequest(f"Invalid input for query parameters {name}. Value: {pattern[:100]}. "
                         "It is no regular expression") from exc
    if len(pattern) > 255 or len(REPEATED.findall(pattern)) > MOST_REPEATED or COSTLY.search(pattern):
        raise BadRequest(f"Invalid input for query parameters {name}. Value: {pattern[:100]}. "
                         "The regular expression is too complicated")


def _integer(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError as exc:
        raise BadRequest(f"Invalid input for query parameters {name}. Value: {text[:100]}. It is no integer") from exc


def moment(text: str, name: str) -> datetime.datetime:
    """A moment of a query, naive and in UTC. :raises BadRequest: it is none."""
    return parse(text.replace(" ", "+") if "T" in text else text,
                 f"Invalid input for query parameters {name}. Value: {text[:100]}. It is no date")


def _status(given: list[str], version: Version) -> Condition:
    if version >= (2, 38) and not any(one.upper() in states.known_statuses() for one in given):
        raise BadRequest(f"Invalid status value: {given[0][:100]}")
    return states.with_status(given)


def _ip(given: list[str], version: Version) -> Condition:
    pattern = given[-1].removeprefix("^")
    _compiled(pattern, "ip")
    if PLAIN.fullmatch(pattern):
        return servers.c.ips.contains(" " + pattern, autoescape=True)
    if pattern.endswith("$") and not pattern.endswith("\\$"):
        # Each address of a server ends somewhere, not only its last one.
        return servers.c.ips.regexp_match(f" ({pattern[:-1]})( |$)")
    return servers.c.ips.regexp_match(f" ({pattern})")


def _tags(given: list[str]) -> list[str]:
    found = list(dict.fromkeys(tag for one in given for tag in one.split(",") if tag))
    if len(found) > MOST_TAGS:
        raise BadRequest(f"A list of servers can be asked for {MOST_TAGS} tags at most.")
    return found


def _tagged(tag: str) -> Condition:
    return sa.exists().where(server_tags.c.server_id == servers.c.id, server_tags.c.tag == tag)


def _any_tag(given: list[str]) -> Condition:
    return sa.exists().where(server_tags.c.server_id == servers.c.id, server_tags.c.tag.in_(_tags(given)))


def _metadata(given: list[str], version: Version) -> Condition:
    try:
        wanted = msgspec.json.decode(given[-1].replace("'", '"').encode(), type=dict[str, str])
    except msgspec.DecodeError as exc:
        raise BadRequest("Invalid input for query parameters metadata: it is no JSON object of texts") from exc
    if len(wanted) > MOST_METADATA:
        raise BadRequest(f"A list of servers can be asked for {MOST_METADATA} metadata items at most.")
    return sa.and_(sa.true(), *(
        sa.exists().where(server_metadata.c.server_id == servers.c.id, server_metadata.c.key == key,
                          server_metadata.c.value == value) for key, value in wanted.items()))


def strict(text: str, name: str) -> bool:
    """A truth value of a query. :raises BadRequest: it is none."""
    if text.strip().lower() not in WORDS:
        raise BadRequest(f"Invalid input for query parameters {name}. Value: {text[:100]}. It is no boolean")
    return truth(text.strip().lower())


SPECIAL: Mapping[str, Callable[[list[str], Version], Condition]] = {
    "status": _status,
    "ip": _ip,
    "ip6": _ip,
    "changes-since": lambda given, version: servers.c.updated_at >= moment(given[-1], "changes-since"),
    "changes-before": lambda given, version: servers.c.updated_at <= moment(given[-1], "changes-before"),
    "tags": lambda given, version: sa.and_(sa.true(), *map(_tagged, _tags(given))),
    "tags-any": lambda given, version: _any_tag(given),
    "not-tags": lambda given, version: sa.not_(sa.and_(sa.true(), *map(_tagged, _tags(given)))),
    "not-tags-any": lambda given, version: sa.not_(_any_tag(given)),
    "locked": lambda given, version: servers.c.locked.is_(strict(given[-1], "locked")),
    "config_drive": lambda given, version: servers.c.config_drive.is_(truth(given[-1])),
    "auto_disk_config": lambda given, version: (servers.c.disk_config == "AUTO") == truth(given[-1]),
    "kernel_id": lambda given, version: sa.false() if given[-1] else sa.true(),
    "ramdisk_id": lambda given, version: sa.false() if given[-1] else sa.true(),
    "metadata": _metadata,
}
