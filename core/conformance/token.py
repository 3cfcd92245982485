"""The suite of token formats: subclass :class:`TokenSuite` and give it a fixture ``driver``."""

from __future__ import annotations

import base64
import random
import re

import pytest

from ..drivers.token import TokenFacts, TokenFormat, TokenPayload
from ..errors import Unauthorized
from .cases import in_parallel

HEADER_SAFE = re.compile(r"[A-Za-z0-9._=-]+")
USER, PROJECT = "1f" * 16, "2e" * 16
AUDIT, PARENT = (base64.urlsafe_b64encode(bytes([seed] * 16)).rstrip(b"=").decode() for seed in (7, 9))


def payload(**more: object) -> TokenPayload:
    """A payload with the values given over plain ones."""
    values = {"user_id": USER, "methods": ("password",), "issued_at": 1900000000.123456,
              "expires_at": 1900003600.123456, "audit_id": AUDIT, **more}
    return TokenPayload(**values)  # type: ignore[arg-type]


SCOPES = {
    "unscoped": payload(),
    "project": payload(project_id=PROJECT),
    "domain": payload(domain_id=PROJECT),
    "default domain": payload(domain_id="default"),
    "system": payload(system="all"),
    "rescoped": payload(project_id=PROJECT, parent_audit_id=PARENT, methods=("password", "token")),
    "user of a directory": payload(user_id="ab" * 32, project_id=PROJECT, parent_audit_id=PARENT),
    "trust": payload(project_id=PROJECT, trust_id="3d" * 16, parent_audit_id=PARENT),
    "application credential": payload(project_id=PROJECT, application_credential_id="4c" * 16,
                                      methods=("application_credential",), parent_audit_id=PARENT),
    "odd ids": payload(user_id="Zoë-1", domain_id="a"),
}


class TokenSuite:
    """What every token format must hold to."""

    def test_facts(self, driver: TokenFormat) -> None:
        facts = driver.facts()
        assert isinstance(facts, TokenFacts)
        assert facts.longest_bytes > 0

    @pytest.mark.parametrize("scope", sorted(SCOPES))
    def test_read_gives_back_what_was_issued(self, driver: TokenFormat, scope: str) -> None:
        assert driver.read(driver.issue(SCOPES[scope])) == SCOPES[scope]

    @pytest.mark.parametrize("scope", sorted(SCOPES))
    def test_a_token_fits_into_a_header(self, driver: TokenFormat, scope: str) -> None:
        text = driver.issue(SCOPES[scope])
        assert HEADER_SAFE.fullmatch(text)
        assert len(text) <= driver.facts().longest_bytes

    def test_the_same_payload_twice_is_read_twice(self, driver: TokenFormat) -> None:
        first, second = driver.issue(payload()), driver.issue(payload())
        assert driver.read(first) == driver.read(second)

    @pytest.mark.parametrize("text", ["", "x", "gAAAAA", "a.b.c", "ü", "a" * 183, "a" * 100_000, "\0", "e30.e30."])
    def test_foreign_text_is_refused(self, driver: TokenFormat, text: str) -> None:
        with pytest.raises(Unauthorized):
            driver.read(text)

    def test_every_changed_character_is_refused(self, driver: TokenFormat) -> None:
        text = driver.issue(SCOPES["rescoped"])
        for place in range(len(text) - 2):
            other = "A" if text[place] != "A" else "B"
            with pytest.raises(Unauthorized):
                driver.read(text[:place] + other + text[place + 1:])

    def test_cut_and_lengthened_tokens_are_refused(self, driver: TokenFormat) -> None:
        text = driver.issue(payload())
        for changed in (text[:-4], text[4:], text + "AAAA", text + text):
            with pytest.raises(Unauthorized):
                driver.read(changed)

    def test_random_bytes_are_refused(self, driver: TokenFormat) -> None:
        chance = random.Random(1)
        for _ in range(100):
            with pytest.raises(Unauthorized):
                driver.read(base64.urlsafe_b64encode(chance.randbytes(137)).decode())

    def test_a_token_outlives_a_rotation(self, driver: TokenFormat) -> None:
        text = driver.issue(payload())
        driver.rotate()
        assert driver.read(text) == payload()
        assert driver.read(driver.issue(payload())) == payload()

    def test_a_token_says_nothing_of_expiry_by_itself(self, driver: TokenFormat) -> None:
        long_ago = payload(issued_at=1000.0, expires_at=2000.0)
        assert driver.read(driver.issue(long_ago)) == long_ago

    def test_many_threads_at_once(self, driver: TokenFormat) -> None:
        def there_and_back(number: int) -> bool:
            one = payload(project_id=f"{number:032x}")
            return driver.read(driver.issue(one)) == one
        assert all(in_parallel(there_and_back, range(16)))

    def test_rotation_among_readers(self, driver: TokenFormat) -> None:
        text = driver.issue(payload())

        def act(number: int) -> bool:
            if number == 0:
                driver.rotate()
            return driver.read(text) == payload()
        assert all(in_parallel(act, range(8)))
