"""The suite of sources of assertions: subclass :class:`AssertionSuite` and give it a fixture ``driver``.

What is presented is hostile: most cases are things that must not be believed. A subclass that can make something that
is to be believed overrides :meth:`AssertionSuite.good`.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import pytest

from ..drivers.assertion import AssertionFacts, AssertionSource, Presented, Vouching
from ..errors import BackendBusy, Unauthorized
from .cases import ABSENT, HOSTILE_NAMES, in_parallel

STRANGER = "203.0.113.66"
"""An address of those for documentation (RFC 5737), which nobody trusts."""
ISSUER = "https://idp.invalid"
VOUCHING = Vouching("conformance", (ISSUER,), "openid")
NOISE = {"user-agent": "curl/8", "accept": "*/*", "cookie": "session=admin", "host": "cloud.test",
         "content-type": "application/json", "x-auth-token": "t", "content-length": "0"}
FORGED = {"remote-user": "admin", "remote_user": "admin", "x-remote-user": "admin", "x-forwarded-user": "admin",
          "oidc-sub": "admin", "oidc_claim_sub": "admin", "oidc-groups": "admins", "mellon_name_id": "admin",
          "http_remote_user": "admin", "shib-session-id": "1", "eppn": "admin@example.org", "ssl_client_user_name": "a"}
ADDRESSES = ({"x-forwarded-for": "127.0.0.1"}, {"forwarded": "for=127.0.0.1"}, {"x-real-ip": "::1"},
             {"x-proxy-secret": ""}, {"x-proxy-secret": "None"}, {"x-proxy-secret": "wrong"})


def presented(headers: Mapping[str, str], address: str = STRANGER) -> Presented:
    """What a client sent; the driver cannot change it."""
    return Presented(MappingProxyType(dict(headers)), address)


def token(header: Mapping[str, object], claims: Mapping[str, object], signature: str = "") -> str:
    """A text of the form of a JWT (RFC 7519)."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, signature])


def claims(**more: object) -> dict[str, object]:
    """Claims that would be good for ever."""
    return {"iss": ISSUER, "sub": "admin", "aud": "stratolith", "iat": 0, "exp": 4102444800, **more}


SIGNED = {"alg": "RS256", "typ": "JWT", "kid": "1"}
TOKENS = {
    "nothing": "", "spaces": "   ", "a word": "admin", "dots": "..", "more dots": "a.b.c.d.e", "no base64": "!.!.!",
    "no algorithm": token({"alg": "none"}, claims()),
    "no algorithm, otherwise spelled": token({"alg": "nOnE"}, claims()),
    "an empty algorithm": token({"alg": ""}, claims()), "no header": token({}, claims()),
    "a public key as a secret": token({"alg": "HS256"}, claims(), "AAAA"),
    "an algorithm that is a list": token({"alg": ["RS256"]}, claims(), "AAAA"),
    "no signature": token(SIGNED, claims()), "a short signature": token(SIGNED, claims(), "AAAA"),
    "a key of its own": token({**SIGNED, "jwk": {"kty": "oct", "k": "AAAA"}}, claims(), "AAAA"),
    "an address of its own": token({**SIGNED, "jku": "http://127.0.0.1:1/keys"}, claims(), "AAAA"),
    "a stranger's": token(SIGNED, claims(iss="https://stranger.invalid"), "AAAA"),
    "an issuer that begins alike": token(SIGNED, claims(iss=ISSUER + ".stranger.invalid"), "AAAA"),
    "no issuer": token(SIGNED, {"sub": "admin"}, "AAAA"),
    "an issuer that is a list": token(SIGNED, claims(iss=[ISSUER])),
    "claims that are a list": token(SIGNED, {"a": 1}).split(".")[0] + ".W10.AAAA",
    "long": "A" * 100_000, "very deep": "e30." + base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=") + ".AAAA",
    "other letters": "Zürich 東京 🚀",
}


def refused(driver: AssertionSource, sent: Presented, vouching: Vouching = VOUCHING) -> None:
    """See that ``sent`` is not believed: nothing is told of it, or it is refused, or cannot be proved just now."""
    try:
        told = driver.read(sent, vouching)
    except (Unauthorized, BackendBusy):
        return
    assert told is None, f"it is believed: {told}"


class AssertionSuite:
    """What every source keeps to: nobody is believed for what he sends."""

    def good(self, driver: AssertionSource) -> tuple[Presented, Vouching] | None:
        """Something that is to be believed, and who vouches for it; none where the suite cannot make it."""
        return None

    def believed(self, driver: AssertionSource) -> tuple[Presented, Vouching, Mapping[str, Sequence[str]]]:
        """Something that is believed, and what is told of it; skips the case where none can be made."""
        made = self.good(driver)
        if made is None:
            pytest.skip(f"{type(driver).__name__} {ABSENT} way to be believed here")
        told = driver.read(*made)
        assert told is not None, "what is good is not believed"
        return *made, told

    def test_facts_are_told_and_stay(self, driver: AssertionSource) -> None:
        facts = driver.facts()
        assert isinstance(facts, AssertionFacts) and all(isinstance(one, str) and one for one in facts.protocols)
        assert driver.facts() == facts

    def test_open_twice(self, driver: AssertionSource) -> None:
        driver.open()
        refused(driver, presented(FORGED))

    def test_who_sends_nothing_is_nobody(self, driver: AssertionSource) -> None:
        assert driver.read(presented({}), VOUCHING) is None
        assert driver.read(presented(NOISE), VOUCHING) is None

    @pytest.mark.parametrize("name", FORGED)
    def test_a_field_is_not_believed_because_it_is_there(self, driver: AssertionSource, name: str) -> None:
        refused(driver, presented({**NOISE, name: FORGED[name]}))

    @pytest.mark.parametrize("more", ADDRESSES, ids=str)
    def test_no_address_is_believed_because_it_is_told(self, driver: AssertionSource, more: Mapping[str, str]) -> None:
        refused(driver, presented({**NOISE, **FORGED, **more}))

    @pytest.mark.parametrize("address", ["", "unknown", "localhost", "127.0.0.1.evil", "::ffff:203.0.113.66", "0"])
    def test_odd_addresses(self, driver: AssertionSource, address: str) -> None:
        refused(driver, presented(FORGED, address))

    @pytest.mark.parametrize("kind", TOKENS)
    def test_tokens_that_nobody_signed(self, driver: AssertionSource, kind: str) -> None:
        for scheme in ("Bearer", "bearer"):
            refused(driver, presented({**NOISE, "authorization": f"{scheme} {TOKENS[kind]}"}))

    @pytest.mark.parametrize("field", ["Bearer", "Basic YWRtaW46YWRtaW4=", "Negotiate AAAA", "\0", "Bearer\tx"])
    def test_other_credentials(self, driver: AssertionSource, field: str) -> None:
        refused(driver, presented({"authorization": field}))

    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    def test_hostile_words(self, driver: AssertionSource, name: str) -> None:
        refused(driver, presented({"remote-user": name, "authorization": name, "cookie": name}))

    def test_a_provider_without_ids_vouches_for_nobody(self, driver: AssertionSource) -> None:
        """Not even for tokens that name no issuer."""
        nobody = Vouching("conformance", (), "openid")
        for kind in TOKENS:
            refused(driver, presented({"authorization": f"Bearer {TOKENS[kind]}"}), nobody)

    def test_from_many_threads(self, driver: AssertionSource) -> None:
        in_parallel(lambda one: refused(driver, one), [presented({**FORGED, "n": str(n)}) for n in range(16)])

    def test_what_is_told_has_a_form(self, driver: AssertionSource) -> None:
        """Values are lists of texts, by names that are texts."""
        _, _, told = self.believed(driver)
        assert told
        for name, values in told.items():
            assert isinstance(name, str) and name
            assert not isinstance(values, str) and all(isinstance(one, str) for one in values)

    def test_it_is_told_again(self, driver: AssertionSource) -> None:
        """The same is told each time, whatever was refused meanwhile, and from any thread."""
        sent, vouching, told = self.believed(driver)
        refused(driver, presented(FORGED))
        assert in_parallel(lambda _: driver.read(sent, vouching), range(8)) == [told] * 8

    def test_nothing_of_http_is_an_attribute(self, driver: AssertionSource) -> None:
        """Credentials of other services are not told on."""
        sent, vouching, _ = self.believed(driver)
        told = driver.read(dataclasses.replace(sent, headers={**NOISE, **sent.headers}), vouching)
        assert told is not None
        assert not {name.lower() for name in told} & {"cookie", "authorization", "x-auth-token"}

    def test_belief_is_not_catching(self, driver: AssertionSource) -> None:
        """That one was believed helps no other, with the same fields from elsewhere or other fields."""
        sent, _, _ = self.believed(driver)
        refused(driver, presented(FORGED))
        stolen = {name: value for name, value in sent.headers.items() if name not in ("authorization",
                                                                                     "x-proxy-secret")}
        refused(driver, presented(stolen))

    def test_only_who_was_asked_vouches(self, driver: AssertionSource) -> None:
        """A token of one provider is no token of another."""
        sent, vouching, _ = self.believed(driver)
        if "authorization" in sent.headers:
            refused(driver, sent, dataclasses.replace(vouching, remote_ids=("https://other.invalid",)))
