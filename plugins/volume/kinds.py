"""What types of volumes and types of groups share: names by which users choose, specs, and publicity."""

from __future__ import annotations

import abc
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import AlreadyExists, BadRequest, NotFound
from ...core.process.slice import Kit

Specs = Mapping[str, str]


class Kinds(abc.ABC):
    """The rows of one table of types. A subclass says what they are called, and what else holds of them."""

    table: ClassVar[sa.Table]
    word: ClassVar[str]
    """``Volume type``, as messages call one."""
    payload: ClassVar[str]
    """The payload of its events."""
    event: ClassVar[str]
    """The first word of its events."""
    specs: ClassVar[str]
    """The column of its specs."""
    users: ClassVar[sa.Select[Any]]
    """Finds somebody of the type ``type_id``."""

    def __init__(self) -> None:
        columns = self.table.c
        self.by_id = sa.select(self.table).where(columns.id == sa.bindparam("id"))
        self.by_name = sa.select(self.table).where(columns.name == sa.bindparam("name"))
        self.all = sa.select(self.table).order_by(columns.created_at.desc(), columns.id.desc())

    # What a subclass says.

    def visible(self, tx: Transaction, context: Context, row: Row) -> bool:
        """Whether the caller may use a type."""
        return bool(row.is_public or context.is_admin)

    def allowed(self, tx: Transaction, context: Context) -> Collection[str]:
        """The private types that the caller may use all the same."""
        return ()

    def missing(self, text: str, by_name: bool) -> NotFound:
        """There is no type of this id, or name, that the caller may use."""
        return NotFound(f"{self.word} {text} could not be found.")

    def check_deletion(self, kit: Kit, tx: Transaction, row: Row) -> None:
        """See that nothing but its users keeps a type. :raises BadRequest: something does."""

    def check_specs(self, tx: Transaction, row: Row, specs: Specs) -> None:
        """See that a type may have other specs. :raises BadRequest: it may not."""

    # What all do.

    def find(self, tx: Transaction, context: Context, type_id: str) -> Row:
        """A type by id. :raises NotFound: there is none that the caller may use."""
        row = tx.row(self.by_id, {"id": type_id})
        if row is None or not self.visible(tx, context, row):
            raise self.missing(type_id, by_name=False)
        return row

    def named(self, tx: Transaction, context: Context, text: str) -> Row:
        """A type by id or name. :raises NotFound: there is none that the caller may use."""
        row = tx.row(self.by_name, {"name": text}) or tx.row(self.by_id, {"id": text})
        if row is None or not self.visible(tx, context, row):
            raise self.missing(text, by_name=True)
        return row

    def listed(self, kit: Kit, context: Context, public: bool | None) -> Sequence[Row]:
        """The types that the caller may use; ``public`` filters for administrators."""
        with kit.db.read() as tx:
            rows = tx.rows(self.all)
            if not context.is_admin:
                allowed = self.allowed(tx, context)
                return [row for row in rows if row.is_public or row.id in allowed]
        return rows if public is None else [row for row in rows if row.is_public == public]

    def is_used(self, tx: Transaction, type_id: str) -> bool:
        """Tell whether somebody is of a type."""
        return tx.row(self.users, {"type_id": type_id}) is not None

    def create(self, kit: Kit, context: Context, name: str, description: str | None, is_public: bool,
               specs: Specs) -> Row:
        """Make a type. :raises AlreadyExists: the name is taken."""
        self._see_named(name)
        type_id = kit.clock.uuid()
        try:
            with kit.db.write() as tx:
                self._insert(kit, tx, type_id, name.strip(), description, is_public, specs)
                made = self.find(tx, context, type_id)
                self.tell(kit, tx, context, f"{self.event}.create", made)
                return made
        except AlreadyExists as exc:
            raise self._taken(name) from exc

    def update(self, kit: Kit, context: Context, type_id: str, changes: Mapping[str, Any]) -> Row:
        """Change name, description or publicity. :raises AlreadyExists: the name is taken."""
        if "name" in changes:
            self._see_named(changes["name"] or "")
        try:
            with kit.db.write() as tx:
                self.find(tx, context, type_id)
                if changes:
                    tx.update(self.table, type_id, **changes)
                changed = self.find(tx, context, type_id)
                self.tell(kit, tx, context, f"{self.event}.update", changed)
                return changed
        except AlreadyExists as exc:
            raise self._taken(changes.get("name")) from exc

    def delete(self, kit: Kit, context: Context, type_id: str) -> None:
        """Delete a type. :raises BadRequest: somebody is of it, or it is needed otherwise."""
        with kit.db.write() as tx:
            row = self.find(tx, context, type_id)
            if self.is_used(tx, type_id):
                raise BadRequest(f"Target {self.word.lower()} is still in use.")
            self.check_deletion(kit, tx, row)
            tx.delete(self.table, type_id)
            self.tell(kit, tx, context, f"{self.event}.delete", row)

    def set_specs(self, kit: Kit, context: Context, type_id: str, specs: Specs) -> None:
        """Add or replace specs. :raises BadRequest: the type may not have them now."""
        with kit.db.write() as tx:
            row = self.find(tx, context, type_id)
            self._write_specs(tx, row, {**self._specs(row), **specs})
            self.tell(kit, tx, context, f"{self.event}_{self.specs}.create", row, specs=dict(specs))

    def drop_spec(self, kit: Kit, context: Context, type_id: str, key: str) -> None:
        """Remove a spec. :raises NotFound: there is none of this key."""
        with kit.db.write() as tx:
            row = self.find(tx, context, type_id)
            if key not in self._specs(row):
                raise NotFound(f"{self.word.title()} {type_id} has no {self.specs.replace('_', ' ')} with key {key}.")
            self._write_specs(tx, row, {name: value for name, value in self._specs(row).items() if name != key})
            self.tell(kit, tx, context, f"{self.event}_{self.specs}.delete", row, key=key)

    def seed(self, kit: Kit, name: str, description: str, specs: Specs) -> None:
        """Make a public type that everybody counts on; nothing if it is there."""
        with kit.db.write() as tx:
            if tx.row(self.by_name, {"name": name}) is None:
                self._insert(kit, tx, kit.clock.uuid(), name, description, True, specs)

    def tell(self, kit: Kit, tx: Transaction, context: Context, event: str, row: Row, **more: Any) -> None:
        """Write the event of what happened to a type."""
        kit.events.emit(tx, context, event, self.payload, {
            "id": row.id, "name": row.name, "is_public": bool(row.is_public), **more})

    def _insert(self, kit: Kit, tx: Transaction, type_id: str, name: str, description: str | None, is_public: bool,
                specs: Specs) -> None:
        tx.insert(self.table, {"id": type_id, "name": name, "description": description, "is_public": is_public,
                               self.specs: dict(specs), "created_at": kit.clock.now()})

    def _specs(self, row: Row) -> Specs:
        found: Specs = getattr(row, self.specs)
        return found

    def _write_specs(self, tx: Transaction, row: Row, specs: Specs) -> None:
        self.check_specs(tx, row, specs)
        tx.update(self.table, row.id, **{self.specs: dict(specs)})

    def _see_named(self, name: str) -> None:
        if not name.strip():
            raise BadRequest(f"{self.word} name can not be empty.")

    def _taken(self, name: str | None) -> AlreadyExists:
        return AlreadyExists(f"{self.word.title()} {name} already exists.")
