"""From candidates to hosts that pass all filters, with a line for each step."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import msgspec

from ...core.drivers.filter import Filter, Host, Request

Named = tuple[str, Filter]


@dataclasses.dataclass
class Narrowing:
    """The hosts left, and the steps that led there."""

    hosts: list[Host]
    lines: list[str] = dataclasses.field(default_factory=list)

    def step(self, name: str, left: list[Host]) -> None:
        """Note that ``left`` is what ``name`` left over."""
        self.lines.append(f"{name}: {len(left)} of {len(self.hosts)} left")
        self.hosts = left


def narrow(hosts: Sequence[Host], request: Request, filters: Sequence[Named]) -> Narrowing:
    """Apply what the request says by itself, then all filters in order, until nothing is left."""
    state = Narrowing(list(hosts))
    if request.ignored_hosts:
        ignored = frozenset(request.ignored_hosts)
        state.step("ignored hosts", [host for host in state.hosts if host.host not in ignored])
    if forced(request):
        state.step("forced host", [host for host in state.hosts if _forced(host, request)])
        return state
    for name, one in filters:
        if not state.hosts:
            break
        state.step(name, one.survivors(state.hosts, request))
    return state


def forced(request: Request) -> bool:
    """Tell whether the request names its host, whatever the filters say."""
    return bool(request.forced_host or request.forced_node)


def _forced(host: Host, request: Request) -> bool:
    return request.forced_host in ("", host.host) and request.forced_node in ("", host.node)


def nearest_miss(hosts: Sequence[Host], request: Request, filters: Sequence[Named]) -> list[str]:
    """Which single condition, left out, would leave hosts; with the reason of one of those hosts."""
    lines = []
    for number, (name, one) in enumerate(filters):
        others = [*filters[:number], *filters[number + 1:]]
        left = narrow(hosts, request, others).hosts
        if left:
            lines.append(f"nearest miss: {name} alone turned away {_counted(len(left))}; of one of them: "
                         f"{one.reason(left[0], request)}")
    if request.ignored_hosts and narrow(hosts, msgspec.structs.replace(request, ignored_hosts=[]), filters).hosts:
        lines.append("nearest miss: only hosts that the request leaves out would do")
    return lines


def _counted(count: int) -> str:
    return "1 host" if count == 1 else f"{count} hosts"
