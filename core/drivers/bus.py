"""The bus interface: messages between the processes of one cloud.

The database is the truth and the bus a hint: whatever is lost here is found again by who
waits for it. Bodies are bytes; ``core.bus`` gives them form.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable

from .base import Driver

Handler = Callable[[bytes], bytes]
"""Takes a request's body and returns the reply's."""
Listener = Callable[[bytes], None]


@dataclasses.dataclass(frozen=True)
class BusFacts:
    """What a bus is. ``durable``: messages outlive the processes; ``remote``: it reaches other processes."""

    durable: bool
    remote: bool


class Bus(Driver):
    """The cloud's messages. Any thread may call.

    Calls block until the reply is there; casts and events return at once. A message may be
    lost or come twice; a reply never belongs to another call.
    """

    @abc.abstractmethod
    def facts(self) -> BusFacts:
        """What this bus is."""

    @abc.abstractmethod
    def serve(self, queue: str, handler: Handler) -> None:
        """Answer the calls and casts of ``queue``; several servers of one queue share them."""

    @abc.abstractmethod
    def withdraw(self, queue: str) -> None:
        """Take no more messages of ``queue``; those being handled finish."""

    @abc.abstractmethod
    def call(self, queue: str, body: bytes, timeout_s: float) -> bytes:
        """Send a request to one server of ``queue`` and wait for its reply.

        ``timeout_s`` is how long silence is borne: a server may say that it still works on the request.

        :raises BackendBusy: nobody answered in time.
        :raises Unreachable: the broker cannot be reached, or was lost before the reply came.
        """

    @abc.abstractmethod
    def cast(self, queue: str, body: bytes) -> None:
        """Send a request to one server of ``queue`` and wait for nothing. :raises BackendBusy: no broker."""

    @abc.abstractmethod
    def publish(self, topic: str, body: bytes) -> None:
        """Tell all who listen to ``topic``. :raises BackendBusy: the broker cannot be reached."""

    @abc.abstractmethod
    def listen(self, topic: str, listener: Listener) -> None:
        """Hear what is published to ``topic`` from now on."""
