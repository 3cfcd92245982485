"""What the suites of volume drivers and image stores share: bytes to store, ids, and another instance."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import uuid
from collections.abc import Iterable, Iterator
from typing import TypeVar

import pytest

from ..drivers.base import Driver
from ..drivers.names import LONGEST
from ..drivers.volume import Connector, Snapshots, VolumeDriver

D = TypeVar("D", bound=Driver)
GIB = 1 << 30
MIB = 1 << 20
HOSTILE_IDS = ("../escaped", "..", ".", "", "a/b", "/tmp/escaped", "a\nb", "a\0b", "-rf", "x" * (LONGEST + 1),
               "$(reboot)", "a b", "ü")


class Broken(Exception):
    """What a source of bytes raises in the middle; no driver knows it."""


def new_id() -> str:
    """An id that nothing else has."""
    return str(uuid.uuid4())


def pattern(size_bytes: int, seed: str = "a", piece_bytes: int = MIB) -> Iterator[bytes]:
    """``size_bytes`` that are told apart by place and ``seed``, in pieces."""
    for number in itertools.count():
        rest = size_bytes - number * piece_bytes
        if rest <= 0:
            return
        block = hashlib.sha256(f"{seed}{number}".encode()).digest()
        yield (block * (piece_bytes // len(block) + 1))[:min(rest, piece_bytes)]


def broken(chunks: Iterable[bytes], error: Exception) -> Iterator[bytes]:
    """``chunks``, and then ``error``."""
    yield from chunks
    raise error


def head(driver: VolumeDriver, volume: str, size_bytes: int) -> bytes:
    """The first ``size_bytes`` of the volume."""
    found, missing = [], size_bytes
    reader = driver.read(volume)
    for chunk in reader:
        found.append(chunk[:missing])
        missing -= len(found[-1])
        if not missing:
            break
    return b"".join(found)


def too_much_gib(driver: VolumeDriver) -> int:
    """More than the pool can promise, however thin it is."""
    total_gib = driver.facts().total_gib
    return int(total_gib) * 1000 + 1 if total_gib >= 0 else 1 << 30


class VolumeBase:
    """What the cases of all verbs use."""

    @pytest.fixture
    def volume(self, driver: VolumeDriver) -> Iterator[str]:
        """An empty volume of 1 GiB, gone with its snapshots after the case."""
        name = new_id()
        driver.create(name, 1)
        yield name
        self.remove(driver, name)

    @pytest.fixture
    def other(self, driver: VolumeDriver) -> Iterator[str]:
        """An id that is free; what a case makes of it is gone afterwards."""
        name = new_id()
        yield name
        self.remove(driver, name)

    @pytest.fixture
    def host(self, driver: VolumeDriver) -> Connector:
        """The host that the driver runs on."""
        return Connector(driver.surroundings.host, "127.0.0.1")

    @staticmethod
    def remove(driver: VolumeDriver, volume: str) -> None:
        """Delete the volume and the snapshots that the case ``volume`` has."""
        if isinstance(driver, Snapshots):
            for snapshot in driver.observe().snapshots:
                driver.delete_snapshot(volume, snapshot)
        driver.delete(volume)


@contextlib.contextmanager
def reopened(driver: D) -> Iterator[D]:
    """Close ``driver``, give a fresh instance with its options and surroundings, and open it again."""
    driver.close()
    fresh = type(driver)(driver.options, driver.surroundings)
    fresh.open()
    try:
        yield fresh
    finally:
        fresh.close()
        driver.open()
