"""Departures: what was lent goes with the user, the project or the role it came from."""

from __future__ import annotations

import sqlalchemy as sa

from ...core.db.engine import Transaction
from .tables import access_rules, access_tokens, application_credentials, bounds, request_tokens, trusts

BATCH = 500
lender, place = application_credentials.c.user_id, application_credentials.c.project_id
CHILDREN = sa.select(trusts.c.id).where(trusts.c.redelegated_trust_id.in_(sa.bindparam("ids", expanding=True)))


def user_gone(tx: Transaction, user_id: str) -> None:
    """A user is deleted: all it lent and was lent goes."""
    user_disabled(tx, user_id)
    tx.execute(access_rules.delete().where(access_rules.c.user_id == user_id))
    trusts_gone(tx, sa.or_(trusts.c.trustor_user_id == user_id, trusts.c.trustee_user_id == user_id))
    for table in (access_tokens, request_tokens):
        tx.execute(table.delete().where(table.c.user_id == user_id))


def user_disabled(tx: Transaction, user_id: str) -> None:
    """A user is disabled: its application credentials go, as the API reference has it; trusts rest."""
    application_credentials_gone(tx, lender == user_id)


def project_gone(tx: Transaction, project_id: str) -> None:
    """A project is deleted: all that was lent on it goes."""
    application_credentials_gone(tx, place == project_id)
    trusts_gone(tx, trusts.c.project_id == project_id)
    for table in (access_tokens, request_tokens):
        tx.execute(table.delete().where(table.c.project_id == project_id))


def role_lost(tx: Transaction, user_id: str, project_id: str) -> None:
    """A user loses a role on a project: its application credentials there go, as the API reference has it."""
    application_credentials_gone(tx, lender == user_id, place == project_id)


def application_credentials_gone(tx: Transaction, *conditions: sa.ColumnElement[bool]) -> None:
    """Remove the application credentials that meet ``conditions``; their access rules stay."""
    ids = tx.values(sa.select(application_credentials.c.id).where(*conditions))
    for start in range(0, len(ids), BATCH):
        part = ids[start:start + BATCH]
        tx.execute(bounds.delete().where(bounds.c.application_credential_id.in_(part)))
        tx.execute(application_credentials.delete().where(application_credentials.c.id.in_(part)))


def trusts_gone(tx: Transaction, *conditions: sa.ColumnElement[bool]) -> list[str]:
    """Remove the trusts that meet ``conditions`` and all handed on from them; tell their ids."""
    gone: dict[str, None] = {}
    level = tx.values(sa.select(trusts.c.id).where(*conditions))
    while level:
        gone.update(dict.fromkeys(level))
        level = [one for start in range(0, len(level), BATCH)
                 for one in tx.values(CHILDREN, {"ids": level[start:start + BATCH]}) if one not in gone]
    ids = list(gone)
    for start in range(0, len(ids), BATCH):
        tx.execute(trusts.delete().where(trusts.c.id.in_(ids[start:start + BATCH])))
    return ids
