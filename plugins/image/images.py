"""Images: making, showing, changing and deleting their records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import AlreadyExists, Forbidden, NotFound, TooLarge
from ...core.http.moment import to_second
from ...core.process.slice import Kit
from ...core.services.image import ImageRecord
from .access import BY_ID, allowed
from .patch import Change
from .tables import images, properties, tags

COUNT = sa.select(sa.func.count()).select_from(images).where(images.c.owner == sa.bindparam("owner"))


def payload(row: Any) -> Mapping[str, Any]:
    """What events tell of an image."""
    return {"id": row.id, "name": row.name, "owner": row.owner, "status": row.status, "size": row.size,
            "visibility": row.visibility, "disk_format": row.disk_format, "container_format": row.container_format,
            "checksum": row.checksum, "protected": row.protected}


def emit(kit: Kit, tx: Transaction, context: Context, event: str, row: Any) -> None:
    """Tell that ``event`` happened to the image of ``row``; what it is now is read from ``tx``."""
    now = tx.row(BY_ID, {"id": row.id}) or row
    kit.events.emit(tx, context, f"image.{event}", "ImagePayload", payload(now))


def show(kit: Kit, context: Context, image_id: str) -> Row:
    """An image by id. :raises NotFound: there is none that the caller may see."""
    with kit.db.read() as tx:
        return allowed(kit, tx, context, "get_image", image_id)


def record(row: Row) -> ImageRecord:
    """A row as the other services see it."""
    return ImageRecord(
        id=row.id, name=row.name or "", status=row.status, owner=row.owner, visibility=row.visibility,
        disk_format=row.disk_format or "", container_format=row.container_format or "", size=row.size or 0,
        virtual_size=row.virtual_size or 0, min_disk=row.min_disk, min_ram=row.min_ram,
        hash_algorithm=row.os_hash_algo or "", hash_value=row.os_hash_value or "", checksum=row.checksum or "",
        properties=row.properties, tags=row.tags, created_at=to_second(row.created_at),
        updated_at=row.updated_at.isoformat() + "Z")


class NewImage(msgspec.Struct, kw_only=True):
    """What a caller may say of an image when it is made."""

    id: str = ""
    name: str | None = None
    owner: str = ""
    visibility: str = "shared"
    disk_format: str | None = None
    container_format: str | None = None
    min_disk: int = 0
    min_ram: int = 0
    protected: bool = False
    os_hidden: bool = False
    tags: list[str] = []
    properties: dict[str, str] = {}


def create(kit: Kit, context: Context, new: NewImage) -> Row:
    """Make a queued image.

    :raises AlreadyExists: the id is taken, or the data of an earlier image of this id is not gone yet.
    :raises Forbidden: the caller may not give it this owner or visibility.
    :raises TooLarge: a quota does not allow it.
    """
    owner = new.owner or context.project_id
    _check_visibility(kit, context, owner, new.visibility)
    kit.policy.enforce(context, "add_image", {"project_id": owner, "owner": owner, "visibility": new.visibility})
    _check_counts(kit, new.properties, new.tags)
    # The moment is shown to the second; kept whole, it tells which of several images came first.
    moment = kit.clock.now()
    now = moment.replace(microsecond=0)
    image_id = new.id or kit.clock.uuid()
    values: dict[str, Any] = {
        "id": image_id, "name": new.name, "owner": owner, "status": "queued", "visibility": new.visibility,
        "disk_format": new.disk_format, "container_format": new.container_format, "min_disk": new.min_disk,
        "min_ram": new.min_ram, "protected": new.protected, "os_hidden": new.os_hidden,
        "properties": new.properties, "tags": _unique(new.tags), "created_at": moment, "updated_at": now}
    with kit.db.write() as tx:
        _check_quota(kit, tx, owner)
        if new.id and (tx.row(BY_ID, {"id": new.id}) or kit.engine.unfinished(tx, new.id)):
            raise AlreadyExists(f"Image ID {new.id} already exists!")
        tx.insert(images, values)
        _index(tx, image_id, values["properties"], values["tags"])
        row = tx.row(BY_ID, {"id": image_id})
        assert row is not None
        emit(kit, tx, context, "create", row)
    return row


def _check_quota(kit: Kit, tx: Transaction, owner: str) -> None:
    limit = kit.options.project_quota_images
    if limit and tx.value(COUNT, {"owner": owner}) >= limit:
        raise TooLarge(f"Image count quota of {limit} reached")


def _check_counts(kit: Kit, some: Mapping[str, str], marks: Sequence[str]) -> None:
    if len(some) > kit.options.property_quota:
        raise TooLarge(f"The limit has been exceeded on the number of allowed image properties. "
                       f"Attempted: {len(some)}, Maximum: {kit.options.property_quota}")
    if len(marks) > kit.options.tag_quota:
        raise TooLarge(f"The limit has been exceeded on the number of allowed image tags. "
                       f"Attempted: {len(marks)}, Maximum: {kit.options.tag_quota}")


def _check_visibility(kit: Kit, context: Context, owner: str, visibility: str) -> None:
    rule = {"public": "publicize_image", "community": "communitize_image"}.get(visibility)
    if rule:
        kit.policy.enforce(context, rule, {"project_id": owner, "owner": owner, "visibility": visibility})


def _unique(marks: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(marks))


def _index(tx: Transaction, image_id: str, some: Mapping[str, str], marks: Sequence[str]) -> None:
    tx.insert(properties, [{"image_id": image_id, "name": name, "value": str(value)[:255]}
                           for name, value in some.items()])
    tx.insert(tags, [{"image_id": image_id, "tag": tag} for tag in marks])


def update(kit: Kit, context: Context, image_id: str, changes: Sequence[Change]) -> Row:
    """Apply ``changes`` in their order, all or none.

    :raises Forbidden: an attribute may not be changed, or not now.
    :raises Conflict: a property that is to be replaced or removed is not there.
    """
    with kit.db.write() as tx:
        row = allowed(kit, tx, context, "modify_image", image_id)
        if not changes:
            return row
        values: dict[str, Any] = {"properties": dict(row.properties), "tags": list(row.tags)}
        for change in changes:
            change.apply(values)
        _check_update(kit, context, row, values)
        values["updated_at"] = kit.clock.now().replace(microsecond=0)
        tx.update(images, image_id, **values)
        if values["properties"] != row.properties or values["tags"] != row.tags:
            _reindex(tx, image_id, values["properties"], values["tags"])
        changed = tx.row(BY_ID, {"id": image_id})
        assert changed is not None
        emit(kit, tx, context, "update", changed)
        return changed


def _check_update(kit: Kit, context: Context, row: Row, values: dict[str, Any]) -> None:
    values["tags"] = _unique(values["tags"])
    _check_counts(kit, values["properties"], values["tags"])
    if values.get("owner", row.owner) != row.owner and not (context.is_admin and values["owner"]):
        raise Forbidden("Owner of an image can be changed only by an administrator")
    for name in ("disk_format", "container_format"):
        if name in values and values[name] != getattr(row, name) and row.status not in ("queued", "importing"):
            raise Forbidden(f"Attribute {name} can be only replaced for a queued image.")
    if values.get("visibility", row.visibility) != row.visibility:
        _check_visibility(kit, context, row.owner, values["visibility"])


def _reindex(tx: Transaction, image_id: str, some: Mapping[str, str], marks: Sequence[str]) -> None:
    tx.execute(properties.delete().where(properties.c.image_id == image_id))
    tx.execute(tags.delete().where(tags.c.image_id == image_id))
    _index(tx, image_id, some, marks)


def tag(kit: Kit, context: Context, image_id: str, mark: str) -> None:
    """Give an image a tag; nothing if it has it. :raises TooLarge: it has too many."""
    with kit.db.write() as tx:
        row = allowed(kit, tx, context, "modify_image", image_id)
        if mark not in row.tags:
            _check_counts(kit, {}, [*row.tags, mark])
            tx.insert(tags, {"image_id": image_id, "tag": mark})
            _set_tags(kit, tx, context, row, [*row.tags, mark])


def untag(kit: Kit, context: Context, image_id: str, mark: str) -> None:
    """Take a tag from an image. :raises NotFound: it has no such tag."""
    with kit.db.write() as tx:
        row = allowed(kit, tx, context, "modify_image", image_id)
        if mark not in row.tags:
            raise NotFound(f"Image {image_id} has no tag {mark}")
        tx.execute(tags.delete().where(tags.c.image_id == image_id, tags.c.tag == mark))
        _set_tags(kit, tx, context, row, [one for one in row.tags if one != mark])


def _set_tags(kit: Kit, tx: Transaction, context: Context, row: Row, marks: list[str]) -> None:
    tx.update(images, row.id, tags=marks, updated_at=kit.clock.now().replace(microsecond=0))
    emit(kit, tx, context, "update", row)


def delete(kit: Kit, context: Context, image_id: str) -> None:
    """Delete an image at once, and its data by an operation.

    :raises Forbidden: it is protected.
    """
    with kit.db.write() as tx:
        row = allowed(kit, tx, context, "delete_image", image_id)
        if row.protected:
            raise Forbidden(f"Image {image_id} is protected and cannot be deleted.")
        tx.delete(images, image_id)
        if row.status != "queued" or row.beat_at is not None:
            kit.engine.start(tx, "image.delete", image_id, context)
        if row.status in ("saving", "uploading") and row.staged is None:
            # Whoever uploads removes the data when it is done, unless it dies just then.
            kit.engine.start(tx, "image.delete", image_id, context, delay_s=kit.options.stale_upload_s)
        emit(kit, tx, context, "delete", row)
