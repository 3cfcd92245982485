"""The mesh: objects reached by their interface, in this process by a plain call, else over the bus."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, cast

from ..drivers.bus import Bus
from .proxy import Stub, make_proxy
from .streams import Source, Streams, follow

log = logging.getLogger("stratolith.bus")
K = TypeVar("K")


class Mesh:
    """Who serves which queue.

    ``serve`` puts an object on a queue, to be called by the methods of its interface only;
    ``reach`` gives whoever serves a queue: the object itself when it is in this process.
    """

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self._here: dict[str, object] = {}
        if bus.facts().remote:
            self._streams = Streams(bus.clock)
            self._queue = f"stream.{bus.clock.hex_id()}"
            bus.serve(self._queue, Stub(Source, self._streams, self).handle)

    def serve(self, queue: str, kind: type[Any], target: object) -> None:
        """Answer calls to ``queue`` with the methods that ``kind`` declares on ``target``."""
        self._here[queue] = target
        if self.bus.facts().remote:
            self.bus.serve(queue, Stub(kind, target, self).handle)

    def withdraw(self, queue: str) -> None:
        """Serve ``queue`` no more."""
        if self._here.pop(queue, None) is not None and self.bus.facts().remote:
            self.bus.withdraw(queue)

    def reach(self, queue: str, kind: type[K], timeout_s: float = 60.0) -> K:
        """Whoever serves ``queue``, typed as its interface ``kind``.

        A proxy raises the error of the other side, and BackendBusy when nobody answers in time.
        """
        found = self._here.get(queue)
        if found is not None:
            return cast(K, found)
        return make_proxy(kind, self.bus, queue, timeout_s, self)

    def offer(self, chunks: Iterable[bytes]) -> str:
        """Make a stream of bytes known to the other processes; return its address."""
        return f"{self._queue}/{self._streams.offer(chunks)}"

    def drop(self, address: str) -> None:
        """Offer a stream no longer."""
        self._streams.drop(address.partition("/")[2])

    def follow(self, address: str) -> Iterator[bytes]:
        """The bytes of a stream that another process offers."""
        queue, _, stream = address.partition("/")
        return follow(self.reach(queue, Source), stream)
