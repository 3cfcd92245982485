"""Servers that do not answer, connections that are kept, searches that are done again."""

import logging

import pytest

pytest.importorskip("ldap")

from stratolith.auth.ldap import servers as module
from stratolith.auth.ldap.layouts import resolved
from stratolith.auth.ldap.link import Lost, Turned
from stratolith.auth.ldap.options import LdapOptions
from stratolith.auth.ldap.servers import Servers
from stratolith.auth.ldap.session import Session
from stratolith.core.clock import Virtual
from stratolith.core.errors import BackendBusy, BackendFailed, BadConfiguration

URLS = ("ldaps://one", "ldaps://two", "ldaps://three")


class World:
    """Servers that live and die, in the place of connections."""

    def __init__(self):
        self.down, self.refuses, self.tried, self.open = set(), set(), [], []


@pytest.fixture
def world(monkeypatch):
    made = World()

    class Link:
        def __init__(self, url, options, authorities, count):
            self.url, self.closed, self.lost = url, False, False

        def bind(self, dn, password, timeout_s):
            made.tried.append(self.url)
            if self.url in made.down:
                raise Lost("SERVER_DOWN")
            if dn in made.refuses:
                raise Turned("INVALID_CREDENTIALS")
            made.open.append(self)

        def close(self):
            self.closed = True

        def search(self, *arguments):
            if self.lost or self.url in made.down:
                raise Lost("SERVER_DOWN")
            return [self.url]

    monkeypatch.setattr(module, "Link", Link)
    monkeypatch.setattr(module, "shake_hands", lambda *arguments: None)
    return made


def build(world, clock, tmp_path, **given):
    options = resolved(LdapOptions(url=URLS, suffix="dc=a", **given))
    servers = Servers(options, clock, logging.getLogger("test"), tmp_path)
    return servers, Session(options, servers, clock)


def lookup(session):
    return session.lookup("dc=a", "sub", "(a=b)", ())[0]


def test_the_dead_are_asked_last_for_a_while(world, tmp_path):
    clock = Virtual()
    _, session = build(world, clock, tmp_path)
    world.down = {URLS[0]}
    assert lookup(session) == URLS[1]
    world.tried.clear()
    world.open[-1].lost = True
    assert lookup(session) == URLS[1] and world.tried == [URLS[1]]
    clock.advance(31)
    world.open[-1].lost = True
    world.down = set()
    assert lookup(session) == URLS[0]


def test_while_all_are_dead_callers_are_told_at_once_but_for_one_try_a_second(world, tmp_path):
    clock = Virtual()
    _, session = build(world, clock, tmp_path)
    world.down = set(URLS)
    for _ in range(5):
        with pytest.raises(BackendBusy):
            lookup(session)
    assert world.tried == list(URLS)
    clock.advance(1.5)
    world.down = {URLS[0]}
    assert lookup(session) == URLS[1]


def test_a_connection_that_rested_too_long_is_made_anew_and_the_search_done_again(world, tmp_path):
    _, session = build(world, Virtual(), tmp_path)
    assert lookup(session) == URLS[0]
    first = world.open[-1]
    first.lost = True
    assert lookup(session) == URLS[0]
    assert first.closed and not world.open[-1].closed


def test_connections_are_kept_and_replaced_when_they_are_old(world, tmp_path):
    clock = Virtual()
    _, session = build(world, clock, tmp_path, pool_lifetime_s=100.0)
    for _ in range(5):
        lookup(session)
    assert len(world.open) == 1
    clock.advance(101)
    lookup(session)
    assert len(world.open) == 2 and world.open[0].closed
    session.close()
    assert world.open[1].closed


def test_users_never_bind_where_the_service_searches(world, tmp_path):
    _, session = build(world, Virtual(), tmp_path)
    lookup(session)
    world.refuses = {"uid=a"}
    assert not session.proves("uid=a", "x") and session.proves("uid=b", "x")
    # The connection of searches is bound once, by the service; the other one also by users.
    assert lookup(session) == URLS[0]
    assert [world.open.count(one) for one in dict.fromkeys(world.open)] == [1, 2]


def test_a_service_that_is_not_let_in_says_so_and_keeps_its_secret(world, tmp_path, caplog):
    world.refuses = {"cn=service"}
    _, session = build(world, Virtual(), tmp_path, user="cn=service", password="hush-hush")
    with caplog.at_level(logging.DEBUG), pytest.raises(BackendFailed) as caught:
        lookup(session)
    assert "cn=service" in caplog.text and "hush-hush" not in caplog.text + str(caught.value)


def test_trust_without_certificates_is_warned_of(world, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        build(world, Virtual(), tmp_path, tls_req_cert="never")
    assert "ANYBODY" in caplog.text


def test_folders_of_authorities_are_joined(world, tmp_path):
    folder = tmp_path / "authorities"
    folder.mkdir()
    with pytest.raises(BadConfiguration):
        build(world, Virtual(), tmp_path, tls_cacertdir=str(folder))
    for name in ("a.pem", "b.crt", "c.txt"):
        (folder / name).write_text(name)
    servers, _ = build(world, Virtual(), tmp_path, tls_cacertdir=str(folder))
    assert "a.pem\nb.crt" in (tmp_path / "authorities.pem").read_text()
    assert servers._authorities == str(tmp_path / "authorities.pem")
    with pytest.raises(BadConfiguration):
        build(world, Virtual(), tmp_path, tls_cacertfile=str(tmp_path / "none"))
