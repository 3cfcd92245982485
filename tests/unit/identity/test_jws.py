"""Signed tokens: their keys, their rotation, and what one text of them is."""

import base64
import json
import logging
import os
import stat

import pytest
from stratolith.auth.tokens.jws.driver import Jws, JwsOptions
from stratolith.auth.tokens.jws.repository import PRIVATE, PUBLIC, Repository
from stratolith.auth.tokens.jws.signature import Unfit, decoded, from_jwk, header, key_id
from stratolith.core.clock import Virtual
from stratolith.core.drivers.base import Surroundings
from stratolith.core.drivers.token import TokenPayload
from stratolith.core.errors import BadConfiguration, Unauthorized

PAYLOAD = TokenPayload(user_id="a" * 32, methods=("password",), issued_at=1.5, expires_at=2.25, audit_id="A" * 22)


def driver(folder, clock, **options):
    made = Jws(JwsOptions(key_repository=str(folder), **options),
               Surroundings(clock, logging.getLogger("test"), folder / "state", folder / "run"))
    made.open()
    return made


def test_first_keys(tmp_path):
    repository = Repository(tmp_path / "keys", Virtual(), 3)
    for _ in range(2):
        repository.prepare()
        assert repository.numbers(PRIVATE) == repository.numbers(PUBLIC) == [1, 2]
    assert stat.S_IMODE(os.stat(tmp_path / "keys").st_mode) == 0o700
    for file in (tmp_path / "keys").glob("*.key"):
        assert stat.S_IMODE(os.stat(file).st_mode) == 0o600


def test_rotation_keeps_two_private_keys_and_as_many_public_ones_as_told(tmp_path):
    repository = Repository(tmp_path, Virtual(), 4)
    repository.prepare()
    following = repository.public()[0]
    repository.rotate()
    assert key_id(repository.current().public_key()) == key_id(following)
    for _ in range(4):
        repository.rotate()
    assert repository.numbers(PRIVATE) == [6, 7] and repository.numbers(PUBLIC) == [4, 5, 6, 7]


def test_a_rotation_elsewhere_needs_no_restart(tmp_path):
    clock = Virtual()
    here, there = driver(tmp_path, clock), driver(tmp_path, clock)
    old = here.issue(PAYLOAD)
    there.rotate()
    fresh = there.issue(PAYLOAD)
    assert here.read(fresh) == here.read(old) == PAYLOAD
    clock.advance(1)
    assert here.issue(PAYLOAD).split(".")[0] == fresh.split(".")[0] != old.split(".")[0]


def test_a_token_ends_with_its_key(tmp_path):
    here = driver(tmp_path, Virtual(), max_active_keys=3)
    old = here.issue(PAYLOAD)
    here.rotate()
    assert here.read(old) == PAYLOAD
    here.rotate()
    with pytest.raises(Unauthorized):
        here.read(old)


@pytest.mark.parametrize(("name", "text"), [("1.key", "rubbish"), ("1.pem", "rubbish"), ("1.key", "")])
def test_keys_that_cannot_be_read_stop_the_start(tmp_path, name, text):
    Repository(tmp_path, Virtual(), 3).prepare()
    (tmp_path / name).write_text(text)
    with pytest.raises(BadConfiguration, match=name.replace(".", r"\.")):
        driver(tmp_path, Virtual())


def test_the_id_of_a_key_is_its_thumbprint():
    """The way of RFC 7638: a digest of what makes the key, so that nobody can give another key its id."""
    key = {"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
           "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}
    kid = key_id(from_jwk(key))
    assert json.loads(decoded(header(kid))) == {"typ": "JWT", "alg": "ES256", "kid": kid}
    assert len(decoded(kid)) == 32


@pytest.mark.parametrize("changes", [{"kty": "oct"}, {"crv": "P-384"}, {"alg": "HS256"}, {"x": "AA"}, {"y": ""},
                                     {"x": "####"}])
def test_keys_of_other_kinds_are_refused(changes):
    key = {"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
           "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", **changes}
    with pytest.raises(Unfit):
        from_jwk(key)


@pytest.mark.parametrize("text", ["a", "YQ==", "YQ=", "YR", "Y Q", "YQ\n", "Y+", "é"])
def test_one_text_for_the_same_bytes(text):
    with pytest.raises(Unfit):
        decoded(text)


def test_a_token_is_made_of_what_standards_say(tmp_path):
    """An independent reader finds the claims where RFC 7519 has them."""
    head, claims, signature = driver(tmp_path, Virtual()).issue(PAYLOAD).split(".")
    assert json.loads(base64.urlsafe_b64decode(head + "==")).keys() == {"typ", "alg", "kid"}
    found = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    assert (found["sub"], found["iat"], found["exp"]) == (PAYLOAD.user_id, 1.5, 2.25)
    assert len(base64.urlsafe_b64decode(signature + "==")) == 64


def test_another_library_reads_it_with_the_published_keys(tmp_path):
    jwt = pytest.importorskip("jwt")
    made = driver(tmp_path, Virtual())
    keys = jwt.PyJWKSet.from_dict({"keys": list(made.public_keys())})
    token = made.issue(PAYLOAD)
    key = keys[jwt.get_unverified_header(token)["kid"]]
    found = jwt.decode(token, key, algorithms=["ES256"], options={"verify_exp": False, "verify_iat": False})
    assert found["sub"] == PAYLOAD.user_id
