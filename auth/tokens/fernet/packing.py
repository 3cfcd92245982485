"""Packing: a payload in as few bytes as can be, so that a token fits into 255."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from ....core.drivers.token import TokenPayload
from ....core.errors import Unauthorized

VERSION = 1
LENGTH = 10
METHODS = ("password", "token", "totp", "application_credential", "external", "mapped", "oauth1", "ec2credential",
           "saml2", "openid", "kerberos", "x509")
"""Authentication methods by the bit that stands for each; only ever append."""

MOMENT_BYTES, LIFETIME_BYTES, AUDIT_BYTES = 7, 6, 16
AUDIT_AT = MOMENT_BYTES + LIFETIME_BYTES
PARENT_AT = AUDIT_AT + AUDIT_BYTES

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.decode


def pack(payload: TokenPayload) -> bytes:
    """``payload`` as msgpack: methods as bits, hexadecimal ids as bytes, moments and audit ids in one run of bytes."""
    bits = 0
    for method in payload.methods:
        bits |= 1 << METHODS.index(method)
    values = [VERSION, bits, _short(payload.user_id), _stamp(payload), _short(payload.project_id),
              _short(payload.domain_id), payload.system, _short(payload.trust_id),
              _short(payload.application_credential_id), _short(payload.access_token_id)]
    while values[-1] == "":
        values.pop()
    return _encode(values)


def unpack(data: bytes) -> TokenPayload:
    """What :func:`pack` was given. :raises Unauthorized: the bytes are of another form."""
    try:
        values: list[Any] = _decode(data, type=list)
        values += [""] * (LENGTH - len(values))
        version, bits, user, stamp, project, domain, system, trust, credential, access = values
        if version != VERSION or len(stamp) < PARENT_AT:
            raise ValueError(version)
        issued = int.from_bytes(stamp[:MOMENT_BYTES])
        lifetime = int.from_bytes(stamp[MOMENT_BYTES:AUDIT_AT])
        return TokenPayload(
            user_id=_long(user), methods=tuple(name for bit, name in enumerate(METHODS) if bits >> bit & 1),
            issued_at=issued / 1e6, expires_at=(issued + lifetime) / 1e6,
            audit_id=_text(stamp[AUDIT_AT:PARENT_AT]), parent_audit_id=_text(stamp[PARENT_AT:]),
            project_id=_long(project), domain_id=_long(domain), system=_long(system), trust_id=_long(trust),
            application_credential_id=_long(credential), access_token_id=_long(access))
    except (msgspec.MsgspecError, ValueError, TypeError) as exc:
        raise Unauthorized() from exc


def _stamp(payload: TokenPayload) -> bytes:
    """Issue time and lifetime in microseconds, then the audit ids."""
    issued = round(payload.issued_at * 1e6)
    lifetime = round(payload.expires_at * 1e6) - issued
    audit = base64.urlsafe_b64decode(payload.audit_id + "==")
    parent = base64.urlsafe_b64decode(payload.parent_audit_id + "==") if payload.parent_audit_id else b""
    return issued.to_bytes(MOMENT_BYTES) + lifetime.to_bytes(LIFETIME_BYTES) + audit + parent


def _short(text: str) -> str | bytes:
    """Hexadecimal ids (32 digits of a UUID, 64 of a hash) as half as many bytes; others as they are."""
    if len(text) % 2 == 0 and text and text.isalnum() and text.isascii() and text == text.lower():
        try:
            return bytes.fromhex(text)
        except ValueError:
            return text
    return text


def _long(value: str | bytes) -> str:
    """The text of an id. :raises TypeError: it is neither text nor bytes."""
    return value if isinstance(value, str) else memoryview(value).hex()


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
