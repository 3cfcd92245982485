"""The key repository: a folder of numbered key pairs that several processes and hosts may share.

``N.pem`` is the public key N, ``N.key`` its private half, which only two have: the highest number is the *next*
key, which makes no tokens yet but is published, and the one below it is the *current* key, which makes them. A
private key goes once it is neither; its public half stays as long as tokens of it may be about.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ....core.clock import Clock
from ....core.errors import BadConfiguration
from ....core.key_folder import KeyFolder
from .signature import ORDER

PRIVATE, PUBLIC = ".key", ".pem"
CURVE = ec.SECP256R1()


class Repository(KeyFolder):
    """The keys of one folder. Any thread and any process may call any method."""

    def __init__(self, folder: Path, clock: Clock, kept: int) -> None:
        super().__init__(folder)
        self._clock = clock
        self._kept = max(kept, 3)

    def prepare(self) -> None:
        """Make the folder, and a current and a next key when it has none."""
        with self.locked():
            while len(self.numbers(PRIVATE)) < 2:
                self._add()

    def current(self) -> ec.EllipticCurvePrivateKey:
        """The key that makes tokens. :raises BadConfiguration: there is none, or it cannot be read."""
        with self.locked():
            numbers = self.numbers(PRIVATE)
            if not numbers:
                raise BadConfiguration(f"the key repository {self.path} holds no private key")
            file = self.path / f"{numbers[-2:][0]}{PRIVATE}"
            try:
                key = serialization.load_pem_private_key(file.read_bytes(), None)
            except (ValueError, TypeError) as exc:
                raise BadConfiguration(f"the key {file} cannot be read") from exc
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != CURVE.name:
            raise BadConfiguration(f"the key {file} is none of the curve P-256")
        return key

    def public(self) -> list[ec.EllipticCurvePublicKey]:
        """All public keys, the newest first. :raises BadConfiguration: one cannot be read."""
        found = []
        for number in reversed(self.numbers(PUBLIC)):
            file = self.path / f"{number}{PUBLIC}"
            with contextlib.suppress(FileNotFoundError):
                try:
                    key = serialization.load_pem_public_key(file.read_bytes())
                except ValueError as exc:
                    raise BadConfiguration(f"the key {file} cannot be read") from exc
                if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != CURVE.name:
                    raise BadConfiguration(f"the key {file} is none of the curve P-256")
                found.append(key)
        return found

    def rotate(self) -> None:
        """Make the next key current and a new one next; remove public keys beyond those kept."""
        with self.locked():
            self._add()
            for number in self.numbers(PRIVATE)[:-2]:
                self.remove(f"{number}{PRIVATE}")
            for number in self.numbers(PUBLIC)[:-self._kept]:
                self.remove(f"{number}{PUBLIC}")

    def _add(self) -> None:
        """A new pair under the next number, its public half first: no token is made with an unpublished key."""
        number = max(self.numbers(PUBLIC), default=0) + 1
        scalar = int.from_bytes(self._clock.random_bytes(40)) % (ORDER - 1) + 1
        key = ec.derive_private_key(scalar, CURVE)
        self.write(f"{number}{PUBLIC}", key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        self.write(f"{number}{PRIVATE}", key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
