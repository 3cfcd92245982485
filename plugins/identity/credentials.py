"""Credentials: secrets that identity keeps for others (EC2 keys, TOTP seeds), encrypted at rest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row
from ...core.db.paging import Page, paged
from ...core.errors import AlreadyExists, BadRequest, Forbidden
from .delegation import ACCESS_TOKEN, APPLICATION_CREDENTIAL, TRUST, Delegation, refuse
from .store import Store, found
from .tables import credentials

EC2 = "ec2"
MARKS = {TRUST: "trust_id", APPLICATION_CREDENTIAL: "app_cred_id", ACCESS_TOKEN: "access_token_id"}
"""Where the blob of an EC2 credential tells by which delegation it was made: its logins are worth no more than that."""
CREDENTIAL = sa.select(credentials).where(credentials.c.id == sa.bindparam("id"))


class Credentials:
    """Credentials by user and project."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seal = store.seal

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

    def create(self, context: Context, values: Mapping[str, Any], blob: str,
               delegation: Delegation | None = None) -> Row:
        """A new credential. The id of one of type ``ec2`` is the SHA-256 of its access key, as the API has it.

        :raises BadRequest: an EC2 credential names no access key or no project.
        :raises AlreadyExists: there is one of this access key. :raises Forbidden: the caller's token, made by
            ``delegation``, is not good for it.
        """
        values = {"project_id": "", "extra": {}, **values}
        if delegation is not None and values["user_id"] not in delegation.parties:
            delegation = None
        credential_id = self._store.clock.hex_id()
        if values["type"] == EC2:
            if not values["project_id"]:
                raise BadRequest("Project ID is required for an EC2 credential.")
            blob = _marked(blob, values, delegation)
            credential_id = id_of(access_of(blob))
        elif delegation is not None and delegation.restricted:
            raise Forbidden("A token that was lent makes no credentials but for EC2.")
        with self._store.db.write() as tx:
            if tx.row(CREDENTIAL, {"id": credential_id}) is not None:
                raise AlreadyExists("Conflict occurred attempting to store credential - Duplicate entry.")
            tx.insert(credentials, {"id": credential_id, "sealed_blob": self._seal.close(blob), **values})
            self._store.emit(tx, context, "credential", "created", credential_id)
            return self.find(credential_id)

    def update(self, context: Context, credential_id: str, values: Mapping[str, Any], blob: str | None) -> Row:
        """Change the blob of a credential, and attributes that the API does not know.

        :raises BadRequest: owner, project or type would change, or by what an EC2 credential was made.
        """
        with self._store.db.write() as tx:
            row = self.find(credential_id)
            for name in ("user_id", "project_id", "type"):
                if values.get(name, getattr(row, name)) != getattr(row, name):
                    raise BadRequest(f"The {name} of a credential cannot be changed.")
            changed: dict[str, Any] = {"extra": {**row.extra, **values.get("extra", {})}}
            if blob is not None:
                if row.type == EC2:
                    self._check_marks(row, blob)
                changed["sealed_blob"] = self._seal.close(blob)
            tx.update(credentials, credential_id, **changed)
            self._store.emit(tx, context, "credential", "updated", credential_id)
            return self.find(credential_id)

    def _check_marks(self, row: Row, blob: str) -> None:
        before, after = _decoded(self.blob(row)), _decoded(blob)
        access_of(blob)
        for mark in MARKS.values():
            if before.get(mark) != after.get(mark):
                raise BadRequest(f"{mark} can not be updated for credential")

    def delete(self, context: Context, credential_id: str) -> None:
        """Remove a credential."""
        with self._store.db.write() as tx:
            self.find(credential_id)
            tx.delete(credentials, credential_id)
            self._store.emit(tx, context, "credential", "deleted", credential_id)

    def in_reach(self, row: Row, delegation: Delegation | None) -> bool:
        """Tell whether a token made by ``delegation`` may come near a credential.

        Of those of its own users one that is restricted reaches only EC2 credentials that were made by the same, as
        any other secret is worth more than the token. About those of others the rules have decided.
        """
        if delegation is None or not delegation.restricted or row.user_id not in delegation.parties:
            return True
        return bool(row.type == EC2 and _decoded(self.blob(row)).get(MARKS[delegation.kind]) == delegation.id)

    def lent_by(self, blob: str) -> tuple[str, str]:
        """Kind and id of the delegation that an EC2 credential was made by, or nothing."""
        found = _decoded(blob)
        return next(((kind, str(found[mark])) for kind, mark in MARKS.items() if found.get(mark)), ("", ""))


def id_of(access: str) -> str:
    """The id of the EC2 credential of an access key."""
    return hashlib.sha256(access.encode("utf-8", "surrogatepass")).hexdigest()


def access_of(blob: str) -> str:
    """The access key of an EC2 credential. :raises BadRequest: there is none."""
    found = _decoded(blob).get("access")
    if not isinstance(found, str) or not found:
        raise BadRequest("Invalid blob in credential: it names no access key")
    return found


def _decoded(blob: str) -> Mapping[str, Any]:
    try:
        found = msgspec.json.decode(blob)
    except msgspec.DecodeError as exc:
        raise BadRequest("Invalid blob in credential: it is no JSON object") from exc
    if not isinstance(found, dict):
        raise BadRequest("Invalid blob in credential: it is no JSON object")
    return found


def _marked(blob: str, values: Mapping[str, Any], delegation: Delegation | None) -> str:
    """The blob of a new EC2 credential, which tells by what it was made."""
    if delegation is None:
        return blob
    if delegation.kind == APPLICATION_CREDENTIAL:
        refuse(delegation, "Making an EC2 credential")
    if values["project_id"] != delegation.project_id or values["user_id"] != delegation.user_id:
        raise Forbidden("A token that was lent makes EC2 credentials for its own user and project only.")
    found = {key: value for key, value in _decoded(blob).items() if key not in MARKS.values()}
    return msgspec.json.encode({**found, MARKS[delegation.kind]: delegation.id}).decode()
