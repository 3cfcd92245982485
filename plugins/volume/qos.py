"""QoS specs: limits that hypervisors or back ends keep, given to volumes through their types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import AlreadyExists, BadRequest, NotFound
from ...core.process.slice import Kit
from . import types
from .tables import qos_specs
from .tables import types as type_table

BY_ID = sa.select(qos_specs).where(qos_specs.c.id == sa.bindparam("id"))
OF_TYPE = sa.select(qos_specs).join(type_table, type_table.c.qos_id == qos_specs.c.id).where(
    type_table.c.id == sa.bindparam("type_id"))
TYPES = sa.select(type_table).where(type_table.c.qos_id == sa.bindparam("id")).order_by(type_table.c.name)
CONSUMERS = ("front-end", "back-end", "both")


def find(tx: Transaction, qos_id: str) -> Row:
    """QoS specs by id. :raises NotFound: there are none."""
    row = tx.row(BY_ID, {"id": qos_id})
    if row is None:
        raise NotFound(f"No such QoS spec {qos_id}.")
    return row


def of_type(tx: Transaction, type_id: str) -> Row | None:
    """The QoS specs of a volume type, or none."""
    return tx.row(OF_TYPE, {"type_id": type_id})


def create(kit: Kit, context: Context, name: str, consumer: str, specs: Mapping[str, str]) -> Row:
    """Make QoS specs. :raises AlreadyExists: the name is taken. :raises BadRequest: the consumer is unknown."""
    _check(consumer)
    qos_id = kit.clock.uuid()
    try:
        with kit.db.write() as tx:
            tx.insert(qos_specs, {"id": qos_id, "name": name, "consumer": consumer, "specs": dict(specs),
                                  "created_at": kit.clock.now()})
            row = find(tx, qos_id)
            _tell(kit, tx, context, "qos_specs.create", row)
            return row
    except AlreadyExists as exc:
        raise AlreadyExists(f"QoS Specs {name} already exists.") from exc


def _check(consumer: str) -> None:
    if consumer not in CONSUMERS:
        raise BadRequest(f"Invalid qos specs: Valid consumer of QoS specs are: {list(CONSUMERS)}")


def change(kit: Kit, context: Context, qos_id: str, changes: Mapping[str, str]) -> Mapping[str, str]:
    """Add or replace single specs, or the consumer; gives what was said."""
    wanted = dict(changes)
    with kit.db.write() as tx:
        row = find(tx, qos_id)
        consumer = wanted.pop("consumer", row.consumer)
        _check(consumer)
        tx.update(qos_specs, qos_id, consumer=consumer, specs={**row.specs, **wanted})
        _tell(kit, tx, context, "qos_specs.update", row)
    return changes


def drop_keys(kit: Kit, context: Context, qos_id: str, keys: Sequence[str]) -> None:
    """Remove single specs. :raises BadRequest: there is none of a key."""
    with kit.db.write() as tx:
        row = find(tx, qos_id)
        left = dict(row.specs)
        for key in keys:
            if key not in left:
                raise BadRequest(f"QoS spec {qos_id} has no spec with key {key}.")
            del left[key]
        tx.update(qos_specs, qos_id, specs=left)
        _tell(kit, tx, context, "qos_specs.delete_keys", row)


def delete(kit: Kit, context: Context, qos_id: str, force: bool) -> None:
    """Delete QoS specs, with ``force`` also when types have them. :raises BadRequest: types have them."""
    with kit.db.write() as tx:
        row = find(tx, qos_id)
        if tx.row(TYPES, {"id": qos_id}) is not None and not force:
            raise BadRequest(f"QoS Specs {qos_id} is still associated with entities.")
        _part(tx, qos_id)
        tx.delete(qos_specs, qos_id)
        _tell(kit, tx, context, "qos_specs.delete", row)


def associations(kit: Kit, qos_id: str) -> Sequence[Row]:
    """The volume types that have the specs."""
    with kit.db.read() as tx:
        find(tx, qos_id)
        return tx.rows(TYPES, {"id": qos_id})


def associate(kit: Kit, context: Context, qos_id: str, type_id: str) -> None:
    """Give a volume type the specs. :raises BadRequest: it has others."""
    with kit.db.write() as tx:
        row, kind = find(tx, qos_id), types.find(tx, context, type_id)
        if kind.qos_id not in (None, qos_id):
            raise BadRequest(f"Invalid volume type: Type {type_id} is already associated with another qos specs: "
                             f"{kind.qos_id}")
        tx.update(type_table, type_id, qos_id=qos_id)
        _tell(kit, tx, context, "qos_specs.associate", row, volume_type=type_id)


def part(kit: Kit, context: Context, qos_id: str, type_id: str = "") -> None:
    """Take the specs from a volume type, or from all that have them. :raises NotFound: there are none of the id."""
    with kit.db.write() as tx:
        row = find(tx, qos_id)
        if type_id:
            types.find(tx, context, type_id)
        _part(tx, qos_id, type_id)
        _tell(kit, tx, context, "qos_specs.disassociate", row, volume_type=type_id or None)


def _part(tx: Transaction, qos_id: str, type_id: str = "") -> None:
    statement = type_table.update().where(type_table.c.qos_id == qos_id).values(qos_id=None)
    tx.execute(statement.where(type_table.c.id == type_id) if type_id else statement)


def listed(kit: Kit, marker: str, limit: int) -> Sequence[Row]:
    """A page of QoS specs by id. :raises NotFound: the marker names none."""
    statement = sa.select(qos_specs).order_by(qos_specs.c.id).limit(limit)
    with kit.db.read() as tx:
        if marker:
            find(tx, marker)
            statement = statement.where(qos_specs.c.id > marker)
        return tx.rows(statement)


def _tell(kit: Kit, tx: Transaction, context: Context, event: str, row: Row, **more: Any) -> None:
    kit.events.emit(tx, context, event, "QosSpecsPayload", {
        "id": row.id, "name": row.name, "consumer": row.consumer, **more})
