"""Volume types: what users choose by, extra specs that choose back ends, access of projects."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import BadRequest, Conflict, NotFound
from ...core.process.slice import Kit
from .kinds import Kinds
from .tables import access, default_types, types, volumes

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


class VolumeTypes(Kinds):
    """The types of volumes; projects may be let use a private one."""

    table, word, payload, event, specs = types, "Volume type", "VolumeTypePayload", "volume_type", "extra_specs"
    users = IN_USE

    def visible(self, tx: Transaction, context: Context, row: Row) -> bool:
        """Whether a type is public, or the caller's project is let use it."""
        return super().visible(tx, context, row) or tx.row(IS_ALLOWED, {
            "type_id": row.id, "project_id": context.project_id}) is not None

    def allowed(self, tx: Transaction, context: Context) -> Collection[str]:
        """Those that the caller's project is let use."""
        return set(tx.values(ALLOWED, {"project_id": context.project_id}))

    def missing(self, text: str, by_name: bool) -> NotFound:
        """With the type of error that clients of block storage look at."""
        word = f"{self.word} with name" if by_name else self.word
        return NotFound(f"{word} {text} could not be found.", type="VolumeTypeNotFound")

    def check_deletion(self, kit: Kit, tx: Transaction, row: Row) -> None:
        """:raises BadRequest: volumes that name no type are of it."""
        if row.name == kit.options.default_type:
            raise BadRequest(f"The volume type {row.name} is the default volume type and cannot be deleted.")
        if tx.row(IS_DEFAULT, {"type_id": row.id}):
            raise BadRequest(f"The volume type {row.name} is the default volume type of a project and cannot be "
                             "deleted.")


TYPES = VolumeTypes()
BY_ID = TYPES.by_id
find, named, create, update, delete = TYPES.find, TYPES.named, TYPES.create, TYPES.update, TYPES.delete
set_specs, drop_spec = TYPES.set_specs, TYPES.drop_spec


def default(kit: Kit, tx: Transaction, context: Context) -> Row:
    """The type of volumes that name none: the project's own default, else the configured one.

    :raises NotFound: there is none that the caller may use.
    """
    row = tx.row(DEFAULT, {"project_id": context.project_id})
    return row if row is not None and TYPES.visible(tx, context, row) else named(tx, context, kit.options.default_type)


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


def listed(kit: Kit, context: Context, public: bool | None, specs: Mapping[str, str]) -> Sequence[Row]:
    """The types the caller may use; ``public`` filters for administrators, ``specs`` by extra specs."""
    return [row for row in TYPES.listed(kit, context, public)
            if all(row.extra_specs.get(key) == value for key, value in specs.items())]


def names(tx: Transaction, ids: set[str]) -> Mapping[str, str]:
    """Names of types by id."""
    return {row.id: row.name for row in tx.rows(OF_IDS, {"ids": list(ids)})} if ids else {}


def allow(kit: Kit, context: Context, type_id: str, project_id: str) -> None:
    """Let a project use a private type. :raises Conflict: it may already, or the type is public."""
    with kit.db.write() as tx:
        row = find(tx, context, type_id)
        if row.is_public:
            raise Conflict("Type access modification is not applicable to public volume type.")
        if tx.row(IS_ALLOWED, {"type_id": type_id, "project_id": project_id}):
            raise Conflict(f"Volume type access for {type_id} / {project_id} combination already exists.")
        tx.insert(access, {"type_id": type_id, "project_id": project_id})
        TYPES.tell(kit, tx, context, "volume_type_project.access.add", row, project_id=project_id)


def deny(kit: Kit, context: Context, type_id: str, project_id: str) -> None:
    """End a project's use of a private type. :raises NotFound: it had none."""
    with kit.db.write() as tx:
        row = find(tx, context, type_id)
        if row.is_public:
            raise Conflict("Type access modification is not applicable to public volume type.")
        if not tx.execute(access.delete().where(access.c.type_id == type_id, access.c.project_id == project_id)):
            raise NotFound(f"Volume type access not found for {type_id} / {project_id} combination.")
        TYPES.tell(kit, tx, context, "volume_type_project.access.remove", row, project_id=project_id)


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
        if TYPES.is_used(tx, type_id):
            raise BadRequest("Cannot create encryption specs. Volume type in use.")
        made = {"encryption_id": kit.clock.uuid(), "provider": "", "control_location": "front-end", "cipher": None,
                "key_size": None, "created_at": kit.clock.now().isoformat(), **values}
        tx.update(types, type_id, encryption=made)
        TYPES.tell(kit, tx, context, "volume_type_encryption.create", row)
        return made


def change_encryption(kit: Kit, context: Context, type_id: str, encryption_id: str,
                      values: Mapping[str, Any] | None) -> None:
    """Change how a type is encrypted, or with no ``values`` end it. :raises NotFound: it is not that way."""
    with kit.db.write() as tx:
        row = find(tx, context, type_id)
        if row.encryption is None or row.encryption["encryption_id"] != encryption_id:
            raise NotFound(f"Volume type encryption for type {type_id} does not exist.")
        if TYPES.is_used(tx, type_id):
            raise BadRequest("Cannot change encryption specs. Volume type in use.")
        tx.update(types, type_id, encryption=None if values is None else {
            **row.encryption, **values, "updated_at": kit.clock.now().isoformat()})
        TYPES.tell(kit, tx, context, f"volume_type_encryption.{'delete' if values is None else 'update'}", row)


def seed(kit: Kit) -> None:
    """Make the default type; nothing if it is there."""
    TYPES.seed(kit, kit.options.default_type, "Default Volume Type", {})
