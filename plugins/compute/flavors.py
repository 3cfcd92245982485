"""Flavors: the sizes of servers, their extra specs, and which projects may use the private ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.db.paging import Page, paged
from ...core.errors import AlreadyExists, Conflict, NotFound
from ...core.process.slice import Kit
from . import listing, quotas
from .tables import flavor_access, flavors

_OPEN = sa.or_(flavors.c.public, sa.exists().where(flavor_access.c.flavor_id == flavors.c.id,
                                                   flavor_access.c.project_id == sa.bindparam("project_id")))
_ANY = sa.select(flavors).where(flavors.c.id == sa.bindparam("flavor_id"))
_ALLOWED = _ANY.where(_OPEN)
_LOCKED = _ANY.with_for_update()
_ACCESS = (sa.select(flavor_access.c.project_id).where(flavor_access.c.flavor_id == sa.bindparam("flavor_id"))
           .order_by(flavor_access.c.project_id))

CUSTOMARY: Sequence[tuple[str, str, int, int, int]] = (
    ("1", "m1.tiny", 1, 512, 1), ("2", "m1.small", 1, 2048, 20), ("3", "m1.medium", 2, 4096, 40),
    ("4", "m1.large", 4, 8192, 80), ("5", "m1.xlarge", 8, 16384, 160), ("42", "m1.nano", 1, 128, 1),
    ("84", "m1.micro", 1, 192, 1))
"""The flavors of a new cloud: id, name, virtual CPUs, MiB of memory, GiB of root disk."""

SORT_KEYS: Mapping[str, str] = {
    "flavorid": "id", "id": "number", "name": "name", "vcpus": "vcpus", "memory_mb": "memory_mib",
    "root_gb": "root_gib", "ephemeral_gb": "ephemeral_gib", "swap": "swap_mib", "rxtx_factor": "rxtx_factor",
    "is_public": "public", "disabled": "disabled", "created_at": "created_at", "updated_at": "updated_at"}
"""The API's names of what a list can be sorted by, and the columns they mean."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NewFlavor:
    """What a flavor is made of; an empty ``id`` asks for one to be chosen."""

    name: str
    vcpus: int
    memory_mib: int
    root_gib: int
    id: str = ""
    ephemeral_gib: int = 0
    swap_mib: int = 0
    rxtx_factor: float = 1.0
    public: bool = True
    description: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which flavors a list asks for; ``public`` none means public and private ones."""

    public: bool | None = True
    min_memory_mib: int = 0
    min_root_gib: int = 0
    name: str = ""
    """A regular expression that names hold a match of."""


def find(kit: Kit, context: Context, flavor_id: str) -> Row:
    """A flavor that the caller may use. :raises NotFound: there is none of this id for it."""
    with kit.db.read() as tx:
        row = (tx.row(_ANY, {"flavor_id": flavor_id}) if context.is_admin else
               tx.row(_ALLOWED, {"flavor_id": flavor_id, "project_id": context.project_id}))
    if row is None:
        raise _unknown(flavor_id)
    return row


def _unknown(flavor_id: str) -> NotFound:
    return NotFound(f"Flavor {flavor_id} could not be found.")


def page(kit: Kit, context: Context, wanted: Wanted, limits: Page) -> Sequence[Row]:
    """A page of the flavors that the caller may use; only administrators may ask for private ones.

    :raises BadRequest: unknown marker or sort key.
    """
    statement = sa.select(flavors)
    if not context.is_admin or wanted.public:
        statement = statement.where(_OPEN)
    elif wanted.public is False:
        statement = statement.where(flavors.c.public.is_(False))
    if not context.is_admin:
        statement = statement.where(flavors.c.disabled.is_(False))
    if wanted.min_memory_mib:
        statement = statement.where(flavors.c.memory_mib >= wanted.min_memory_mib)
    if wanted.min_root_gib:
        statement = statement.where(flavors.c.root_gib >= wanted.min_root_gib)
    if wanted.name:
        statement = statement.where(listing.matches(flavors.c.name, wanted.name, "name"))
    with kit.db.read() as tx:
        return tx.rows(paged(statement, flavors, limits, tx), {"project_id": context.project_id})


def create(kit: Kit, context: Context, wanted: NewFlavor) -> Row:
    """Make a flavor. :raises AlreadyExists: its id or name is taken."""
    flavor_id = wanted.id or kit.clock.uuid()
    values = {**dataclasses.asdict(wanted), "id": flavor_id, "disabled": False, "extra_specs": {},
              "created_at": kit.clock.now()}
    with kit.db.write() as tx:
        if tx.row(_ANY, {"flavor_id": flavor_id}) is not None:
            raise AlreadyExists(f"Flavor with ID {flavor_id} already exists.")
        if tx.value(sa.select(flavors.c.id).where(flavors.c.name == wanted.name)) is not None:
            raise AlreadyExists(f"Flavor with name {wanted.name} already exists.")
        tx.insert(flavors, values)
        row = _row(tx, _ANY, flavor_id)
        _tell(kit, tx, context, "create", row)
    return row


def _row(tx: Transaction, statement: sa.Select[Any], flavor_id: str) -> Row:
    row = tx.row(statement, {"flavor_id": flavor_id})
    if row is None:
        raise _unknown(flavor_id)
    return row


def describe(kit: Kit, context: Context, flavor_id: str, description: str | None) -> Row:
    """Give a flavor another description. :raises NotFound: there is no such flavor."""
    with kit.db.write() as tx:
        tx.update(flavors, flavor_id, description=description, updated_at=kit.clock.now())
        row = _row(tx, _ANY, flavor_id)
        _tell(kit, tx, context, "update", row)
    return row


def delete(kit: Kit, context: Context, flavor_id: str) -> None:
    """Remove a flavor; servers made with it keep what they have. :raises NotFound: there is no such flavor."""
    with kit.db.write() as tx:
        row = _row(tx, _LOCKED, flavor_id)
        tx.execute(flavor_access.delete().where(flavor_access.c.flavor_id == flavor_id))
        tx.execute(flavors.delete().where(flavors.c.id == flavor_id))
        _tell(kit, tx, context, "delete", row)


def set_specs(kit: Kit, context: Context, flavor_id: str, specs: Mapping[str, str]) -> None:
    """Add to a flavor's extra specs, replacing those of the same keys. :raises NotFound: no such flavor."""
    with kit.db.write() as tx:
        row = _row(tx, _LOCKED, flavor_id)
        _write_specs(kit, tx, context, row, {**row.extra_specs, **specs})


def spec(row: Row, key: str) -> str:
    """One extra spec of a flavor. :raises NotFound: the flavor has none of this key."""
    if key not in row.extra_specs:
        raise NotFound(f"Flavor {row.id} has no extra specs with key {key}.")
    return str(row.extra_specs[key])


def delete_spec(kit: Kit, context: Context, flavor_id: str, key: str) -> None:
    """Remove one extra spec. :raises NotFound: there is no such flavor, or it has none of this key."""
    with kit.db.write() as tx:
        row = _row(tx, _LOCKED, flavor_id)
        spec(row, key)
        _write_specs(kit, tx, context, row, {name: value for name, value in row.extra_specs.items() if name != key})


def _write_specs(kit: Kit, tx: Transaction, context: Context, row: Row, specs: Mapping[str, str]) -> None:
    tx.update(flavors, row.id, extra_specs=specs, updated_at=kit.clock.now())
    _tell(kit, tx, context, "update", _row(tx, _ANY, row.id))


def projects(kit: Kit, context: Context, flavor_id: str) -> list[str]:
    """The projects that may use a private flavor. :raises NotFound: no such flavor, or it is public."""
    row = find(kit, context, flavor_id)
    if row.public:
        raise NotFound("Access list not available for public flavors.")
    with kit.db.read() as tx:
        return tx.values(_ACCESS, {"flavor_id": flavor_id})


def allow(kit: Kit, context: Context, flavor_id: str, project_id: str, public_too: bool) -> list[str]:
    """Let a project use a flavor and return all that may; ``public_too`` takes public ones as well.

    :raises BadRequest: there is no such project. :raises AlreadyExists: it may already.
    :raises Conflict: the flavor is public. :raises NotFound: there is no such flavor.
    """
    quotas.see_project(kit, context, project_id)
    with kit.db.write() as tx:
        row = _row(tx, _LOCKED, flavor_id)
        if row.public and not public_too:
            raise Conflict("Can not add access to a public flavor.")
        if project_id in tx.values(_ACCESS, {"flavor_id": flavor_id}):
            raise AlreadyExists(f"Flavor access already exists for flavor {flavor_id} and project {project_id} "
                                "combination.")
        tx.insert(flavor_access, {"flavor_id": flavor_id, "project_id": project_id})
        _tell(kit, tx, context, "update", row)
        return tx.values(_ACCESS, {"flavor_id": flavor_id})


def forbid(kit: Kit, context: Context, flavor_id: str, project_id: str) -> list[str]:
    """Let a project no longer use a flavor and return all that still may.

    :raises BadRequest: there is no such project. :raises NotFound: no such flavor, or the project may not use it.
    """
    quotas.see_project(kit, context, project_id)
    with kit.db.write() as tx:
        row = _row(tx, _LOCKED, flavor_id)
        gone = tx.execute(flavor_access.delete().where(flavor_access.c.flavor_id == flavor_id,
                                                       flavor_access.c.project_id == project_id))
        if not gone:
            raise NotFound(f"Flavor access not found for {flavor_id} / {project_id} combination.")
        _tell(kit, tx, context, "update", row)
        return tx.values(_ACCESS, {"flavor_id": flavor_id})


def _tell(kit: Kit, tx: Transaction, context: Context, verb: str, row: Row) -> None:
    kit.events.emit(tx, context, f"flavor.{verb}", "FlavorPayload", {
        "flavorid": row.id, "name": row.name, "memory_mb": row.memory_mib, "vcpus": row.vcpus,
        "root_gb": row.root_gib, "ephemeral_gb": row.ephemeral_gib, "swap": row.swap_mib,
        "rxtx_factor": row.rxtx_factor, "disabled": row.disabled, "is_public": row.public,
        "extra_specs": row.extra_specs, "description": row.description,
        "projects": tx.values(_ACCESS, {"flavor_id": row.id})}, version="1.4")


def bootstrap(kit: Kit, context: Context) -> None:
    """Make the customary flavors in a cloud that has none."""
    with kit.db.write() as tx:
        if tx.value(sa.select(flavors.c.id).limit(1)) is not None:
            return
        for id, name, vcpus, memory_mib, root_gib in CUSTOMARY:
            create(kit, context, NewFlavor(id=id, name=name, vcpus=vcpus, memory_mib=memory_mib, root_gib=root_gib))
