"""The bus over a broker, with kombu: RabbitMQ in production, kombu's memory transport for trials.

Messages are transient and expire: the database is the truth. Queues survive a broker's
restart, so that senders and servers find each other again. One thread consumes and puts
requests on workers; replies come to a queue of this process's own. Who answers slowly says
every few seconds that it still works on it, so that silence means that nobody does.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from kombu import Connection, Consumer, Exchange, Producer, Queue
from kombu.exceptions import KombuError
from kombu.mixins import ConsumerMixin
from kombu.pools import ProducerPool
from kombu.transport import virtual

from ..config import option
from ..drivers.base import Surroundings
from ..drivers.bus import Bus, BusFacts, Handler, Listener
from ..errors import BackendBusy, BadConfiguration, Unreachable

RAW = {"content_type": "application/octet-stream", "content_encoding": "binary"}
IDLE_QUEUE_S = 24 * 3600.0
POLL_S = 0.01
ALIVE_S = 5.0
ALIVE = "alive"
LOST = "lost"
Reply = tuple[str, bytes]
"""A word, empty for a reply that is one, and its body."""


@dataclasses.dataclass(frozen=True)
class KombuOptions:
    """Options of ``[bus.kombu]``."""

    url: str = option("amqp://guest:guest@127.0.0.1:5672//", "the broker's address, as kombu writes it", secret=True)
    prefix: str = option("stratolith", "first word of the names of queues and exchanges")
    workers: int = option(32, "threads that answer calls in this process")
    message_ttl_s: float = option(60.0, "seconds after which an undelivered message is dropped")
    connect_timeout_s: float = option(5.0, "seconds to wait for the broker when sending")


class Kombu(Bus):
    """Messages between processes. A message that cannot be sent in time raises BackendBusy."""

    Options = KombuOptions

    def __init__(self, options: Any, surroundings: Surroundings) -> None:
        super().__init__(options, surroundings)
        self._handlers: dict[str, Handler] = {}
        self._listeners: dict[str, list[Listener]] = {}
        self._waiting: dict[str, queue.SimpleQueue[Reply]] = {}
        self._busy: dict[str, tuple[str, float]] = {}
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._exchange = Exchange(f"{options.prefix}.calls", "direct", durable=True)
        self._reply_to = f"{options.prefix}.reply.{self.clock.hex_id()}"
        self._connection = _connection(options)
        self._pool = self._connection.Pool(limit=options.workers + 4)
        self._producers = ProducerPool(self._pool, limit=options.workers + 4)
        self._receiver: Receiver | None = None
        self.consuming = threading.Event()

    def facts(self) -> BusFacts:
        return BusFacts(durable=False, remote=True)

    def open(self) -> None:
        if self._receiver is not None:
            return
        if self.surroundings.executor is None:
            raise BadConfiguration("the kombu bus needs an executor with threads")
        self._receiver = Receiver(self._connection.clone(), self)
        for number in range(self.options.workers):
            self.surroundings.executor.loop(f"bus-{number}", self._run_worker)
        self.surroundings.executor.loop("bus-receiver", self._receiver.receive)
        self.surroundings.executor.loop("bus-alive", self._say_alive)

    def close(self) -> None:
        if self._receiver is not None:
            self._receiver.should_stop = True
            for _ in range(self.options.workers):
                self._work.put(None)
        with contextlib.suppress(*self._errors()):
            self._producers.force_close_all()
            self._pool.force_close_all()
            self._connection.release()

    def _run_worker(self, stop: threading.Event) -> None:
        while (task := self._work.get()) is not None:
            try:
                task()
            except Exception:
                self.log.exception("a message could not be handled")

    # Who receives.

    def serve(self, queue: str, handler: Handler) -> None:
        self._handlers[queue] = handler

    def withdraw(self, queue: str) -> None:
        self._handlers.pop(queue, None)

    def listen(self, topic: str, listener: Listener) -> None:
        self._listeners.setdefault(topic, []).append(listener)

    def queues(self) -> dict[str, tuple[Queue, Callable[[Any], None]]]:
        """What this process wants to consume now, by queue name, with what to do with a message."""
        wanted: dict[str, tuple[Queue, Callable[[Any], None]]] = {
            self._reply_to: (self._own(self._reply_to), self._replied)}
        for name in list(self._handlers):
            wanted[name] = (self._shared(name), functools.partial(self._requested, name))
        for topic in list(self._listeners):
            name = f"{self._reply_to}.{topic}"
            wanted[name] = (self._own(name, self._fanout(topic)), functools.partial(self._published, topic))
        return wanted

    def _shared(self, name: str) -> Queue:
        return Queue(f"{self.options.prefix}.{name}", self._exchange, routing_key=name, durable=True,
                     expires=IDLE_QUEUE_S)

    def _own(self, name: str, exchange: Exchange | None = None) -> Queue:
        return Queue(name, exchange or self._exchange, routing_key=name, durable=False, auto_delete=True,
                     exclusive=True)

    def _fanout(self, topic: str) -> Exchange:
        return Exchange(f"{self.options.prefix}.{topic}", "fanout", durable=True)

    def _requested(self, name: str, message: Any) -> None:
        body, reply_to = _body(message), message.properties.get("reply_to")
        correlation = message.properties.get("correlation_id")
        if reply_to:
            self._busy[correlation] = (reply_to, self.clock.monotonic())

        def answer() -> None:
            try:
                handler = self._handlers.get(name)
                reply = handler(body) if handler is not None else b""
            finally:
                self._busy.pop(correlation, None)
            if reply_to and handler is not None:
                self._send(self._exchange, reply_to, reply, correlation_id=correlation)
        self._work.put(answer)

    def _say_alive(self, stop: threading.Event) -> None:
        while not stop.wait(ALIVE_S):
            before = self.clock.monotonic() - ALIVE_S
            for correlation, (reply_to, since) in list(self._busy.items()):
                if since <= before:
                    with contextlib.suppress(BackendBusy):
                        self._send(self._exchange, reply_to, b"", correlation_id=correlation, type=ALIVE)

    def _replied(self, message: Any) -> None:
        waiting = self._waiting.get(message.properties.get("correlation_id", ""))
        if waiting is not None:
            waiting.put((message.properties.get("type") or "", _body(message)))

    def lost(self) -> None:
        """The queue of replies is gone with the connection: nobody who waits will hear more."""
        for waiting in list(self._waiting.values()):
            waiting.put((LOST, b""))

    def _published(self, topic: str, message: Any) -> None:
        body = _body(message)
        for listener in list(self._listeners.get(topic, ())):
            self._work.put(lambda listener=listener: listener(body))  # type: ignore[misc]

    # Who sends.

    def call(self, queue: str, body: bytes, timeout_s: float) -> bytes:
        if not self.consuming.wait(min(timeout_s, self.options.connect_timeout_s)):
            raise Unreachable("the message broker cannot be reached", retry_after_s=5)
        correlation = self.clock.hex_id()
        reply = self._waiting[correlation] = _new_reply()
        try:
            self._send(self._exchange, queue, body, declare=[self._shared(queue)], reply_to=self._reply_to,
                       correlation_id=correlation, ttl_s=min(timeout_s, self.options.message_ttl_s))
            return _take(reply, timeout_s, queue)
        finally:
            del self._waiting[correlation]

    def cast(self, queue: str, body: bytes) -> None:
        self._send(self._exchange, queue, body, declare=[self._shared(queue)])

    def publish(self, topic: str, body: bytes) -> None:
        exchange = self._fanout(topic)
        self._send(exchange, "", body, declare=[exchange])

    def _send(self, exchange: Exchange, key: str, body: bytes, *, ttl_s: float = 0.0, **more: Any) -> None:
        with self._producer() as producer:
            producer.publish(body, exchange=exchange, routing_key=key, delivery_mode="transient", retry=True,
                             expiration=ttl_s or self.options.message_ttl_s,
                             retry_policy={"max_retries": 2, "interval_start": 0, "interval_step": 0.2}, **RAW, **more)

    @contextlib.contextmanager
    def _producer(self) -> Iterator[Producer]:
        try:
            with self._producers.acquire(block=True, timeout=self.options.connect_timeout_s) as producer:
                yield producer
        except self._errors() as exc:
            raise Unreachable("the message broker cannot be reached", retry_after_s=5) from exc

    def _errors(self) -> tuple[type[BaseException], ...]:
        return (KombuError, OSError, *self._connection.connection_errors, *self._connection.channel_errors)


def _connection(options: KombuOptions) -> Connection:
    """kombu's own queues (memory, file system) are polled, by default once a second."""
    made = Connection(options.url, connect_timeout=options.connect_timeout_s)
    if issubclass(made.get_transport_cls(), virtual.Transport):
        made = Connection(options.url, transport_options={"polling_interval": POLL_S})
    return made


def _body(message: Any) -> bytes:
    """The body of a message; an empty one comes as text from some transports."""
    return message.body.encode() if isinstance(message.body, str) else bytes(message.body)


def _new_reply() -> queue.SimpleQueue[Reply]:
    return queue.SimpleQueue()


def _take(reply: queue.SimpleQueue[Reply], timeout_s: float, name: str) -> bytes:
    """The reply; the time begins anew with each sign that somebody works on it."""
    try:
        while True:
            word, body = reply.get(timeout=timeout_s)
            if word == LOST:
                raise Unreachable("the connection to the message broker was lost", retry_after_s=5)
            if word != ALIVE:
                return body
    except queue.Empty as exc:
        raise BackendBusy(f"nobody answered on {name} within {timeout_s:g} s") from exc


class Receiver(ConsumerMixin):  # type: ignore[misc]
    """The consuming thread: reconnects by itself, and follows what the bus wants to consume."""

    def __init__(self, connection: Connection, bus: Kombu) -> None:
        self.connection = connection
        self.should_stop = False
        self._bus = bus
        self._consumers: dict[str, Consumer] = {}
        self._channel: Any = None

    def receive(self, stop: threading.Event) -> None:
        """Consume until told to stop; whatever happens, begin again."""
        while not stop.is_set() and not self.should_stop:
            try:
                self.run(_tokens=1)
            except Exception:
                self._bus.consuming.clear()
                self._bus.log.exception("receiving failed, beginning again")
                self._bus.clock.sleep(1.0)

    def get_consumers(self, consumer_class: Any, channel: Any) -> list[Consumer]:
        """Called by kombu at each (re)connection: begin with all that is wanted."""
        self._bus.lost()
        self._channel = channel
        self._consumers = {}
        return [self._add(name, wanted, handle) for name, (wanted, handle) in self._bus.queues().items()]

    def _add(self, name: str, wanted: Queue, handle: Callable[[Any], None]) -> Consumer:
        consumer = Consumer(self._channel, [wanted], on_message=lambda message: self._take(message, handle),
                            prefetch_count=32, accept=None)
        self._consumers[name] = consumer
        return consumer

    def _take(self, message: Any, handle: Callable[[Any], None]) -> None:
        message.ack()
        handle(message)

    def on_consume_ready(self, connection: Any, channel: Any, consumers: Any, **more: Any) -> None:
        """Called by kombu once replies can arrive."""
        self._bus.consuming.set()

    def on_connection_error(self, error: Exception, interval: float) -> None:
        """Called by kombu when the broker cannot be reached; it tries again by itself."""
        self._bus.consuming.clear()
        self._bus.lost()
        self._bus.log.warning("the message broker cannot be reached: %s", error)

    def on_iteration(self) -> None:
        """Called by kombu between messages, at least once a second: begin and end consumers."""
        wanted = self._bus.queues()
        for name in wanted.keys() - self._consumers.keys():
            self._add(name, *wanted[name]).consume()
        for name in self._consumers.keys() - wanted.keys():
            self._consumers.pop(name).cancel()
