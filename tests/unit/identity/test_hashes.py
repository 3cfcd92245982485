"""Password hash algorithms: their own hashes, those of Keystone databases, and the change from one to another."""

import pytest
from stratolith.auth.sql.passwords import HASHES, Passwords
from stratolith.core.clock import Virtual
from stratolith.core.drivers.password_hash import Cost

CHEAP = {"argon2id": Cost(memory_kib=64, time_cost=1), "bcrypt": Cost(rounds=4), "pbkdf2_sha512": Cost(rounds=10),
         "scrypt": Cost(memory_kib=16)}
KEYSTONES = {
    "bcrypt": ("sesame", "$2b$04$S041mInvIs4MY4smgtxKJe5.p4UP8P1TxFo5EZ1L0LhznmtmgN7Ny"),
    "bcrypt_sha256": ("", "$bcrypt-sha256$v=2,t=2b,r=5$E/e/2AOhqM5W/KJTFQzLce$WFPIZKtDDTriqWwlmRFfHiOTeheAZWe"),
    "scrypt": ("sesame", "$scrypt$ln=4,r=8,p=1$nTNm7P1/DyFEKMW4F0IopQ$xKHAvN11ExoOAQvpBCgCIh7r57EjGDZ3Hbof0eGsmJY"),
    "pbkdf2_sha512": ("sesame", "$pbkdf2-sha512$1000$Zyyl1FprzXlPidF6L0UIwQ$XsZbFNbq2DA5iOa3fScZxsfYKdjW8o8W31WzH1"
                      "Touuoe5xZZ4bsSziiL4eRYdakPxp6BIniXn.6h3h6PmcneLA"),
}
"""Passwords and their hashes as the library behind Keystone writes them (passlib 1.7.4, bcrypt 5.0.0)."""


def made(name, clock=None):
    return HASHES.load(name)(clock or Virtual(), CHEAP[name])


@pytest.mark.parametrize("name", sorted(CHEAP))
@pytest.mark.parametrize("password", ["x", "", "Zürich 東京", "a" * 72, "a" * 73, "a" * 4096, "nul\0nul"])
def test_there_and_back(name, password):
    hash = made(name)
    stored, other = hash.hash(password.encode()), hash.hash(password.encode())
    assert stored != other and stored.startswith(hash.prefixes) and len(stored) <= 255 and stored.isascii()
    assert hash.verify(stored, password.encode()) and hash.is_current(stored)
    assert not hash.verify(stored, password.encode() + b"x")


@pytest.mark.parametrize("name", sorted(CHEAP))
@pytest.mark.parametrize("tail", ["", "x", "$", "$$$", "v=19$m=1", "ln=99,r=8,p=1$YQ$YQ", "12$", "-1$YQ$YQ", "ü"])
def test_broken_hashes_match_nothing(name, tail):
    hash = made(name)
    for prefix in hash.prefixes:
        assert not hash.verify(prefix + tail, b"x")
        assert not hash.is_current(prefix + tail)


def test_hashes_of_hostile_cost_are_refused():
    assert not made("scrypt").verify("$scrypt$ln=31,r=8,p=1$YWJj$YWJj", b"x")
    assert not made("pbkdf2_sha512").verify("$pbkdf2-sha512$99999999999$YWJj$YWJj", b"x")


@pytest.mark.parametrize("name", sorted(CHEAP))
def test_another_cost_is_not_current(name):
    stored = made(name).hash(b"x")
    dearer = HASHES.load(name)(Virtual(), Cost(memory_kib=256, time_cost=2, rounds=11))
    assert dearer.verify(stored, b"x") and not dearer.is_current(stored)


@pytest.mark.parametrize("name", sorted(CHEAP))
@pytest.mark.parametrize("other", sorted(CHEAP))
def test_hashes_of_all_algorithms_are_verified_whichever_is_chosen(name, other):
    passwords = Passwords(Virtual(), 64, 1, 0, other, 4)
    stored = made(name).hash(b"sesame")
    assert passwords.matches("u", stored, "sesame") and not passwords.matches("u", stored, "wrong")
    assert passwords.is_current(passwords.hash("sesame"))
    if name != other:
        assert not passwords.is_current(stored)


@pytest.mark.parametrize("form", sorted(KEYSTONES))
@pytest.mark.parametrize("chosen", sorted(CHEAP))
def test_hashes_of_a_keystone_database(form, chosen):
    password, stored = KEYSTONES[form]
    passwords = Passwords(Virtual(), 64, 1, 0, chosen, 4)
    assert passwords.matches("u", stored, password) and not passwords.matches("u", stored, password + "x")


def test_a_hash_of_no_known_algorithm_matches_nothing():
    for stored in ("", "x", "$6$rounds=5000$salt$hash", "plain"):
        assert not Passwords(Virtual(), 64, 1, 0).matches("u", stored, stored)
