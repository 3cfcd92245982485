"""Delays and faults on demand: from options, from tests, and from a guest's metadata."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable

from ...core.drivers.asked import parse
from ...core.errors import BadConfiguration, CloudError

FAULT = "stratolith:fault"
DELAY = "stratolith:delay"
ALWAYS = -1


@dataclasses.dataclass
class Fault:
    """What a verb shall do in place of success, and how many more times."""

    error: CloudError
    times: int = ALWAYS
    lost: bool = False
    """The work is done first, only its answer is lost."""


def parse_pairs(text: str) -> dict[str, str]:
    """``"spawn=2.5,stop=1"`` as a mapping; parts without ``=`` are left out."""
    pairs = (part.partition("=") for part in text.split(","))
    return {verb.strip(): value.strip() for verb, equals, value in pairs if equals}


def parse_delays(parts: Iterable[str]) -> dict[str, float]:
    """Seconds by verb from ``("spawn=2.5", ...)``. :raises BadConfiguration: no number."""
    try:
        return {verb: float(value) for part in parts for verb, value in parse_pairs(part).items()}
    except ValueError as exc:
        raise BadConfiguration(f"delays are written verb=seconds: {exc}") from exc


def parse_fault(value: str) -> Fault:
    """A fault from ``NoSpace`` (each time), ``NoSpace*2`` (twice) or ``lost`` (once)."""
    return Fault(*parse(value))


class Faults:
    """The faults that are due, by verb and by guest; any thread may ask."""

    def __init__(self) -> None:
        self._by_verb: dict[str, list[Fault]] = {}
        self._by_guest: dict[tuple[str, str], Fault] = {}
        self._lock = threading.Lock()

    def add(self, verb: str, fault: Fault) -> None:
        """Let the next calls of ``verb``, whatever the guest, meet ``fault``."""
        with self._lock:
            self._by_verb.setdefault(verb, []).append(fault)

    def clear(self) -> None:
        """Forget all faults that were added."""
        with self._lock:
            self._by_verb.clear()

    def take(self, verb: str, guest: str, metadata: str) -> Fault | None:
        """The fault due now for ``verb`` on ``guest`` with the fault text ``metadata``, counted."""
        if not metadata and not self._by_verb:
            return None
        with self._lock:
            waiting = self._by_verb.get(verb)
            if waiting:
                fault = waiting[0]
                fault.times -= fault.times > 0
                if fault.times == 0:
                    waiting.pop(0)
                return fault
            return self._of_guest(verb, guest, metadata)

    def _of_guest(self, verb: str, guest: str, metadata: str) -> Fault | None:
        value = parse_pairs(metadata).get(verb)
        if value is None:
            return None
        fault = self._by_guest.setdefault((guest, verb), parse_fault(value))
        if fault.times == 0:
            return None
        fault.times -= fault.times > 0
        return fault

    def forget(self, guest: str) -> None:
        """Drop what was counted for ``guest``."""
        if not self._by_guest:
            return
        with self._lock:
            for key in [key for key in self._by_guest if key[0] == guest]:
                del self._by_guest[key]
