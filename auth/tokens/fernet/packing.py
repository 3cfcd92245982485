"""Packing: a payload in as few bytes as can be, so that a token fits into 255."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from ....core.drivers.token import TokenPayload
from ....core.errors import Unauthorized

VERSION = 1
LENGTH = 12
METHODS = ("password", "token", "totp", "application_credential", "external", "mapped", "oauth1", "ec2credential",
           "saml2", "openid", "kerberos", "x509")
"""Authentication methods by the bit that stands for each; only ever append."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.decode


def pack(payload: TokenPayload) -> bytes:
    """``payload`` as msgpack: hexadecimal ids as bytes, methods as bits, moments in microseconds."""
    bits = 0
    for method in payload.methods:
        bits |= 1 << METHODS.index(method)
    values = [VERSION, bits, _short(payload.user_id), round(payload.issued_at * 1e6), round(payload.expires_at * 1e6),
              _audit(payload.audit_id), _audit(payload.parent_audit_id), _short(payload.project_id),
              _short(payload.domain_id), payload.system, _short(payload.trust_id),
              _short(payload.application_credential_id)]
    while values[-1] in ("", b""):
        values.pop()
    return _encode(values)


def unpack(data: bytes) -> TokenPayload:
    """What :func:`pack` was given. :raises Unauthorized: the bytes are of another form."""
    try:
        values: list[Any] = _decode(data, type=list)
        values += [""] * (LENGTH - len(values))
        version, bits, user, issued, expires, audit, parent, project, domain, system, trust, credential = values
        if version != VERSION:
            raise ValueError(version)
        return TokenPayload(
            user_id=_long(user), methods=tuple(name for bit, name in enumerate(METHODS) if bits >> bit & 1),
            issued_at=issued / 1e6, expires_at=expires / 1e6, audit_id=_audit_text(audit),
            parent_audit_id=_audit_text(parent), project_id=_long(project), domain_id=_long(domain),
            system=system, trust_id=_long(trust), application_credential_id=_long(credential))
    except (msgspec.DecodeError, ValueError, TypeError) as exc:
        raise Unauthorized() from exc


def _short(text: str) -> str | bytes:
    """Hexadecimal ids (32 digits of a UUID, 64 of a hash) as half as many bytes; others as they are."""
    if len(text) % 2 == 0 and text and text.isascii() and text == text.lower():
        try:
            return bytes.fromhex(text) if " " not in text else text
        except ValueError:
            return text
    return text


def _long(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _audit(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _audit_text(value: bytes | str) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode() if isinstance(value, bytes) else value
