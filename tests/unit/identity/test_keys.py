"""The keys of sealed secrets: made, rotated, and what follows them."""

import argparse
import os
import stat

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.errors import BadConfiguration, BadRequest, NotFound
from stratolith.plugins.identity import sealed
from stratolith.plugins.identity.cli import IdentityCommand
from stratolith.plugins.identity.keys import Seal


@pytest.fixture
def clock():
    return Virtual()


@pytest.fixture
def seal(tmp_path, clock):
    return Seal(tmp_path / "keys", clock, 3)


def test_first_keys_are_their_owners_alone(tmp_path, seal):
    assert seal.open(seal.close("secret")) == "secret"
    assert {path.name for path in (tmp_path / "keys").iterdir()} == {".lock", "0", "1"}
    assert stat.S_IMODE(os.stat(tmp_path / "keys").st_mode) == 0o700
    assert {stat.S_IMODE(os.stat(tmp_path / "keys" / name).st_mode) for name in ("0", "1")} == {0o600}


def test_a_key_from_before_there_was_a_folder_stays(tmp_path, clock):
    old = Seal(tmp_path / "old", clock, 3)
    sealed = old.close("secret")
    single = tmp_path / "credential.key"
    (tmp_path / "old" / "1").rename(single)
    assert Seal(tmp_path / "new", clock, 3, first=single).open(sealed) == "secret"
    assert not single.exists()


def test_another_process_notices_a_rotation(tmp_path, clock, seal):
    other = Seal(tmp_path / "keys", clock, 3)
    before = other.close("secret")
    seal.rotate()
    assert other.open(seal.close("new")) == "new"
    assert not seal.is_primary(before) and seal.open(before) == "secret"
    clock.advance(1)
    assert seal.is_primary(other.close("newer"))


def test_old_keys_go(tmp_path, clock, seal):
    sealed = seal.close("secret")
    for _ in range(2):
        seal.rotate()
    clock.advance(1)
    with pytest.raises(NotFound):
        seal.open(sealed)
    assert len(list((tmp_path / "keys").glob("[0-9]"))) == 3


def test_purposes_are_kept_apart(seal):
    with pytest.raises(NotFound):
        seal.open(seal.close("secret", "receipt"))
    with pytest.raises(NotFound):
        seal.open(seal.close("secret"), "receipt")


@pytest.mark.parametrize("text", ["", "AAAA", "A" * 43 + "="], ids=["empty", "short", "null"])
def test_what_is_no_key_seals_nothing(tmp_path, clock, text):
    seal = Seal(tmp_path / "keys", clock, 3)
    seal.close("x")
    (tmp_path / "keys" / "9").write_text(text)
    with pytest.raises(BadConfiguration):
        Seal(tmp_path / "keys", clock, 3).close("x")


def run(folder, action):
    """``stratolith identity ACTION``."""
    command = IdentityCommand()
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    arguments = parser.parse_args([action, "--state", str(folder)])
    arguments.flags = []
    return command.run(arguments)


def test_rotate_and_reseal(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sealed, "BATCH", 1)
    cloud = InProcess(tmp_path, services=["identity"], persistent=True).start()
    try:
        body = {"credential": {"type": "cert", "blob": "very secret"}}
        made = cloud.request("POST", "/identity/v3/credentials", body).json["credential"]
        consumer = cloud.request("POST", "/identity/v3/OS-OAUTH1/consumers", {"consumer": {}})
        assert consumer.status == 201
        for name in ("one", "two"):
            domain = cloud.request("POST", "/identity/v3/domains", {"domain": {"name": name}}).json["domain"]["id"]
            config = {"config": {"ldap": {"url": "ldap://x", "password": name}}}
            assert cloud.request("PUT", f"/identity/v3/domains/{domain}/config", config).status == 201
        state = tmp_path / "state"
        assert run(state, "rotate-credential-keys") == 0
        with pytest.raises(BadRequest):
            run(state, "rotate-credential-keys")
        assert run(state, "reseal-credentials") == 0
        assert run(state, "rotate-credential-keys") == 0
        assert run(state, "reseal-credentials") == 0
        assert capsys.readouterr().out.count("4 secrets sealed") == 2
        shown = cloud.request("GET", f"/identity/v3/credentials/{made['id']}").json["credential"]
        assert shown["blob"] == "very secret"
    finally:
        cloud.stop()
