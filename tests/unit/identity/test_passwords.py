"""Hashes, and the memory of what was verified."""

import pytest
from stratolith.auth.sql import passwords
from stratolith.auth.sql.passwords import Passwords
from stratolith.core.clock import Virtual


class Counting(Passwords):
    """Counts the full verifications."""

    def __init__(self, clock, remember_s=300):
        super().__init__(clock, 64, 1, remember_s)
        self.work = 0
        verify = self._hasher.verify

        def counted(*arguments):
            self.work += 1
            return verify(*arguments)
        self._hasher.verify = counted


def test_argon2id_by_default():
    stored = Passwords(Virtual(), 19456, 2, 300).hash("x")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_two_hashes_of_one_password_differ():
    made = Passwords(Virtual(), 64, 1, 0)
    assert made.hash("x") != made.hash("x")


def test_the_second_verification_is_remembered_for_a_while():
    clock = Virtual()
    made = Counting(clock)
    stored = made.hash("x")
    for _ in range(3):
        assert made.matches("u", stored, "x")
    assert made.work == 1
    clock.advance(300)
    assert made.matches("u", stored, "x")
    assert made.work == 2


def test_nothing_is_remembered_when_told_so():
    made = Counting(Virtual(), remember_s=0)
    stored = made.hash("x")
    assert made.matches("u", stored, "x")
    assert made.matches("u", stored, "x")
    assert made.work == 2


def test_a_wrong_password_always_costs_a_verification():
    made = Counting(Virtual())
    stored = made.hash("x")
    assert made.matches("u", stored, "x")
    for _ in range(2):
        assert not made.matches("u", stored, "y")
    assert made.work == 3


def test_memory_is_by_user_and_by_hash():
    made = Counting(Virtual())
    stored = made.hash("x")
    assert made.matches("u", stored, "x")
    assert made.matches("v", stored, "x")
    assert made.matches("u", made.hash("x"), "x")
    assert made.work == 3


def test_memory_keeps_no_password():
    made = Counting(Virtual())
    made.matches("user-id", made.hash("open sesame"), "open sesame")
    assert all(len(mark) == 32 for mark in made._verified)
    assert "sesame" not in repr(vars(made))


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(passwords, "REMEMBERED", 4)
    made = Passwords(Virtual(), 64, 1, 300)
    stored = made.hash("x")
    for number in range(10):
        made.matches(f"u{number}", stored, "x")
    assert len(made._verified) == 4


@pytest.mark.parametrize("stored", ["", "x", "$argon2id$broken", "$2b$12$abc"])
def test_a_broken_hash_matches_nothing(stored):
    assert not Passwords(Virtual(), 64, 1, 300).matches("u", stored, "x")
