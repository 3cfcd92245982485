"""Turns: so many at once; who waits for another process steps aside and comes back."""

import abc
import threading
from typing import ClassVar

import msgspec
import pytest
from stratolith.core.bus.proxy import Answer, encode, make_proxy
from stratolith.core.turns import Turns, aside


def blocked(turns: Turns) -> bool:
    """Tell whether no turn is free now."""
    free = turns._free.acquire(blocking=False)
    if free:
        turns._free.release()
    return not free


def test_who_holds_the_last_turn_keeps_the_others_waiting():
    turns, went = Turns(1), threading.Event()

    def wait():
        with turns.taken():
            went.set()
    with turns.taken():
        other = threading.Thread(target=wait)
        other.start()
        assert blocked(turns)
        assert not went.is_set()
    other.join(5)
    assert went.is_set()


def test_who_steps_aside_lets_another_work_and_takes_its_turn_again():
    turns = Turns(1)
    with turns.taken():
        with aside():
            assert not blocked(turns)
        assert blocked(turns)
    assert not blocked(turns)


def test_without_a_turn_there_is_nothing_to_lend():
    turns = Turns(1)
    with aside(), turns.taken():
        assert blocked(turns)
    assert not blocked(turns)


def test_a_failure_aside_takes_the_turn_again():
    turns = Turns(2)
    with turns.taken():
        with pytest.raises(KeyError), aside():
            raise KeyError
        assert not blocked(turns)
    assert turns._free._value == 2


class Peer(abc.ABC):
    """An interface of another process."""

    api: ClassVar[tuple[int, int]] = (1, 0)

    @abc.abstractmethod
    def ask(self, number: int) -> int:
        """An answer."""


def test_who_calls_another_process_lends_its_turn():
    turns, seen = Turns(1), []

    class SlowBus:
        def call(self, queue, message, timeout_s):
            seen.append(blocked(turns))
            return encode(Answer(result=msgspec.Raw(encode(7))))

    proxy = make_proxy(Peer, SlowBus(), "peer", 5.0)
    with turns.taken():
        assert proxy.ask(3) == 7
        assert blocked(turns)
    assert seen == [False]
