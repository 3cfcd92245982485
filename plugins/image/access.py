"""Who sees an image, and what a policy rule is told about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import NotFound
from ...core.process.slice import Kit
from .tables import images, members

BY_ID = sa.select(images).where(images.c.id == sa.bindparam("id"))
IS_MEMBER = sa.select(members.c.status).where(members.c.image_id == sa.bindparam("id"),
                                              members.c.member == sa.bindparam("member"))


def target(row: Row, context: Context) -> Mapping[str, Any]:
    """What rules may ask of an image the caller sees.

    ``member_id`` is the caller's project: who sees a shared image is its owner or a member.
    """
    return {"project_id": row.owner, "owner": row.owner, "tenant_id": row.owner, "visibility": row.visibility,
            "status": row.status, "image_id": row.id,
            "member_id": context.project_id if row.visibility == "shared" else None}


def find(tx: Transaction, context: Context, image_id: str) -> Row:
    """An image by id. :raises NotFound: there is none, or the caller may not see it."""
    row = tx.row(BY_ID, {"id": image_id})
    if row is None or not (row.owner == context.project_id or context.is_admin
                           or row.visibility in ("public", "community") or _shared_with(tx, row, context)):
        raise NotFound(f"No image found with ID {image_id}")
    return row


def _shared_with(tx: Transaction, row: Row, context: Context) -> bool:
    return (row.visibility == "shared" and bool(context.project_id)
            and tx.row(IS_MEMBER, {"id": row.id, "member": context.project_id}) is not None)


def allowed(kit: Kit, tx: Transaction, context: Context, rule: str, image_id: str) -> Row:
    """An image to which the caller may do ``rule``.

    :raises NotFound: there is none that the caller sees.
    :raises Forbidden: the rule denies.
    """
    row = find(tx, context, image_id)
    if row.owner != context.project_id or rule != "get_image":
        kit.policy.enforce(context, rule, target(row, context))
    return row
