"""The groups a user is in: those of its backend, and those its identity provider said for a time."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from ...core.db.engine import Transaction
from .store import Store
from .tables.federation import federated_memberships, federated_users

BELIEVED = sa.select(federated_memberships.c.group_id).where(
    federated_memberships.c.user_id == sa.bindparam("user"),
    federated_memberships.c.expires_at > sa.bindparam("now")).order_by(federated_memberships.c.group_id)
ORIGIN = sa.select(federated_users).where(federated_users.c.user_id == sa.bindparam("user"))


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Who vouches for a user, by which protocol, under which id, and the groups it says the user is in."""

    provider_id: str
    protocol_id: str
    unique_id: str
    groups: tuple[str, ...] = ()


def said_groups(store: Store, user_id: str) -> list[str]:
    """Ids of the groups of which only the user's provider tells."""
    with store.db.read() as tx:
        return tx.values(BELIEVED, {"user": user_id, "now": store.clock.now()})


def groups_of(store: Store, user_id: str) -> list[str]:
    """Ids of all groups a user is in now."""
    return list(dict.fromkeys((*store.backend.groups_of(user_id), *said_groups(store, user_id))))


def origin(store: Store, user_id: str) -> Origin | None:
    """Where a user came from, or none if it is one of ours."""
    with store.db.read() as tx:
        row = tx.row(ORIGIN, {"user": user_id})
    if row is None:
        return None
    return Origin(provider_id=row.provider_id, protocol_id=row.protocol_id, unique_id=row.unique_id,
                  groups=tuple(said_groups(store, user_id)))


def forget(tx: Transaction, user_id: str) -> None:
    """Nobody vouches for a user any more."""
    for table in (federated_memberships, federated_users):
        tx.execute(sa.delete(table).where(table.c.user_id == user_id))
