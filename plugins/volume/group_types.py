"""Group types: what users choose groups by, and specs that say what a back end must do for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import AlreadyExists, BadRequest, NotFound
from ...core.process.slice import Kit
from .tables import group_types, groups

BY_ID = sa.select(group_types).where(group_types.c.id == sa.bindparam("id"))
BY_NAME = sa.select(group_types).where(group_types.c.name == sa.bindparam("name"))
ALL = sa.select(group_types).order_by(group_types.c.created_at.desc(), group_types.c.id.desc())
IN_USE = sa.select(groups.c.id).where(groups.c.type_id == sa.bindparam("type_id")).limit(1)
CONSISTENT = "consistent_group_snapshot_enabled"
"""The spec by which a group type asks for snapshots of one moment."""
OF_CONSISTENCY_GROUPS = "default_cgsnapshot_type"
"""The group type of what the older API calls consistency groups."""


def find(tx: Transaction, context: Context, type_id: str) -> Row:
    """A group type by id. :raises NotFound: there is none that the caller may use."""
    row = tx.row(BY_ID, {"id": type_id})
    if row is None or not (row.is_public or context.is_admin):
        raise NotFound(f"Group type {type_id} could not be found.")
    return row


def named(tx: Transaction, context: Context, text: str) -> Row:
    """A group type by id or name. :raises NotFound: there is none that the caller may use."""
    row = tx.row(BY_NAME, {"name": text}) or tx.row(BY_ID, {"id": text})
    if row is None or not (row.is_public or context.is_admin):
        raise NotFound(f"Group type {text} could not be found.")
    return row


def listed(kit: Kit, context: Context, public: bool | None) -> Sequence[Row]:
    """The group types that the caller may use; ``public`` filters for administrators."""
    with kit.db.read() as tx:
        rows = tx.rows(ALL)
    if not context.is_admin:
        return [row for row in rows if row.is_public]
    return rows if public is None else [row for row in rows if row.is_public == public]


def create(kit: Kit, context: Context, name: str, description: str | None, is_public: bool,
           specs: Mapping[str, str]) -> Row:
    """Make a group type. :raises AlreadyExists: the name is taken."""
    if not name.strip():
        raise BadRequest("Group type name can not be empty.")
    type_id = kit.clock.uuid()
    try:
        with kit.db.write() as tx:
            tx.insert(group_types, {"id": type_id, "name": name.strip(), "description": description,
                                    "is_public": is_public, "specs": dict(specs), "created_at": kit.clock.now()})
            made = find(tx, context, type_id)
            _tell(kit, tx, context, "group_type.create", made)
            return made
    except AlreadyExists as exc:
        raise AlreadyExists(f"Group Type {name} already exists.") from exc


def update(kit: Kit, context: Context, type_id: str, changes: Mapping[str, Any]) -> Row:
    """Change name, description or publicity. :raises AlreadyExists: the name is taken."""
    if "name" in changes and not changes["name"].strip():
        raise BadRequest("Group type name can not be empty.")
    try:
        with kit.db.write() as tx:
            find(tx, context, type_id)
            tx.update(group_types, type_id, **changes)
            changed = find(tx, context, type_id)
            _tell(kit, tx, context, "group_type.update", changed)
            return changed
    except AlreadyExists as exc:
        raise AlreadyExists(f"Group Type {changes.get('name')} already exists.") from exc


def delete(kit: Kit, context: Context, type_id: str) -> None:
    """Delete a group type. :raises BadRequest: groups are of it."""
    with kit.db.write() as tx:
        row = find(tx, context, type_id)
        if tx.row(IN_USE, {"type_id": type_id}):
            raise BadRequest("Target group type is still in use.")
        tx.delete(group_types, type_id)
        _tell(kit, tx, context, "group_type.delete", row)


def set_specs(kit: Kit, context: Context, type_id: str, specs: Mapping[str, str]) -> None:
    """Add or replace group specs. :raises BadRequest: groups are of the type and consistency would change."""
    with kit.db.write() as tx:
        row = find(tx, context, type_id)
        _check_change(tx, row, {**row.specs, **specs})
        tx.update(group_types, type_id, specs={**row.specs, **specs})
        _tell(kit, tx, context, "group_type_specs.create", row, specs=dict(specs))


def drop_spec(kit: Kit, context: Context, type_id: str, key: str) -> None:
    """Remove a group spec. :raises NotFound: there is none of this key."""
    with kit.db.write() as tx:
        row = find(tx, context, type_id)
        if key not in row.specs:
            raise NotFound(f"Group Type {type_id} has no specs with key {key}.")
        left = {name: value for name, value in row.specs.items() if name != key}
        _check_change(tx, row, left)
        tx.update(group_types, type_id, specs=left)
        _tell(kit, tx, context, "group_type_specs.delete", row, key=key)


def _check_change(tx: Transaction, row: Row, specs: Mapping[str, str]) -> None:
    if consistent(specs) != consistent(row.specs) and tx.row(IN_USE, {"type_id": row.id}):
        raise BadRequest(f"{CONSISTENT} of a group type cannot change while groups are of it.")


def consistent(specs: Mapping[str, str]) -> bool:
    """Tell whether specs ask for snapshots of one moment."""
    return specs.get(CONSISTENT, "").replace(" ", "").lower() == "<is>true"


def _tell(kit: Kit, tx: Transaction, context: Context, event: str, row: Row, **more: Any) -> None:
    kit.events.emit(tx, context, event, "GroupTypePayload", {
        "id": row.id, "name": row.name, "is_public": bool(row.is_public), **more})


def seed(kit: Kit) -> None:
    """Make the group type of consistency groups; nothing if it is there."""
    with kit.db.write() as tx:
        if tx.row(BY_NAME, {"name": OF_CONSISTENCY_GROUPS}) is None:
            tx.insert(group_types, {
                "id": kit.clock.uuid(), "name": OF_CONSISTENCY_GROUPS, "is_public": True,
                "description": "Group type of consistency groups", "specs": {CONSISTENT: "<is> True"},
                "created_at": kit.clock.now()})
