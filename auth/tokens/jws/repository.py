"""The key repository: a folder of numbered key pairs that several processes and hosts may share.

``N.pem`` is the public key N, ``N.key`` its private half, which only two have: the highest number is the *next*
key, which makes no tokens yet but is published, and the one below it is the *current* key, which makes them. A
private key goes once it is neither; its public half stays as long as tokens of it may be about.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ....core.clock import Clock
from ....core.errors import BadConfiguration
from .signature import ORDER

PRIVATE, PUBLIC = ".key", ".pem"
CURVE = ec.SECP256R1()
Stamp = tuple[tuple[str, int, int], ...]
"""What tells one state of a folder from another: name, time and inode of each key."""


class Repository:
    """The keys of one folder. Any thread and any process may call any method."""

    def __init__(self, folder: Path, clock: Clock, kept: int) -> None:
        self._folder = folder
        self._clock = clock
        self._kept = max(kept, 3)

    def prepare(self) -> None:
        """Make the folder, and a current and a next key when it has none."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            while len(self.numbers(PRIVATE)) < 2:
                self._add()

    def numbers(self, kind: str) -> list[int]:
        """The numbers of all keys of a kind, rising."""
        names = (entry.name for entry in os.scandir(self._folder) if entry.name.endswith(kind))
        return sorted(int(name.removesuffix(kind)) for name in names if name.removesuffix(kind).isdecimal())

    def stamp(self) -> Stamp:
        """Something that differs once a key was added, replaced or removed."""
        found = []
        for entry in os.scandir(self._folder):
            with contextlib.suppress(FileNotFoundError):
                if entry.name.partition(".")[0].isdecimal():
                    facts = entry.stat()
                    found.append((entry.name, facts.st_mtime_ns, facts.st_ino))
        return tuple(sorted(found))

    def current(self) -> ec.EllipticCurvePrivateKey:
        """The key that makes tokens. :raises BadConfiguration: there is none, or it cannot be read."""
        with self._locked():
            numbers = self.numbers(PRIVATE)
            if not numbers:
                raise BadConfiguration(f"the key repository {self._folder} holds no private key")
            file = self._folder / f"{numbers[-2:][0]}{PRIVATE}"
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
            file = self._folder / f"{number}{PUBLIC}"
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
        with self._locked():
            self._add()
            for number in self.numbers(PRIVATE)[:-2]:
                (self._folder / f"{number}{PRIVATE}").unlink(missing_ok=True)
            for number in self.numbers(PUBLIC)[:-self._kept]:
                (self._folder / f"{number}{PUBLIC}").unlink(missing_ok=True)

    def _add(self) -> None:
        """A new pair under the next number, its public half first: no token is made with an unpublished key."""
        number = max(self.numbers(PUBLIC), default=0) + 1
        scalar = int.from_bytes(self._clock.random_bytes(40)) % (ORDER - 1) + 1
        key = ec.derive_private_key(scalar, CURVE)
        self._write(f"{number}{PUBLIC}", key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        self._write(f"{number}{PRIVATE}", key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))

    def _write(self, name: str, data: bytes) -> None:
        """Write a file under a passing name and rename it, so that nobody ever reads half of one."""
        passing = self._folder / f".{name}.new"
        passing.unlink(missing_ok=True)
        descriptor = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        passing.rename(self._folder / name)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
