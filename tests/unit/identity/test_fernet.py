"""Packing of tokens and the repository of their keys."""

import logging
import os
import stat

import pytest
from stratolith.auth.tokens.fernet.driver import Fernet, FernetOptions
from stratolith.auth.tokens.fernet.packing import pack, unpack
from stratolith.auth.tokens.fernet.repository import Repository
from stratolith.core.clock import Virtual
from stratolith.core.drivers.base import Surroundings
from stratolith.core.drivers.token import TokenPayload
from stratolith.core.errors import BadConfiguration, Unauthorized

PAYLOAD = TokenPayload(user_id="a" * 32, methods=("password",), issued_at=1.5, expires_at=2.25, audit_id="A" * 22)


def driver(folder, clock, **options):
    made = Fernet(FernetOptions(key_repository=str(folder), **options),
                  Surroundings(clock, logging.getLogger("test"), folder / "state", folder / "run"))
    made.open()
    return made


@pytest.mark.parametrize("id", ["", "default", "0f" * 16, "0f" * 32, "0F" * 16, "abc", "ab cd", "déjà"])
def test_ids_come_back_as_they_were(id):
    payload = TokenPayload(user_id="u", methods=("token", "totp"), issued_at=1.0, expires_at=2.0, audit_id="A" * 22,
                           project_id=id)
    assert unpack(pack(payload)).project_id == id
    assert set(unpack(pack(payload)).methods) == {"token", "totp"}


@pytest.mark.parametrize("data", [b"", b"\xc0", b"\x90", b"\x96" + b"\x01" * 6, pack(PAYLOAD)[:-3], b"\xa1x"])
def test_other_forms_are_refused(data):
    with pytest.raises(Unauthorized):
        unpack(data)


def test_first_keys(tmp_path):
    repository = Repository(tmp_path / "keys", Virtual(), 3)
    for _ in range(2):
        repository.prepare()
        assert repository.numbers() == [0, 1]
    assert stat.S_IMODE(os.stat(tmp_path / "keys").st_mode) == 0o700
    for number in (0, 1):
        assert stat.S_IMODE(os.stat(tmp_path / "keys" / str(number)).st_mode) == 0o600


def test_rotation_promotes_the_staged_key(tmp_path):
    repository = Repository(tmp_path, Virtual(), 3)
    repository.prepare()
    staged = (tmp_path / "0").read_bytes()
    repository.rotate()
    assert (tmp_path / "2").read_bytes() == staged == repository.read()[0]
    assert repository.numbers() == [0, 1, 2]
    repository.rotate()
    assert repository.numbers() == [0, 2, 3]
    assert len(set(repository.read())) == 3


@pytest.mark.parametrize("content", [b"", b"short", b"!" * 44])
def test_broken_key(tmp_path, content):
    repository = Repository(tmp_path, Virtual(), 3)
    repository.prepare()
    (tmp_path / "1").write_bytes(content)
    with pytest.raises(BadConfiguration, match="1 is not 32 bytes"):
        repository.read()


def test_a_rotation_elsewhere_is_followed_at_once(tmp_path):
    clock = Virtual()
    here, there = driver(tmp_path, clock), driver(tmp_path, clock)
    for _ in range(4):
        there.rotate()
    assert here.read(there.issue(PAYLOAD)) == PAYLOAD


def test_a_rotation_elsewhere_is_used_within_a_second(tmp_path):
    clock = Virtual()
    here, there = driver(tmp_path, clock), driver(tmp_path, clock)
    before = here.issue(PAYLOAD)
    there.rotate()
    assert there.read(before) == PAYLOAD
    clock.advance(1.0)
    assert there.read(here.issue(PAYLOAD)) == PAYLOAD


def test_a_retired_key_is_good_for_nothing(tmp_path):
    made = driver(tmp_path, Virtual())
    text = made.issue(PAYLOAD)
    for _ in range(2):
        made.rotate()
    with pytest.raises(Unauthorized):
        made.read(text)


def test_the_longest_token_is_short(tmp_path):
    longest = TokenPayload(user_id="ab" * 32, methods=("password", "token", "totp"), issued_at=4e9, expires_at=4.2e9,
                           audit_id="A" * 22, parent_audit_id="B" * 21 + "A", project_id="cd" * 16, trust_id="ef" * 16)
    assert len(driver(tmp_path, Virtual()).issue(longest)) <= 255
