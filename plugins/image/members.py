"""The members of shared images: projects that an image is shared with, and what they made of it."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import AlreadyExists, BadRequest, Forbidden, NotFound, TooLarge
from ...core.process.slice import Kit
from .access import allowed, find, target
from .images import emit
from .tables import members

OF_IMAGE = sa.select(members).where(members.c.image_id == sa.bindparam("id")).order_by(
    members.c.created_at, members.c.member)
ONE = sa.select(members).where(members.c.image_id == sa.bindparam("id"), members.c.member == sa.bindparam("member"))


def _one(tx: Transaction, image_id: str, member: str) -> Row:
    row = tx.row(ONE, {"id": image_id, "member": member})
    if row is None:
        raise NotFound(f"{member} is not a member of image {image_id}")
    return row


def add(kit: Kit, context: Context, image_id: str, member: str) -> Row:
    """Share an image with a project.

    :raises Forbidden: the image is not of visibility ``shared``.
    :raises AlreadyExists: it is shared with that project.
    """
    if not member:
        raise BadRequest("Member can't be empty")
    now = kit.clock.now().replace(microsecond=0)
    with kit.db.write() as tx:
        image = allowed(kit, tx, context, "add_member", image_id)
        if image.visibility != "shared":
            raise Forbidden("Only shared images have members.")
        known = tx.rows(OF_IMAGE, {"id": image_id})
        if any(row.member == member for row in known):
            raise AlreadyExists(f"{member} is already associated with image {image_id}")
        if len(known) >= kit.options.member_quota:
            raise TooLarge(f"The limit has been exceeded on the number of allowed image members for this image. "
                           f"Attempted: {len(known) + 1}, Maximum: {kit.options.member_quota}")
        tx.insert(members, {"image_id": image_id, "member": member, "status": "pending", "created_at": now,
                            "updated_at": now})
        emit(kit, tx, context, "member.create", image)
        return _one(tx, image_id, member)


def answer(kit: Kit, context: Context, image_id: str, member: str, status: str) -> Row:
    """Set what a member makes of an image. :raises Forbidden: only the member may say that."""
    with kit.db.write() as tx:
        image = find(tx, context, image_id)
        if not context.is_admin and context.project_id != member:
            raise Forbidden("Only the member itself may change its status")
        _one(tx, image_id, member)
        kit.policy.enforce(context, "modify_member", {**target(image, context), "member_id": member})
        tx.execute(members.update().where(members.c.image_id == image_id, members.c.member == member).values(
            status=status, updated_at=kit.clock.now().replace(microsecond=0)))
        emit(kit, tx, context, "member.update", image)
        return _one(tx, image_id, member)


def remove(kit: Kit, context: Context, image_id: str, member: str) -> None:
    """End the sharing of an image with a project. :raises NotFound: it was not shared with it."""
    with kit.db.write() as tx:
        image = allowed(kit, tx, context, "delete_member", image_id)
        if image.visibility != "shared":
            raise Forbidden("Only shared images have members.")
        _one(tx, image_id, member)
        tx.execute(members.delete().where(members.c.image_id == image_id, members.c.member == member))
        emit(kit, tx, context, "member.delete", image)


def show(kit: Kit, context: Context, image_id: str, member: str) -> Row:
    """One member. :raises NotFound: there is none, or the caller is neither it nor the owner."""
    with kit.db.read() as tx:
        image = find(tx, context, image_id)
        if not _sees(context, image, member):
            raise NotFound(f"{member} is not a member of image {image_id}")
        return _one(tx, image_id, member)


def listed(kit: Kit, context: Context, image_id: str) -> Sequence[Row]:
    """The members of an image; a member sees only itself."""
    with kit.db.read() as tx:
        image = find(tx, context, image_id)
        if image.visibility != "shared":
            raise Forbidden("Only shared images have members.")
        return [row for row in tx.rows(OF_IMAGE, {"id": image_id}) if _sees(context, image, row.member)]


def _sees(context: Context, image: Row, member: str) -> bool:
    return context.is_admin or context.project_id in (image.owner, member)
