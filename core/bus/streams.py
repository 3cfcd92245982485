"""Streams of bytes between processes: a stream stays where it is made, and is fetched piece by piece."""

from __future__ import annotations

import abc
import dataclasses
import threading
from collections.abc import Iterable, Iterator
from typing import ClassVar

from ..clock import Clock
from ..errors import BackendFailed

PIECE = 1 << 20
IDLE_S = 600.0


class Source(abc.ABC):
    """Who has streams for other processes."""

    api: ClassVar[tuple[int, int]] = (1, 0)

    @abc.abstractmethod
    def piece(self, stream: str, number: int) -> bytes:
        """Piece ``number`` of a stream, counted from 0; empty at the end. The last one may be asked for again.

        :raises BackendFailed: there is no such stream, or no longer.
        """


@dataclasses.dataclass
class Offer:
    """One stream: its data, and the piece that was given last."""

    chunks: Iterator[bytes]
    asked_at: float
    number: int = -1
    last: bytes = b""
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def next(self) -> bytes:
        """The next piece: whole chunks of the data, until they are a piece's size together."""
        found = bytearray()
        for chunk in self.chunks:
            found += chunk
            if len(found) >= PIECE:
                break
        self.number += 1
        self.last = bytes(found)
        return self.last


class Streams(Source):
    """The streams that this process offers. One that nobody asks for is given up after ten minutes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offers: dict[str, Offer] = {}

    def offer(self, chunks: Iterable[bytes]) -> str:
        """Take a stream in; return its name, for :meth:`piece`."""
        now = self._clock.monotonic()
        for name, one in list(self._offers.items()):
            if now - one.asked_at > IDLE_S:
                self.drop(name)
        name = self._clock.hex_id()
        self._offers[name] = Offer(iter(chunks), now)
        return name

    def drop(self, name: str) -> None:
        """Offer a stream no longer."""
        self._offers.pop(name, None)

    def piece(self, stream: str, number: int) -> bytes:
        one = self._offers.get(stream)
        if one is None:
            raise BackendFailed("the data is not offered any more")
        with one.lock:
            one.asked_at = self._clock.monotonic()
            if number == one.number:
                return one.last
            if number != one.number + 1:
                raise BackendFailed("the data was asked for out of order")
            found = one.next()
        if not found:
            self.drop(stream)
        return found


def follow(source: Source, stream: str) -> Iterator[bytes]:
    """The bytes of a stream that another process offers."""
    number = 0
    while found := source.piece(stream, number):
        yield found
        number += 1
