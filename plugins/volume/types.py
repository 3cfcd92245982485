"""Volume types: what users choose by, extra specs that choose back ends, access of projects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import AlreadyExists, BadRequest, Conflict, NotFound
from ...core.process.slice import Kit
from .tables import access, default_types, types, volumes

BY_ID = sa.select(types).where(types.c.id == sa.bindparam("id"))
BY_NAME = sa.select(types).where(types.c.name == sa.bindparam("name"))
ALL = sa.select(types).order_by(types.c.created_at.desc(), types.c.id.desc())
ALLOWED = sa.select(access.c.type_id).where(access.c.project_id == sa.bindparam("project_id"))
IS_ALLOWED = ALLOWED.where(access.c.type_id == sa.bindparam("type_id"))
PROJECTS = sa.select(access).where(access.c.type_id == sa.bindparam("type_id")).order_by(access.c.project_id)
IN_USE = sa.select(volumes.c.id).where(volumes.c.type_id == sa.bindparam("type_id")).limit(1)
OF_IDS = sa.select(types.c.id, types.c.name).where(types.c.id.in_(sa.bindparam("ids", expanding=True)))


DEFAULT = sa.select(types).join(default_types, default_types.c.type_id == types.c.id).where(
    default_types.c.project_id == sa.bindparam("project_id"))
IS_DEFAULT = sa.select(default_types.c.project_id).where(default_types.c.type_id == sa.bindparam("type_id")).limit(1)
ZONES = "RESKEY:availability_zones"
"""The extra spec that lists, with commas, the only zones in which volumes of a type may be."""


def find(tx: Transaction, context: Context, type_id: str) -> Row:
    """A type by id. :raises NotFound: there is none that the caller may use."""
    row = tx.row(BY_ID, {"id": type_id})
    if row is None or not _visible(tx, context, row):
        raise NotFound(f"Volume type {type_id} could not be found.", type="VolumeTypeNotFound")
    return row


def named(tx: Transaction, context: Context, text: str) -> Row:
    """A type by id or name. :raises NotFound: there is none that the caller may use."""
    row = tx.row(BY_NAME, {"name": text}) or tx.row(BY_ID, {"id": text})
    if row is None or not _visible(tx, context, row):
        raise NotFound(f"Volume type with name {text} could not be found.", type="VolumeTypeNotFound")
    return row


def default(kit: Kit, tx: Transaction, context: Context) -> Row:
    """The type of volumes that name none: the project's own default, else the configured one.

    :raises NotFound: there is none that the caller may use.
    """
    row = tx.row(DEFAULT, {"project_id": context.project_id})
    return row if row is not None and _visible(tx, context, row) else named(tx, context, kit.options.default_type)


def check_encryption(kind: Row) -> None:
    """See that volumes of a type can be made here. :raises BadRequest: it asks for encryption."""
    if kind.encryption is not None:
        raise BadRequest(f"Volume type {kind.name} asks for encryption, which no back end here offers")


def multiattach(kind: Row) -> bool:
    """Tell whether several servers may have a volume of a type at once."""
    return str(kind.extra_specs.get("multiattach", "")).replace(" ", "") == "<is>True"


def check_zone(kind: Row, zone: str) -> None:
    """See that volumes of a type may be in a zone. :raises BadRequest: the type names other zones."""
    allowed = [one.strip() for one in kind.extra_specs.get(ZONES, "").split(",") if one.strip()]
    if allowed and zone not in allowed:
        raise BadRequest(f"Invalid input received: volume type {kind.name} can only be used in availability zones "
                         f"{', '.join(allowed)}.")


def _visible(tx: Transaction, context: Context, row: Row) -> bool:
    return (bool(row.is_public) or context.is_admin
            or tx.row(IS_ALLOWED, {"type_id": row.id, "project_id": context.project_id}) is not None)


def listed(kit: Kit, context: Context, public: bool | None, specs: Mapping[str, str]) -> Sequence[Row]:
    """The types the caller may use; ``public`` filters for administrators, ``specs`` by extra specs."""
    with kit.db.read() as tx:
        rows = tx.rows(ALL)
        if not context.is_admin:
            allowed = set(tx.values(ALLOWED, {"project_id": context.project_id}))
            rows = [row for row in rows if row.is_public or row.id in allowed]
        elif public is not None:
            rows = [row for row in rows if row.is_public == public]
    return [row for row in rows if all(row.extra_specs.get(key) == value for key, value in specs.items())]


def names(tx: Transaction, ids: set[str]) -> Mapping[str, str]:
    """Names of types by id."""
    return {row.id: row.name for row in tx.rows(OF_IDS, {"ids": list(ids)})} if ids else {}


def create(kit: Kit, context: Context, name: str, description: str | None, is_public: bool,
           specs: Mapping[str, str]) -> Row:
    """Make a type. :raises AlreadyExists: the name is taken."""
    if not name.strip():
        raise BadRequest("Volume type name can not be empty.")
    type_id = kit.clock.uuid()
    try:
        with kit.db.write() as tx:
            tx.insert(types, {"id": type_id, "name": name.strip(), "description": description,
                              "is_public": is_public, "extra_specs": dict(specs), "created_at": kit.clock.now()})
            made = find(tx, context, type_id)
            _tell(kit, tx, context, "volume_type.create", made)
            return made
    except AlreadyExists as exc:
        raise AlreadyExists(f"Volume Type {name} already exists.") from exc


def update(kit: Kit, context: Context, type_id: str, changes: Mapping[str, Any]) -> Row:
    """Change name, description or publicity. :raises AlreadyExists: the name is taken."""
    if "name" in changes and not (changes["name"] or "").strip():
        raise BadRequest("Volume type name can not be empty.")
    try:
        with kit.db.write() as tx:
            find(tx, context, type_id)
            if changes:
                tx.update(types, type_id, **changes)
            changed = find(tx, context, type_id)
            _tell(kit, tx, context, "volume_type.update", changed)
            return changed
    except AlreadyExists as exc:
        raise AlreadyExists(f"Volume Type {changes.get('name')} already exists.") from exc


def delete(kit: Kit, context: Context, type_id: str) -> None:
    """Delete a type. :raises BadRequest: volumes are of it, or it is the default."""
    with kit.db.write() as tx:
        row = find(tx, context, type_id)
        if tx.row(IN_USE, {"type_id": type_id}):
            raise BadRequest("Target volume type is still in use.")
        if row.name == kit.options.default_type:
            raise BadRequest(f"The volume type {row.name} is the default volume type and cannot be deleted.")
        if tx.row(IS_DEFAULT, {"type_id": type_id}):
            raise BadRequest(f"The volume type {row.name} is the default volume type of a project and cannot be "
                             "deleted.")
        tx.delete(types, type_id)
        _tell(kit, tx, context, "volume_type.delete", row)


def set_specs(kit: Kit, context: Context, type_id: str, specs: Mapping[str, str]) -> None:
    """Add or replace extra specs."""
    with kit.db.write() as tx:
        row = find(tx, context, type_id)
        tx.update(types, type_id, extra_specs={**row.extra_specs, **specs})
        _tell(kit, tx, context, "volume_type_extra_specs.create", row, specs=dict(specs))


def drop_spec(kit: Kit, context: Context, type_id: str, key: str) -> None:
    """Remove an extra spec. :raises NotFound: there is none of this key."""
    with kit.db.write() as tx:
        row = find(tx, context, type_id)
        if key not in row.extra_specs:
            raise NotFound(f"Volume Type {type_id} has no extra specs with key {key}.")
        tx.update(types, type_id, extra_specs={k: v for k, v in row.extra_specs.items() if k != key})
        _tell(kit, tx, context, "volume_type_extra_specs.delete", row, key=key)


def allow(kit: Kit, context: Context, type_id: str, project_id: str) -> None:
    """Let a project use a private type. :raises Conflict: it may already, or the type is public."""
    with kit.db.write() as tx:
        row = find(tx, context, type_id)
        if row.is_public:
            raise Conflict("Type access modification is not applicable to public volume type.")
        if tx.row(IS_ALLOWED, {"type_id": type_id, "project_id": project_id}):
            raise Conflict(f"Volume type access for {type_id} / {project_id} combination already exists.")
        tx.insert(access, {"type_id": type_id, "project_id": project_id})
        _tell(kit, tx, context, "volume_type_project.access.add", row, project_id=project_id)


def deny(kit: Kit, context: Context, type_id: str, project_id: str) -> None:
    """End a project's use of a private type. :raises NotFound: it had none."""
    with kit.db.write() as tx:
        row = find(tx, context, type_id)
        if row.is_public:
            raise Conflict("Type access modification is not applicable to public volume type.")
        if not tx.execute(access.delete().where(access.c.type_id == type_id, access.c.project_id == project_id)):
            raise NotFound(f"Volume type access not found for {type_id} / {project_id} combination.")
        _tell(kit, tx, context, "volume_type_project.access.remove", row, project_id=project_id)


def allowed(kit: Kit, context: Context, type_id: str) -> Sequence[Row]:
    """The projects that may use a private type. :raises NotFound: the type is public."""
    with kit.db.read() as tx:
        if find(tx, context, type_id).is_public:
            raise NotFound("Access list not available for public volume types.")
        return tx.rows(PROJECTS, {"type_id": type_id})


def encrypt(kit: Kit, context: Context, type_id: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Say how volumes of a type are to be encrypted. :raises BadRequest: it is said, or volumes are of it."""
    with kit.db.write() as tx:
        row = find(tx, context, type_id)
        if row.encryption is not None:
            raise BadRequest(f"Volume type encryption for type {type_id} already exists.")
        if tx.row(IN_USE, {"type_id": type_id}):
            raise BadRequest("Cannot create encryption specs. Volume type in use.")
        made = {"encryption_id": kit.clock.uuid(), "provider": "", "control_location": "front-end", "cipher": None,
                "key_size": None, "created_at": kit.clock.now().isoformat(), **values}
        tx.update(types, type_id, encryption=made)
        _tell(kit, tx, context, "volume_type_encryption.create", row)
        return made


def change_encryption(kit: Kit, context: Context, type_id: str, encryption_id: str,
                      values: Mapping[str, Any] | None) -> None:
    """Change how a type is encrypted, or with no ``values`` end it. :raises NotFound: it is not that way."""
    with kit.db.write() as tx:
        row = find(tx, context, type_id)
        if row.encryption is None or row.encryption["encryption_id"] != encryption_id:
            raise NotFound(f"Volume type encryption for type {type_id} does not exist.")
        if tx.row(IN_USE, {"type_id": type_id}):
            raise BadRequest("Cannot change encryption specs. Volume type in use.")
        tx.update(types, type_id, encryption=None if values is None else {
            **row.encryption, **values, "updated_at": kit.clock.now().isoformat()})
        _tell(kit, tx, context, f"volume_type_encryption.{'delete' if values is None else 'update'}", row)


def _tell(kit: Kit, tx: Transaction, context: Context, event: str, row: Row, **more: Any) -> None:
    kit.events.emit(tx, context, event, "VolumeTypePayload", {
        "id": row.id, "name": row.name, "is_public": bool(row.is_public), **more})


def seed(kit: Kit) -> None:
    """Make the default type; nothing if it is there."""
    name = kit.options.default_type
    with kit.db.write() as tx:
        if tx.row(BY_NAME, {"name": name}) is None:
            tx.insert(types, {"id": kit.clock.uuid(), "name": name, "description": "Default Volume Type",
                              "is_public": True, "extra_specs": {}, "created_at": kit.clock.now()})
