"""Requests signed as in OAuth 1.0a (RFC 5849) with HMAC-SHA1, read strictly."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import msgspec

from ...core.errors import Unauthorized
from .methods import Request

PART = re.compile(r'\s*([A-Za-z0-9_%.~-]+)="([^"]*)"\s*')
KNOWN = frozenset(("realm", "oauth_consumer_key", "oauth_token", "oauth_signature_method", "oauth_signature",
                   "oauth_timestamp", "oauth_nonce", "oauth_version", "oauth_callback", "oauth_verifier"))
PORTS = {"http": 80, "https": 443}


class SignedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the header of a signed request says. ``timestamp`` is in seconds since the epoch."""

    consumer_id: str
    signature: str
    timestamp: int
    nonce: str
    token: str = ""
    verifier: str = ""
    base: str = ""
    """The text that was signed."""

    def check(self, consumer_secret: str, token_secret: str = "") -> None:
        """See that the request was signed with these secrets. :raises Unauthorized: it was not."""
        key = f"{_escaped(consumer_secret)}&{_escaped(token_secret)}".encode()
        good = base64.b64encode(hmac.new(key, self.base.encode(), hashlib.sha1).digest()).decode()
        if not hmac.compare_digest(good.encode(), self.signature.encode("utf-8", "surrogatepass")):
            raise Unauthorized()


def read(request: Request) -> SignedRequest:
    """The signature of a request. :raises Unauthorized: it has none, or one that is not to be understood."""
    told = _header(request.authorization)
    timestamp, nonce = told.get("oauth_timestamp", ""), told.get("oauth_nonce", "")
    if (told.get("oauth_signature_method") != "HMAC-SHA1" or told.get("oauth_version", "1.0") != "1.0"
            or not re.fullmatch(r"[0-9]{1,12}", timestamp) or not 1 <= len(nonce) <= 255
            or not told.get("oauth_consumer_key") or not told.get("oauth_signature")):
        raise Unauthorized()
    query = parse_qsl(request.query, keep_blank_values=True)
    signed = [(name, value) for name, value in told.items() if name not in ("oauth_signature", "realm")]
    return SignedRequest(
        consumer_id=told["oauth_consumer_key"], signature=told["oauth_signature"], timestamp=int(timestamp),
        nonce=nonce, token=told.get("oauth_token", ""), verifier=told.get("oauth_verifier", ""),
        base="&".join((_escaped(request.method.upper()), _escaped(_address(request.url)),
                       _escaped(_normal([*query, *signed])))))


def _header(text: str) -> dict[str, str]:
    scheme, _, rest = text.partition(" ")
    found: dict[str, str] = {}
    if scheme.lower() != "oauth":
        raise Unauthorized()
    for part in rest.split(","):
        match = PART.fullmatch(part)
        if match is None:
            raise Unauthorized()
        name, value = unquote(match.group(1)), unquote(match.group(2))
        if name in found or name not in KNOWN:
            raise Unauthorized()
        found[name] = value
    return found


def _address(url: str) -> str:
    """An address as it is signed: without query, in lower case up to the path, without the port of its scheme."""
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    port = f":{parts.port}" if parts.port and parts.port != PORTS.get(scheme) else ""
    return f"{scheme}://{host}{port}{parts.path}"


def _normal(pairs: Iterable[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted((_escaped(name), _escaped(value))
                                                                for name, value in pairs))


def _escaped(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="-._~")
