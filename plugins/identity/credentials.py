"""Credentials: secrets that identity keeps for others (EC2 keys, TOTP seeds), encrypted at rest."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from cryptography.fernet import Fernet

from ...core.clock import Clock
from ...core.context import Context
from ...core.db.engine import Row
from ...core.db.paging import Page, paged
from ...core.errors import AlreadyExists, BadRequest
from .store import Store, found
from .tables import credentials

CREDENTIAL = sa.select(credentials).where(credentials.c.id == sa.bindparam("id"))


class Seal:
    """Encrypts with a key of a file of its own, made when it is first needed and readable by its owner only."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self._cipher: Fernet | None = None

    def close(self, text: str) -> str:
        """``text`` encrypted."""
        return self._key().encrypt_at_time(text.encode(), int(self._clock.time())).decode()

    def open(self, sealed: str) -> str:
        """What :meth:`close` was given."""
        return self._key().decrypt(sealed.encode()).decode()

    def _key(self) -> Fernet:
        if self._cipher is None:
            if not self._file.exists():
                self._make()
            self._cipher = Fernet(self._file.read_bytes())
        return self._cipher

    def _make(self) -> None:
        """Write a key; of two processes that do so at once, the first one's stays."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        passing = self._file.with_name(f".{self._file.name}.{self._clock.hex_id()}")
        descriptor = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.urlsafe_b64encode(self._clock.random_bytes(32)))
        try:
            os.link(passing, self._file)
        except FileExistsError:
            return
        finally:
            passing.unlink()


class Credentials:
    """Credentials by user and project."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seal = Seal(store.kit.state_dir / "identity" / "credential.key", store.clock)

    def find(self, credential_id: str) -> Row:
        """A credential, still sealed. :raises NotFound: there is none."""
        with self._store.db.read() as tx:
            return found(tx.row(CREDENTIAL, {"id": credential_id}), "credential", credential_id)

    def blob(self, row: Row) -> str:
        """The secret of a credential."""
        return self._seal.open(row.sealed_blob)

    def all(self, conditions: Sequence[sa.ColumnElement[bool]], page: Page) -> Sequence[Row]:
        """Credentials that meet ``conditions``, still sealed."""
        with self._store.db.read() as tx:
            return tx.rows(paged(sa.select(credentials).where(*conditions), credentials, page, tx))

    def create(self, context: Context, values: Mapping[str, Any], blob: str) -> Row:
        """A new credential. The id of one of type ``ec2`` is the SHA-256 of its access key, as the API has it.

        :raises BadRequest: an EC2 credential names no access key or no project.
        :raises AlreadyExists: there is one of this access key.
        """
        values = {"project_id": "", "extra": {}, **values}
        credential_id = self._store.clock.hex_id()
        if values["type"] == "ec2":
            credential_id = hashlib.sha256(_access(blob).encode()).hexdigest()
            if not values["project_id"]:
                raise BadRequest("Project ID is required for an EC2 credential.")
        with self._store.db.write() as tx:
            if tx.row(CREDENTIAL, {"id": credential_id}) is not None:
                raise AlreadyExists("Conflict occurred attempting to store credential - Duplicate entry.")
            tx.insert(credentials, {"id": credential_id, "sealed_blob": self._seal.close(blob), **values})
            self._store.emit(tx, context, "credential", "created", credential_id)
            return self.find(credential_id)

    def update(self, context: Context, credential_id: str, values: Mapping[str, Any], blob: str | None) -> Row:
        """Change a credential."""
        with self._store.db.write() as tx:
            row = self.find(credential_id)
            changed = {**values, "extra": {**row.extra, **values.get("extra", {})}}
            if blob is not None:
                changed["sealed_blob"] = self._seal.close(blob)
            tx.update(credentials, credential_id, **changed)
            self._store.emit(tx, context, "credential", "updated", credential_id)
            return self.find(credential_id)

    def delete(self, context: Context, credential_id: str) -> None:
        """Remove a credential."""
        with self._store.db.write() as tx:
            self.find(credential_id)
            tx.delete(credentials, credential_id)
            self._store.emit(tx, context, "credential", "deleted", credential_id)


def _access(blob: str) -> str:
    try:
        found_access = msgspec.json.decode(blob)["access"]
    except (msgspec.DecodeError, KeyError, TypeError) as exc:
        raise BadRequest("Invalid blob in credential: it names no access key") from exc
    return str(found_access)
