"""The bus of a cloud in one process: calls are plain calls, casts run on the executor."""

from __future__ import annotations

from ..drivers.bus import Bus, BusFacts, Handler, Listener
from ..errors import BackendBusy


class Local(Bus):
    """Messages within this process. Nothing is lost and nothing comes twice."""

    def facts(self) -> BusFacts:
        return BusFacts(durable=False, remote=False)

    def open(self) -> None:
        if not hasattr(self, "_handlers"):
            self._handlers: dict[str, Handler] = {}
            self._listeners: dict[str, list[Listener]] = {}

    def serve(self, queue: str, handler: Handler) -> None:
        self._handlers[queue] = handler

    def withdraw(self, queue: str) -> None:
        self._handlers.pop(queue, None)

    def call(self, queue: str, body: bytes, timeout_s: float) -> bytes:
        return self._handler(queue)(body)

    def cast(self, queue: str, body: bytes) -> None:
        handler = self._handler(queue)
        if self.surroundings.executor is None:
            handler(body)
        else:
            self.surroundings.executor.submit(lambda: _ignore(handler(body)))

    def _handler(self, queue: str) -> Handler:
        found = self._handlers.get(queue)
        if found is None:
            raise BackendBusy(f"nobody serves {queue}")
        return found

    def publish(self, topic: str, body: bytes) -> None:
        for listener in list(self._listeners.get(topic, ())):
            listener(body)

    def listen(self, topic: str, listener: Listener) -> None:
        self._listeners.setdefault(topic, []).append(listener)


def _ignore(reply: bytes) -> None:
    """A cast's reply goes nowhere."""
