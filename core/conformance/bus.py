"""The suite of buses: calls, casts, events, and what happens when nobody is there."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ..drivers.bus import Bus
from ..errors import BackendBusy

PATIENCE_S = 20.0


class BusSuite:
    """Subclass me and give a ``driver`` fixture: a bus that is open."""

    @pytest.fixture
    def name(self, driver: Bus, request: pytest.FixtureRequest) -> str:
        """A queue or topic name of the test's own."""
        return f"suite-{driver.clock.hex_id()[:8]}-{request.node.name[:40]}"

    def serve(self, driver: Bus, name: str) -> list[bytes]:
        """Serve ``name`` with an echo in upper case; return the list of what it is asked."""
        seen: list[bytes] = []

        def answer(body: bytes) -> bytes:
            seen.append(body)
            return body.upper()
        driver.serve(name, answer)
        assert driver.call(name, b"warm", PATIENCE_S) == b"WARM"
        seen.clear()
        return seen

    def test_facts(self, driver: Bus) -> None:
        facts = driver.facts()
        assert isinstance(facts.durable, bool) and isinstance(facts.remote, bool)

    def test_open_twice(self, driver: Bus, name: str) -> None:
        driver.open()
        self.serve(driver, name)

    def test_a_call_gets_its_reply(self, driver: Bus, name: str) -> None:
        seen = self.serve(driver, name)
        assert driver.call(name, b"hello", PATIENCE_S) == b"HELLO"
        assert seen == [b"hello"]

    def test_an_empty_body(self, driver: Bus, name: str) -> None:
        self.serve(driver, name)
        assert driver.call(name, b"", PATIENCE_S) == b""

    def test_bytes_that_are_no_text(self, driver: Bus, name: str) -> None:
        driver.serve(name, lambda body: body)
        body = bytes(range(256))
        assert driver.call(name, body, PATIENCE_S) == body

    def test_a_body_of_a_mebibyte(self, driver: Bus, name: str) -> None:
        self.serve(driver, name)
        body = b"x" * (1 << 20)
        assert driver.call(name, body, PATIENCE_S) == body.upper()

    def test_a_hundred_calls_in_order(self, driver: Bus, name: str) -> None:
        self.serve(driver, name)
        for number in range(100):
            assert driver.call(name, b"n%d" % number, PATIENCE_S) == b"N%d" % number

    def test_parallel_calls_get_their_own_replies(self, driver: Bus, name: str) -> None:
        self.serve(driver, name)
        bodies = [b"body-%d" % number for number in range(40)]
        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda body: driver.call(name, body, PATIENCE_S), bodies))
        assert replies == [body.upper() for body in bodies]

    def test_queues_do_not_mix(self, driver: Bus, name: str) -> None:
        first, second = self.serve(driver, name + "-1"), self.serve(driver, name + "-2")
        driver.call(name + "-1", b"one", PATIENCE_S)
        driver.call(name + "-2", b"two", PATIENCE_S)
        assert (first, second) == ([b"one"], [b"two"])

    def test_nobody_serves(self, driver: Bus, name: str) -> None:
        with pytest.raises(BackendBusy):
            driver.call(name, b"anyone?", 0.2)

    def test_a_withdrawn_queue(self, driver: Bus, name: str) -> None:
        self.serve(driver, name)
        driver.withdraw(name)
        driver.withdraw(name)
        with pytest.raises(BackendBusy):
            driver.call(name, b"still there?", 0.5)

    def test_a_queue_served_again(self, driver: Bus, name: str) -> None:
        self.serve(driver, name)
        driver.withdraw(name)
        self.serve(driver, name)

    def test_a_cast_arrives(self, driver: Bus, name: str) -> None:
        arrived: queue.Queue[bytes] = queue.Queue()
        self.serve(driver, name)

        def take(body: bytes) -> bytes:
            arrived.put(body)
            return b""
        driver.serve(name, take)
        driver.cast(name, b"news")
        assert arrived.get(timeout=PATIENCE_S) == b"news"

    def test_an_event_reaches_all_listeners(self, driver: Bus, name: str) -> None:
        heard: list[queue.Queue[bytes]] = [queue.Queue(), queue.Queue()]
        for one in heard:
            driver.listen(name, one.put)
        self.publish_until(driver, name, heard[0])
        driver.publish(name, b"event")
        for one in heard:
            self.wait_for(one, b"event")

    def test_events_of_other_topics_are_not_heard(self, driver: Bus, name: str) -> None:
        heard: queue.Queue[bytes] = queue.Queue()
        driver.listen(name, heard.put)
        self.publish_until(driver, name, heard)
        driver.publish(name + "-other", b"wrong")
        driver.publish(name, b"last")
        assert b"wrong" not in self.wait_for(heard, b"last")

    def test_an_event_nobody_hears(self, driver: Bus, name: str) -> None:
        driver.publish(name, b"to the wind")

    def test_a_listener_that_fails_does_not_stop_others(self, driver: Bus, name: str) -> None:
        if not driver.facts().remote:
            return
        heard: queue.Queue[bytes] = queue.Queue()
        driver.listen(name, _fails)
        driver.listen(name, heard.put)
        self.publish_until(driver, name, heard)

    def publish_until(self, driver: Bus, name: str, heard: queue.Queue[bytes]) -> None:
        """Publish until a new listener hears: it hears what comes after it began to listen."""
        done = threading.Event()
        for _ in range(100):
            driver.publish(name, b"probe")
            try:
                if heard.get(timeout=PATIENCE_S / 100) == b"probe":
                    done.set()
                    break
            except queue.Empty:
                continue
        assert done.is_set(), "no event was heard"

    def wait_for(self, heard: queue.Queue[bytes], wanted: bytes) -> list[bytes]:
        """Everything heard until ``wanted`` came."""
        seen = [heard.get(timeout=PATIENCE_S)]
        while seen[-1] != wanted:
            seen.append(heard.get(timeout=PATIENCE_S))
        return seen


def _fails(body: bytes) -> None:
    raise RuntimeError("a listener that fails on purpose")
