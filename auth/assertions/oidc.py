"""Assertions in tokens of an OpenID Connect issuer: a JWT that the client sends as ``Authorization: Bearer``.

The issuer is one of the remote ids of the provider. Its keys are found by OpenID Connect Discovery 1.0 and remembered.
Checked are signature, issuer, audience and time (RFC 7519, RFC 8725). Only asymmetric algorithms are taken, so that
no key that is public can serve as a secret.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

from ...core.config import option
from ...core.drivers.assertion import AssertionFacts, AssertionSource, Presented, Vouching
from ...core.errors import BackendBusy, NotSupported, Unauthorized

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
DISCOVERY = "/.well-known/openid-configuration"
LARGEST = 1 << 20
REMEMBERED_S = 3600.0
AGAIN_S = 30.0
"""Keys are fetched anew for a token with an unknown one, but not more often than this."""


@dataclasses.dataclass(frozen=True)
class OidcOptions:
    """Options of ``[assertions.oidc]``."""

    audiences: tuple[str, ...] = option((), "audiences (client ids) of which a token must name one; empty refuses all")
    leeway_s: int = option(30, "seconds by which the clocks of issuer and cloud may differ")
    timeout_s: int = option(5, "seconds an issuer gets to send its keys")
    allow_http: bool = option(False, "fetch keys of issuers without TLS, for trials on one machine")


class Keys:
    """The keys of one issuer as last fetched."""

    def __init__(self, by_id: Mapping[str, Any], fetched_at: float) -> None:
        self.by_id = by_id
        self.fetched_at = fetched_at


class Oidc(AssertionSource):
    """Believes tokens that a provider's issuer signed."""

    Options = OidcOptions

    def open(self) -> None:
        try:
            import jwt
        except ImportError as exc:
            raise NotSupported("assertions of OpenID Connect need the extra stratolith[oidc]") from exc
        self._jwt: Any = jwt
        self._keys: dict[str, Keys] = {}
        self._lock = threading.Lock()

    def facts(self) -> AssertionFacts:
        return AssertionFacts(("openid", "mapped"))

    def read(self, presented: Presented, vouching: Vouching) -> Mapping[str, Sequence[str]] | None:
        kind, _, text = presented.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not text:
            return None
        claims = self._verified(text.strip(), vouching.remote_ids)
        found: dict[str, Sequence[str]] = {}
        for name, value in claims.items():
            values = [str(one) for one in value] if isinstance(value, list) else [_text(value)]
            found[f"OIDC-{name}"] = found[f"OIDC_CLAIM_{name}"] = values
        return found

    def _verified(self, text: str, issuers: Sequence[str]) -> Mapping[str, Any]:
        options, jwt = cast(OidcOptions, self.options), self._jwt
        try:
            header = jwt.get_unverified_header(text)
            issuer = jwt.decode(text, options={"verify_signature": False}).get("iss", "")
            if issuer not in issuers or header.get("alg") not in ALGORITHMS or not options.audiences:
                raise Unauthorized()
            key = self._key(issuer, str(header.get("kid", "")))
            claims = jwt.decode(text, key, algorithms=[header["alg"]], audience=list(options.audiences), issuer=issuer,
                                leeway=options.leeway_s,
                                options={"require": ["exp", "iss", "aud", "sub"], "verify_exp": False,
                                         "verify_nbf": False, "verify_iat": False})
        except jwt.PyJWTError as exc:
            self.log.info("a token of an identity provider was refused: %s", exc)
            raise Unauthorized() from exc
        self._check_time(claims, options.leeway_s)
        return cast(Mapping[str, Any], claims)

    def _check_time(self, claims: Mapping[str, Any], leeway_s: int) -> None:
        now = self.clock.time()
        try:
            good = (float(claims["exp"]) + leeway_s > now and float(claims.get("nbf", now)) - leeway_s <= now
                    and float(claims.get("iat", now)) - leeway_s <= now)
        except (TypeError, ValueError) as exc:
            raise Unauthorized() from exc
        if not good:
            raise Unauthorized()

    def _key(self, issuer: str, kid: str) -> Any:
        now = self.clock.time()
        known = self._keys.get(issuer)
        if known is None or now - known.fetched_at > REMEMBERED_S or (
                kid not in known.by_id and now - known.fetched_at > AGAIN_S):
            with self._lock:
                if self._keys.get(issuer) is known:
                    self._keys[issuer] = Keys(self._fetched(issuer), now)
            known = self._keys[issuer]
        if kid in known.by_id:
            return known.by_id[kid]
        if not kid and len(known.by_id) == 1:
            return next(iter(known.by_id.values()))
        raise Unauthorized()

    def _fetched(self, issuer: str) -> dict[str, Any]:
        discovered = self._json(issuer.rstrip("/") + DISCOVERY)
        if discovered.get("issuer") != issuer:
            raise Unauthorized()
        found: dict[str, Any] = {}
        for one in self._json(str(discovered.get("jwks_uri", ""))).get("keys", []):
            if one.get("use", "sig") == "sig" and one.get("kty") != "oct":
                try:
                    found[str(one.get("kid", ""))] = self._jwt.PyJWK(one).key
                except self._jwt.PyJWTError as exc:
                    self.log.warning("a key of the issuer %s cannot be read: %s", issuer, exc)
        return found

    def _json(self, address: str) -> dict[str, Any]:
        options = cast(OidcOptions, self.options)
        if urlsplit(address).scheme not in (("https", "http") if options.allow_http else ("https",)):
            raise Unauthorized()
        try:
            with urllib.request.urlopen(address, timeout=options.timeout_s) as answer:
                found = json.loads(answer.read(LARGEST))
        except (urllib.error.URLError, OSError, ValueError) as exc:
            self.log.warning("the identity provider's %s cannot be read: %s", address, exc)
            raise BackendBusy("the identity provider cannot be reached; try again") from exc
        if not isinstance(found, dict):
            raise BackendBusy("the identity provider answers in an unknown form")
        return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
