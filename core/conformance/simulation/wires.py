"""The wires between the control side and the hosts: what is said on them may be lost, repeated or late.

A message that gets no answer raises what the bus raises then. A host may be cut off in one direction only: when it is
not heard, what it was asked is done and its answers are lost.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...errors import BackendBusy
from .cradle import Continued

if TYPE_CHECKING:
    from .life import Life

TROUBLES = ("request", "answer", "twice", "late", "crash before", "crash after", "cut before", "cut after",
            "kill before", "kill after")
CUTS = ("both", "deaf", "mute")
"""A host that hears nothing and is not heard, one that hears nothing, one that is not heard."""
AGENTS = "agent."


class Killed(BaseException):
    """The process was killed; says where."""


@dataclasses.dataclass
class Trouble:
    """What shall happen to one of the next messages: to that one which has so many before it."""

    kind: str
    before: int
    late_s: float = 0.0


class Wire:
    """Stands for somebody whom a host's messages reach, or who reaches the host."""

    def __init__(self, wires: Wires, host: str, target: Any, to_host: bool) -> None:
        self._wires, self._host, self._target, self._to_host = wires, host, target, to_host

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._target, name)

        def call(*arguments: Any, **named: Any) -> Any:
            return self._wires.carry(self._host, self._to_host, name, lambda: verb(*arguments, **named))
        return call


class Wires:
    """All wires of a life."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.cuts: dict[str, str] = {}
        self.troubles: list[Trouble] = []

    def heal(self) -> None:
        """Nothing is lost any more."""
        self.cuts.clear()
        self.troubles.clear()

    def span(self, cloud: Continued) -> None:
        """Put wires between the parts of a process that is about to start."""
        mesh = cloud.mesh
        serve = mesh.serve

        def with_wire(queue: str, kind: type[Any], target: Any) -> None:
            host = queue.rpartition(".")[2]
            wire = Wire(self, host, target, True) if queue.startswith(AGENTS) else target
            if isinstance(wire, Wire):
                self.reach_out(target)
            serve(queue, kind, wire)
        mesh.serve = with_wire  # type: ignore[method-assign]

    def reach_out(self, agent: Any) -> None:
        """Have what an agent says to the control side go over a wire."""
        if "_control" in vars(agent):
            return
        control = agent._control
        agent._control = lambda: Wire(self, agent.kit.host, control(), False)

    def carry(self, host: str, to_host: bool, name: str, call: Callable[[], Any]) -> Any:
        """Bring one message over and its answer back. :raises BackendBusy: one of them is lost."""
        if host in self.life.down:
            raise lost(name)
        kind = self._trouble(name, host)
        cut = self.cuts.get(host, "")
        if kind in ("request", "crash before", "cut before") or cut == "both" or cut == ("deaf" if to_host else "mute"):
            raise lost(name)
        result = call()
        if kind == "twice":
            result = call()
        self._behind(kind, name, host)
        if kind in ("answer", "crash after", "cut after") or cut or host in self.life.down:
            raise lost(name)
        return result

    def _trouble(self, name: str, host: str) -> str:
        """What is due for this message; what happens before it arrives, happens."""
        due = next((one for one in self.troubles if one.before <= 0), None)
        for one in self.troubles:
            one.before -= 1
        if due is None:
            return ""
        self.troubles.remove(due)
        self.life.note(f"{due.kind}: {name} of {host}")
        if due.kind == "late":
            self.life.cloud.clock.sleep(due.late_s)
        if due.kind == "crash before":
            self.life.crash(host)
        if due.kind == "cut before":
            self.cuts[host] = "both"
        if due.kind == "kill before":
            raise Killed(name)
        return due.kind

    def _behind(self, kind: str, name: str, host: str) -> None:
        if kind == "crash after":
            self.life.crash(host)
        if kind == "cut after":
            self.cuts[host] = "both"
        if kind == "kill after":
            raise Killed(name)


def lost(name: str) -> BackendBusy:
    """What a caller sees of a message that got no answer."""
    return BackendBusy(f"nobody answered {name} in time")
