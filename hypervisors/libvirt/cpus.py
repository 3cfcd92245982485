"""Lists of processors, and which of the host's belong to which guest alone."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Collection, Iterator
from pathlib import Path

from ...core.errors import NoSpace, NotSupported
from .disks import GuestFolder
from .wish import Wishes

PART = re.compile(r"(\^?)([0-9]{1,4})(?:-([0-9]{1,4}))?")
POLICIES = ("", "dedicated", "shared")


def parse_cpus(text: str) -> frozenset[int]:
    """The numbers of a list such as ``0-3,^2,8``. :raises NotSupported: it is none."""
    found: set[int] = set()
    without: set[int] = set()
    for part in (part.strip() for part in text.split(",") if part.strip()):
        match = PART.fullmatch(part)
        if match is None:
            raise NotSupported(f"{part[:30]} is no list of processors")
        first = int(match[2])
        (without if match[1] else found).update(range(first, int(match[3] or first) + 1))
    return frozenset(found - without)


def is_dedicated(wishes: Wishes) -> bool:
    """Whether a guest wants processors for itself. :raises NotSupported: the policy is one we do not keep.

    The flavor decides; its ``dedicated`` goes before an image's ``shared``, and its ``shared`` forbids ``dedicated``.
    """
    image, flavor = wishes.image("hw_cpu_policy"), wishes.flavor("hw:cpu_policy")
    for name, policy in (("hw_cpu_policy", image), ("hw:cpu_policy", flavor)):
        if policy not in POLICIES:
            raise NotSupported(f"this hypervisor cannot keep {name}={policy[:30]}")
    if image == "dedicated" and flavor == "shared":
        raise NotSupported("the image wants dedicated processors, which its flavor forbids")
    return "dedicated" in (image, flavor)


class Dedicated:
    """The host's processors that are given to one guest each. Each guest's are written in its folder."""

    def __init__(self, guests: Path, cpus: Collection[int]) -> None:
        self._guests = guests
        self._cpus = frozenset(cpus)
        self._lock = threading.Lock()

    def take(self, folder: GuestFolder, count: int) -> tuple[int, ...]:
        """``count`` processors for a guest, the same ones again; what it had stays its own until :meth:`settle`.

        Without a folder they are only looked for.

        :raises NotSupported: this host gives none away. :raises NoSpace: too few are free.
        """
        if not self._cpus:
            raise NotSupported("this host has no dedicated processors: its option cpu_dedicated_set is empty")
        with self._lock:
            now, before = _read(folder.pins)
            if len(now) != count:
                before = now if folder.before.exists() else ()
                now = self._free(folder, count, before)
                if folder.path.exists():
                    folder.keep(folder.pins, json.dumps({"now": now, "before": before}))
            return now

    def see_free(self, folder: GuestFolder, cpus: Collection[int]) -> None:
        """See that no guest that came without a seat has one of ``cpus``. :raises NoSpace: one has."""
        with self._lock:
            taken = {cpu for path in self._records() if path != folder.pins for half in _read(path) for cpu in half}
        if both := taken.intersection(cpus):
            raise NoSpace(f"processor {min(both)} belongs to a guest that was made before seats were given")

    def _free(self, folder: GuestFolder, count: int, own: Collection[int]) -> tuple[int, ...]:
        others = {cpu for path in self._records() if path != folder.pins for half in _read(path) for cpu in half}
        free = sorted(self._cpus - others, key=lambda cpu: (cpu not in own, cpu))
        if len(free) < count:
            raise NoSpace(f"{count} dedicated processors are asked for, {len(free)} are free")
        return tuple(sorted(free[:count]))

    def _records(self) -> Iterator[Path]:
        return self._guests.glob("*/pinned.json")

    def settle(self, folder: GuestFolder, back: bool) -> None:
        """After a resize: keep what the guest has now, or go ``back`` to what it had."""
        with self._lock:
            now, before = _read(folder.pins)
            kept = before if back else now
            if kept:
                folder.keep(folder.pins, json.dumps({"now": kept, "before": ()}))
            else:
                folder.pins.unlink(missing_ok=True)

    def release(self, folder: GuestFolder) -> None:
        """The guest, as it is now, has none; those it had before an open resize stay its own."""
        with self._lock:
            now, before = _read(folder.pins)
            if not now:
                return
            if folder.before.exists():
                folder.keep(folder.pins, json.dumps({"now": (), "before": before or now}))
            else:
                folder.pins.unlink(missing_ok=True)


def _read(path: Path) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What a guest has now, and what it had before its resize."""
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return (), ()
    return tuple(found["now"]), tuple(found["before"])
