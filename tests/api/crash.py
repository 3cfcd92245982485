"""Crash enumeration: what a restart finds after the process stopped at any of its writes.

A process that is killed leaves what is on disk. So the work is done once, with a photograph of the
folder at each point; then a cloud is started on each photograph. Points between two commits leave the
same files: they are one moment.
"""

import dataclasses
import datetime
import hashlib
import shutil
from pathlib import Path

from stratolith.core.clock import Virtual


@dataclasses.dataclass
class Moment:
    """One thing that a restart may find: the first point that leaves it, a folder, and the time."""

    point: str
    folder: Path
    time: float

    def clock(self):
        """Time as it was; ids that nobody has drawn yet."""
        return Virtual(1 + int(self.folder.name), datetime.datetime.fromtimestamp(self.time, datetime.UTC))


class Film:
    """Photographs of a cloud's ``folder`` in ``album``, one for each point that finds other files than before."""

    def __init__(self, folder, album, clock):
        self.folder, self.album, self.clock = folder, album, clock
        self.points = []
        self.moments = []
        self._seen = set()

    def __call__(self, point):
        self.points.append(point)
        digest = self._digest()
        if digest not in self._seen:
            self._seen.add(digest)
            place = self.album / str(len(self.moments))
            shutil.copytree(self.folder, place, ignore=shutil.ignore_patterns("*-shm"))
            self.moments.append(Moment(point, place, self.clock.time()))

    def _digest(self):
        found = hashlib.sha256()
        for path in sorted(self.folder.rglob("*")):
            found.update(str(path).encode())
            if path.is_file() and not path.name.endswith("-shm"):
                found.update(path.read_bytes())
        return found.digest()

    def guard(self, driver, verbs):
        """Take photographs before and after each of a driver's verbs."""
        for name in verbs:
            setattr(driver, name, self._guarded(type(driver).__name__, name, getattr(driver, name)))

    def _guarded(self, kind, name, verb):
        def call(*args, **kwargs):
            self(f"before {kind}.{name}")
            result = verb(*args, **kwargs)
            self(f"after {kind}.{name}")
            return result
        return call
