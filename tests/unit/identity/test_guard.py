"""The guard at the door."""

import dataclasses

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.errors import BadConfiguration, RateLimited, Unauthorized
from stratolith.plugins.identity import guard as module
from stratolith.plugins.identity.guard import Buckets, Guard, claimed
from stratolith.plugins.identity.store import IdentityOptions


def made(clock=None, **options):
    return Guard(clock or Virtual(), dataclasses.replace(IdentityOptions(), **options))


def fail(guard, address="192.0.2.1", users=("u",), times=1):
    """The number of attempts that were let in."""
    let_in = 0
    for _ in range(times):
        try:
            with guard.watched(address, users):
                let_in += 1
                raise Unauthorized
        except (Unauthorized, RateLimited):
            continue
    return let_in


def test_failures_of_one_user_from_everywhere():
    clock = Virtual()
    guard = made(clock, login_failures_per_user=5)
    assert sum(fail(guard, f"192.0.2.{number}") for number in range(50)) == 5
    with pytest.raises(RateLimited) as refused, guard.watched("198.51.100.1", ["u"]):
        raise AssertionError
    assert 1 <= refused.value.facts["retry_after_s"] <= 12
    assert fail(guard, users=["other"]) == 1
    clock.advance(12)
    assert fail(guard, times=3) == 1
    clock.advance(3600)
    assert fail(guard, times=50) == 5


def test_failures_from_one_address_of_many_users():
    guard = made(login_failures_per_address=5)
    assert sum(fail(guard, users=[f"u{number}"]) for number in range(50)) == 5
    assert fail(guard, "192.0.2.2") == 1


def test_successes_cost_nothing():
    guard = made(login_failures_per_user=2, login_failures_per_address=2)
    for _ in range(100):
        with guard.watched("192.0.2.1", ["u"]):
            pass
    assert fail(guard, times=9) == 2


def test_tokens_are_nothing_to_guess():
    guard = made(login_failures_per_address=2)
    assert fail(guard, users=[], times=9) == 9


def test_no_limit():
    assert fail(made(login_failures_per_user=0, login_failures_per_address=0), times=1000) == 1000


def test_addresses_without_limit():
    guard = made(login_failures_per_address=2, unlimited_addresses=("10.0.0.0/8",))
    assert sum(fail(guard, "10.1.2.3", [f"u{number}"]) for number in range(9)) == 9


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MOST", 50)
    clock = Virtual()
    buckets = Buckets(clock, 3)
    for number in range(1000):
        buckets.take(b"%d" % number)
        assert len(buckets._known) <= 50
    for _ in range(3):
        buckets.take(b"busy")
    clock.advance(59)
    buckets.take(b"busy")
    clock.advance(1)
    for number in range(40):
        buckets.take(b"other %d" % number)
    assert b"busy" in buckets._known


@pytest.mark.parametrize(("peer", "forwarded", "expected"), [
    ("192.0.2.9", "", "192.0.2.9"), ("192.0.2.9", "203.0.113.1", "192.0.2.9"),
    ("10.0.0.1", "203.0.113.1", "203.0.113.1"),
    ("10.0.0.1", "8.8.8.8, 203.0.113.1, 10.0.0.2", "203.0.113.1"), ("10.0.0.1", "", "10.0.0.1"),
    ("10.0.0.1", "rubbish", "rubbish"), ("2001:db8::1:2:3:4", "", "2001:db8::"), ("::ffff:192.0.2.9", "", "192.0.2.9"),
    ("", "", "")])
def test_where_a_request_comes_from(peer, forwarded, expected):
    assert made(trusted_proxies=("10.0.0.0/24",)).address(peer, forwarded) == expected


def test_proxies_that_cannot_be_read():
    with pytest.raises(BadConfiguration):
        made(trusted_proxies=("10.0.0.0/99",))


def test_who_is_claimed():
    user = {"name": "u", "domain": {"id": "d"}, "password": "x"}
    assert claimed({"methods": ["password"], "password": {"user": user}}) == ["name u [('id', 'd')]"]
    assert claimed({"methods": ["token"], "token": {"id": "t"}, "password": {"user": user}}) == []
    assert claimed({"methods": ["application_credential"], "application_credential": {"id": "a", "secret": "s"}}) == [
        "credential a"]
    assert claimed({"methods": ["totp"], "totp": {"user": {"id": "u"}}}) == ["id u"]
    assert claimed({"methods": ["password"], "password": "rubbish"}) == []
