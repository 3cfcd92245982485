"""Signatures of Amazon's web services, versions 2 and 4, as their documentation tells how they are made."""

from __future__ import annotations

import base64
import binascii
import datetime
import email.utils
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from urllib.parse import quote

import msgspec

from ...core.errors import Unauthorized

ALGORITHM = "AWS4-HMAC-SHA256"
LONGEST_PRESIGNED_S = 604_800
"""Seconds that a presigned address may be good for at most, in version 4."""
DIGESTS = {"HmacSHA256": hashlib.sha256, "HmacSHA1": hashlib.sha1}
UNSIGNED = "UNSIGNED-PAYLOAD"


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A signed request as a service tells of it. Names of ``headers`` are in lower case; ``body_hash`` is the
    SHA-256 of the body in hexadecimal digits."""

    access: str
    signature: str
    host: str
    verb: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body_hash: str = ""


def signatures(request: Signed, secret: str) -> list[str]:
    """What the signature of a request may be: with its host's port, or without it.

    :raises Unauthorized: the request is not signed in version 2 or 4, or with another key than it names.
    """
    hosts = dict.fromkeys((request.host, request.host.partition(":")[0]))
    if is_4(request):
        return [_signature_4(request, secret, host) for host in hosts]
    if request.params.get("SignatureVersion") == "2":
        return [_signature_2(request, secret, host) for host in hosts]
    raise Unauthorized()


def is_4(request: Signed) -> bool:
    """Tell whether a request is signed in version 4."""
    return (request.params.get("X-Amz-Algorithm") == ALGORITHM
            or request.headers.get("authorization", "").startswith(ALGORITHM + " "))


def same(one: str, other: str) -> bool:
    """Tell whether two signatures are the same, in a time that says nothing of where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


# Version 2.

def _signature_2(request: Signed, secret: str, host: str) -> str:
    digest = DIGESTS.get(request.params.get("SignatureMethod", ""))
    if digest is None:
        raise Unauthorized()
    text = "\n".join((request.verb.upper(), host.lower(), request.path, _query(request.params, "Signature")))
    return base64.b64encode(hmac.new(_bytes(secret), _bytes(text), digest).digest()).decode()


def _query(params: Mapping[str, str], without: str) -> str:
    pairs = sorted((quote(_bytes(name), safe="-_.~"), quote(_bytes(value), safe="-_.~"))
                   for name, value in params.items() if name != without)
    return "&".join(f"{name}={value}" for name, value in pairs)


# Version 4.

def _told(request: Signed) -> Mapping[str, str]:
    """Credential and signed headers, from the query or from the header ``Authorization``."""
    if "X-Amz-Algorithm" in request.params:
        return {"Credential": request.params.get("X-Amz-Credential", ""),
                "SignedHeaders": request.params.get("X-Amz-SignedHeaders", "")}
    parts = request.headers["authorization"][len(ALGORITHM):].split(",")
    return dict(part.strip().partition("=")[::2] for part in parts)


def _signature_4(request: Signed, secret: str, host: str) -> str:
    told = _told(request)
    access, _, scope = told.get("Credential", "").partition("/")
    names = told.get("SignedHeaders", "").split(";")
    date = request.params.get("X-Amz-Date") or request.headers.get("x-amz-date", "")
    parts = scope.split("/")
    if (access != request.access or len(parts) != 4 or parts[3] != "aws4_request" or parts[0] != date[:8]
            or "host" not in names):
        raise Unauthorized()
    headers = {**request.headers, "host": host}
    lines = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in names)
    query = "" if request.verb.upper() == "POST" else _query(request.params, "X-Amz-Signature")
    canonical = "\n".join((request.verb.upper(), request.path, query, lines, ";".join(names), _body_hash(request)))
    text = "\n".join((ALGORITHM, date, scope, hashlib.sha256(_bytes(canonical)).hexdigest()))
    return signature_4(secret, parts, text)


def _body_hash(request: Signed) -> str:
    """The hash of the body. :raises Unauthorized: the request claims another one."""
    claimed = request.headers.get("x-amz-content-sha256", "")
    if not request.body_hash or claimed not in ("", UNSIGNED, request.body_hash):
        raise Unauthorized()
    return UNSIGNED if claimed == UNSIGNED else request.body_hash


def signature_4(secret: str, scope: list[str], text: str) -> str:
    """The signature of a text in version 4, for a scope of date, region, service and ending."""
    key = _bytes("AWS4" + secret)
    for part in scope:
        key = hmac.new(key, _bytes(part), hashlib.sha256).digest()
    return hmac.new(key, _bytes(text), hashlib.sha256).hexdigest()


# Time.

def lifetime(request: Signed, window_s: float) -> tuple[float, float]:
    """From when until when a request is good, in seconds since the epoch. :raises Unauthorized: it does not say."""
    params = request.params
    if not is_4(request):
        if "Expires" in params:
            return 0.0, _iso(params["Expires"])
        at = _iso(params.get("Timestamp", ""))
        return at - window_s, at + window_s
    at = _basic(params.get("X-Amz-Date") or request.headers.get("x-amz-date", ""))
    if "X-Amz-Expires" in params:
        return at - window_s, at + min(_whole(params["X-Amz-Expires"]), LONGEST_PRESIGNED_S)
    return at - window_s, at + window_s


def signature_of_storage(text: str, secret: str) -> str:
    """The signature of a text that object storage was asked to check: version 4, or else the one before.

    :raises Unauthorized: the text is none that object storage makes.
    """
    if not text.startswith("AWS4"):
        return base64.b64encode(hmac.new(_bytes(secret), _bytes(text), hashlib.sha1).digest()).decode()
    lines = text.split("\n")
    scope = lines[2].split("/") if len(lines) == 4 else []
    if len(scope) != 4 or lines[0] != ALGORITHM or scope[2:] != ["s3", "aws4_request"]:
        raise Unauthorized()
    return signature_4(secret, scope, text)


def lifetime_of_storage(text: str, window_s: float) -> tuple[float, float]:
    """From when until when such a text is good, in seconds since the epoch.

    In version 4 it may be of an address signed in advance, whose end the text does not tell: the storage knows it.
    :raises Unauthorized: the text does not say.
    """
    lines = text.split("\n")
    if text.startswith("AWS4"):
        at = _basic(lines[1] if len(lines) > 1 else "")
        return at - window_s, at + LONGEST_PRESIGNED_S
    date = lines[3] if len(lines) > 3 else ""
    if date.isdecimal():
        return 0.0, float(_whole(date))
    at = _mail(date or next(_amz_dates(lines), ""))
    return at - window_s, at + window_s


def _amz_dates(lines: list[str]) -> Iterator[str]:
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and name.lower() == "x-amz-date":
            yield value.strip()


def _iso(text: str) -> float:
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError as exc:
        raise Unauthorized() from exc
    return (found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).timestamp()


def _basic(text: str) -> float:
    try:
        return datetime.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC).timestamp()
    except ValueError as exc:
        raise Unauthorized() from exc


def _mail(text: str) -> float:
    try:
        found = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError) as exc:
        raise Unauthorized() from exc
    return (found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).timestamp()


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise Unauthorized()
    return int(text)


def decoded(token: str) -> str:
    """A text in base64, URL-safe or not. :raises Unauthorized: it is none."""
    try:
        return base64.b64decode(token.replace("-", "+").replace("_", "/"), validate=True).decode()
    except (binascii.Error, ValueError) as exc:
        raise Unauthorized() from exc


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
