"""Keypairs: a user's public keys, made here or brought along."""

from __future__ import annotations

import re
from collections.abc import Sequence

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import AlreadyExists, BadRequest, NotFound
from ...core.process.slice import Kit
from . import quotas
from .tables import keypairs

NAME = re.compile(r"[A-Za-z0-9 _-]+")
LATER_NAME = re.compile(r"[A-Za-z0-9 @._-]+")
"""What a name is made of since 2.92."""
_ONE = sa.select(keypairs).where(keypairs.c.user_id == sa.bindparam("user_id"), keypairs.c.name == sa.bindparam("name"))
_ALL = sa.select(keypairs).where(keypairs.c.user_id == sa.bindparam("user_id")).order_by(keypairs.c.name)
_COUNT = sa.select(sa.func.count()).select_from(keypairs).where(keypairs.c.user_id == sa.bindparam("user_id"))


def find(kit: Kit, user_id: str, name: str) -> Row:
    """A user's keypair by name. :raises NotFound: the user has none of this name."""
    with kit.db.read() as tx:
        row = tx.row(_ONE, {"user_id": user_id, "name": name})
    if row is None:
        raise _unknown(user_id, name)
    return row


def _unknown(user_id: str, name: str) -> NotFound:
    return NotFound(f"Keypair {name} not found for user {user_id}")


def page(kit: Kit, user_id: str, limit: int | None, marker: str) -> Sequence[Row]:
    """A page of a user's keypairs by name. :raises BadRequest: the marker names none of them."""
    statement = _ALL if limit is None else _ALL.limit(limit)
    with kit.db.read() as tx:
        if marker:
            if tx.row(_ONE, {"user_id": user_id, "name": marker}) is None:
                raise BadRequest(f"marker [{marker}] not found")
            statement = statement.where(keypairs.c.name > marker)
        return tx.rows(statement, {"user_id": user_id})


def create(kit: Kit, context: Context, user_id: str, name: str, kind: str) -> tuple[Row, str]:
    """Make a keypair of a kind (``ssh`` or ``x509``); also returns the private key, which is kept nowhere.

    :raises BadRequest: the name is not allowed. :raises AlreadyExists: the user has one of this name.
    :raises QuotaExceeded: the user may have no more.
    """
    _see_name(name)
    with kit.db.read() as tx:
        _see_free(kit, tx, context, user_id, name)
    from . import secret_key  # Certificates take long to import, and few processes make keys.
    made = secret_key.ssh() if kind == "ssh" else secret_key.x509(kit.clock, user_id)
    return _save(kit, context, user_id, name, kind, made.public_key, made.fingerprint), made.private_key


def bring(kit: Kit, context: Context, user_id: str, name: str, kind: str, public_key: str,
          pattern: re.Pattern[str] = NAME) -> Row:
    """Keep a public key or certificate that the user brings; the name is made of what ``pattern`` allows.

    :raises BadRequest: it is none, or the name is not allowed. :raises AlreadyExists, QuotaExceeded: as :func:`create`.
    """
    _see_name(name, pattern)
    from . import secret_key
    return _save(kit, context, user_id, name, kind, public_key, secret_key.fingerprint(kind, public_key), "import")


def _see_name(name: str, pattern: re.Pattern[str] = NAME) -> None:
    if not pattern.fullmatch(name):
        raise BadRequest("Keypair data is invalid: Keypair name contains unsafe characters")


def _see_free(kit: Kit, tx: Transaction, context: Context, user_id: str, name: str) -> None:
    if tx.row(_ONE, {"user_id": user_id, "name": name}) is not None:
        raise AlreadyExists(f"Key pair '{name}' already exists.")
    count = int(tx.value(_COUNT, {"user_id": user_id}))
    quotas.see_room(kit, tx, context.project_id, "key_pairs", count + 1, "Quota exceeded, too many key pairs.", user_id)


def _save(kit: Kit, context: Context, user_id: str, name: str, kind: str, public_key: str, fingerprint: str,
          verb: str = "create") -> Row:
    with kit.db.write() as tx:
        _see_free(kit, tx, context, user_id, name)
        tx.insert(keypairs, {"user_id": user_id, "name": name, "type": kind, "fingerprint": fingerprint,
                             "public_key": public_key, "created_at": kit.clock.now()})
        row = tx.row(_ONE, {"user_id": user_id, "name": name})
        if row is None:
            raise _unknown(user_id, name)
        _tell(kit, tx, context, verb, row)
    return row


def delete(kit: Kit, context: Context, user_id: str, name: str) -> None:
    """Forget a keypair; servers keep the key. :raises NotFound: the user has none of this name."""
    with kit.db.write() as tx:
        row = tx.row(_ONE, {"user_id": user_id, "name": name})
        if row is None:
            raise _unknown(user_id, name)
        tx.execute(keypairs.delete().where(keypairs.c.number == row.number))
        _tell(kit, tx, context, "delete", row)


def _tell(kit: Kit, tx: Transaction, context: Context, verb: str, row: Row) -> None:
    for phase in ("start", "end"):
        kit.events.emit(tx, context, f"keypair.{verb}.{phase}", "KeypairPayload", {
            "user_id": row.user_id, "name": row.name, "type": row.type, "fingerprint": row.fingerprint,
            "public_key": row.public_key})
