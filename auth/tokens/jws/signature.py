"""JSON Web Signatures (RFC 7515) of one kind: compact, ES256 (RFC 7518), with a known key.

Nothing of a token chooses how it is checked: any header but the one made here, with the id of a key that the
checker has already, is refused before a signature is looked at. So there is no ``none``, no HMAC with a public
key, no key or address of a key in the header, and no ``crit``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group of the curve P-256 (FIPS 186-5)."""
HALF_BYTES = 32
LONGEST_BYTES = 4096
SHA256 = ec.ECDSA(hashes.SHA256())


class Unfit(ValueError):
    """A text is no token signed with a key that is known."""


def key_id(key: ec.EllipticCurvePublicKey) -> str:
    """The thumbprint of a key (RFC 7638)."""
    known = jwk(key)
    text = json.dumps({name: known[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    return encoded(hashlib.sha256(text.encode()).digest())


def jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """A key as its JSON Web Key, without its id."""
    numbers = key.public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": encoded(numbers.x.to_bytes(HALF_BYTES)),
            "y": encoded(numbers.y.to_bytes(HALF_BYTES)), "use": "sig", "alg": "ES256"}


def from_jwk(told: Mapping[str, object]) -> ec.EllipticCurvePublicKey:
    """The key of a JSON Web Key. :raises Unfit: it is none for ES256, or no point of the curve."""
    if told.get("kty") != "EC" or told.get("crv") != "P-256" or told.get("alg", "ES256") != "ES256":
        raise Unfit("no key for ES256")
    x, y = (int.from_bytes(decoded(str(told.get(name, "")))) for name in ("x", "y"))
    try:
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError as exc:
        raise Unfit("no point of the curve") from exc


def header(kid: str) -> str:
    """The one header that a token of the key ``kid`` has."""
    return encoded(json.dumps({"typ": "JWT", "alg": "ES256", "kid": kid}, separators=(",", ":")).encode())


def sign(head: str, claims: bytes, key: ec.EllipticCurvePrivateKey) -> str:
    """``claims`` as a token; of the two values of a signature the lesser, so that a token has one text only."""
    signed = f"{head}.{encoded(claims)}"
    r, s = decode_dss_signature(key.sign(signed.encode(), SHA256))
    return f"{signed}.{encoded(r.to_bytes(HALF_BYTES) + min(s, ORDER - s).to_bytes(HALF_BYTES))}"


def verified(text: str, key_of: Callable[[str], ec.EllipticCurvePublicKey | None]) -> bytes:
    """The claims of a token; ``key_of`` takes a whole header as it stands in the text, and knows its key.

    :raises Unfit: the text is no token, its header is not exactly that of a known key, or it was changed.
    """
    if len(text) > LONGEST_BYTES or not text.isascii() or text.count(".") != 2:
        raise Unfit("no token")
    signed, _, signature = text.rpartition(".")
    head, _, claims = signed.partition(".")
    key = key_of(head)
    if key is None:
        raise Unfit("unknown header or key")
    values = decoded(signature)
    if len(values) != 2 * HALF_BYTES:
        raise Unfit("no signature")
    r, s = int.from_bytes(values[:HALF_BYTES]), int.from_bytes(values[HALF_BYTES:])
    if not (0 < r < ORDER and 0 < s <= ORDER // 2):
        raise Unfit("no signature")
    try:
        key.verify(encode_dss_signature(r, s), signed.encode(), SHA256)
    except InvalidSignature as exc:
        raise Unfit("changed") from exc
    return decoded(claims)


def encoded(data: bytes) -> str:
    """Base64 for addresses, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """What :func:`encoded` was given. :raises Unfit: the text is not exactly what it would have made."""
    try:
        data = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError) as exc:
        raise Unfit("no base64") from exc
    if encoded(data) != text:
        raise Unfit("no base64")
    return data
