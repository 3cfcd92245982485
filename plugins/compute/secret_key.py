"""Keys and certificates for guests: making them, reading them, and their fingerprints."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime
import hashlib

from cryptography import x509 as certificates
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from ...core.clock import Clock
from ...core.errors import BadRequest

RSA_BITS = 2048
COMMENT = "Generated-by-Stratolith"
LIFETIME = datetime.timedelta(days=3650)
PRINCIPAL_NAME = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
"""What Windows takes the user of a client certificate from."""


@dataclasses.dataclass(frozen=True)
class SecretKey:
    """A key just made: its public side, that side's fingerprint, and the private key as PEM."""

    public_key: str
    fingerprint: str
    private_key: str = dataclasses.field(repr=False)


def ssh() -> SecretKey:
    """A new RSA key for ssh; about 0.1 s of one CPU."""
    private = _rsa()
    public = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    text = f"{public.decode()} {COMMENT}"
    return SecretKey(text, fingerprint("ssh", text), _pem(private))


def x509(clock: Clock, user_id: str) -> SecretKey:
    """A new RSA key with a certificate, signed by itself, that lets a user log in over WinRM."""
    private = _rsa()
    name = certificates.Name([certificates.NameAttribute(NameOID.COMMON_NAME, user_id)])
    principal = f"{user_id}@localhost".encode()
    other = certificates.OtherName(PRINCIPAL_NAME, b"\x0c" + bytes([len(principal)]) + principal)
    now = clock.now()
    made = (certificates.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
            .serial_number(int.from_bytes(clock.random_bytes(16)) | 1)
            .not_valid_before(now).not_valid_after(now + LIFETIME)
            .add_extension(certificates.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(certificates.SubjectAlternativeName([other]), critical=False)
            .sign(private, hashes.SHA256()))
    text = made.public_bytes(serialization.Encoding.PEM).decode()
    return SecretKey(text, fingerprint("x509", text), _pem(private))


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)


def _pem(private: rsa.RSAPrivateKey) -> str:
    return private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                                 serialization.NoEncryption()).decode()


def fingerprint(kind: str, public_key: str) -> str:
    """The fingerprint of a public key: MD5 of an ssh key, SHA-1 of a certificate, in pairs joined by colons.

    :raises BadRequest: ``public_key`` is none of ``kind``.
    """
    try:
        if kind == "ssh":
            serialization.load_ssh_public_key(public_key.encode())
            data = base64.b64decode(public_key.split()[1])
            return _colons(hashlib.md5(data, usedforsecurity=False).hexdigest())
        certificate = certificates.load_pem_x509_certificate(public_key.encode())
        return _colons(certificate.fingerprint(hashes.SHA1()).hex())
    except (ValueError, IndexError, binascii.Error, UnsupportedAlgorithm) as exc:
        raise BadRequest("Keypair data is invalid: failed to generate fingerprint") from exc


def _colons(digits: str) -> str:
    return ":".join(digits[at:at + 2] for at in range(0, len(digits), 2))
