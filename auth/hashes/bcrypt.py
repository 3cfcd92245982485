"""bcrypt, which most Keystone databases hold, plain and over SHA-256."""

from __future__ import annotations

import base64
import contextlib
import hmac

import bcrypt

from ...core.drivers.password_hash import PasswordHash

LOG_ROUNDS = 12
LONGEST_BYTES = 72
"""bcrypt reads no more of a password; Keystone cuts longer ones, and so do we to verify its hashes."""

STANDARD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
ALPHABET = bytes.maketrans(STANDARD, b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
"""bcrypt's own Base64."""


class Bcrypt(PasswordHash):
    """``$2b$12$…``, and ``$bcrypt-sha256$v=2,t=2b,r=12$salt$hash`` as passlib writes it.

    New hashes are of the second form where the password has more than bcrypt reads, or a NUL, at which some
    implementations stop; of the first otherwise.
    """

    prefixes = ("$2b$", "$2a$", "$2y$", "$bcrypt-sha256$")

    def hash(self, password: bytes) -> str:
        chance = base64.b64encode(self.clock.random_bytes(16)).translate(ALPHABET)
        salt = f"$2b${self._log():02}$".encode() + chance[:22]
        if len(password) < LONGEST_BYTES and b"\0" not in password:
            return bcrypt.hashpw(password, salt).decode()
        text = salt.decode()[-22:]
        digest = bcrypt.hashpw(_keyed(password, text), salt).decode()[-31:]
        return f"$bcrypt-sha256$v=2,t=2b,r={self._log()}${text}${digest}"

    def verify(self, stored: str, password: bytes) -> bool:
        with contextlib.suppress(ValueError):
            if not stored.startswith("$bcrypt-sha256$"):
                return bcrypt.checkpw(password[:LONGEST_BYTES], stored.encode())
            _, _, settings, salt, digest = stored.split("$")
            version, kind, rounds = (part.partition("=")[2] for part in settings.split(","))
            if version == "2":
                return bcrypt.checkpw(_keyed(password, salt), f"${kind}${int(rounds):02}${salt}{digest}".encode())
        return False

    def is_current(self, stored: str) -> bool:
        return stored.startswith((f"$2b${self._log():02}$", f"$bcrypt-sha256$v=2,t=2b,r={self._log()}$"))

    def _log(self) -> int:
        return min(max(self.cost.rounds or LOG_ROUNDS, 4), 31)


def _keyed(password: bytes, salt: str) -> bytes:
    """A password of any length as 44 characters."""
    return base64.b64encode(hmac.digest(salt.encode(), password, "sha256"))
