"""Slow bodies hold some threads, never all; a full gate turns away and opens again."""

import contextlib
import threading

import pytest
from stratolith.core.errors import BackendBusy
from stratolith.core.http.gate import Gate, Gates


def test_a_full_gate_turns_away_and_opens_again():
    gate = Gate(2)
    with gate.passed(), gate.passed():
        with pytest.raises(BackendBusy) as caught, gate.passed():
            raise AssertionError("nobody else gets in")
        assert caught.value.facts["retry_after_s"] == 1
    with gate.passed():
        assert gate is not None


def test_a_failure_inside_leaves_the_gate():
    gate = Gate(1)
    for _ in range(3):
        with pytest.raises(KeyError), gate.passed():
            raise KeyError


@pytest.mark.parametrize("threads", [1, 4, 64])
def test_the_gates_together_leave_a_quarter_of_the_threads(threads):
    gates, inside = Gates(threads), 0
    with contextlib.ExitStack() as held, pytest.raises(BackendBusy):
        for gate in (gates.strangers, gates.bodies, gates.streams):
            for _ in range(max(1, threads // 4)):
                held.enter_context(gate.passed())
                inside += 1
        held.enter_context(gates.streams.passed())
    assert inside == max(3, threads * 3 // 4)


def test_any_thread_may_leave():
    gate = Gate(1)
    with gate.passed():
        blocked = []

        def enter():
            try:
                with gate.passed():
                    blocked.append(False)
            except BackendBusy:
                blocked.append(True)
        other = threading.Thread(target=enter)
        other.start()
        other.join()
    assert blocked == [True]
