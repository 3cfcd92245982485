"""Limits: what is registered as usual for all, and what single projects and domains have instead.

Identity keeps the numbers; services count what is used. The model says how the limits of a domain and of its
projects belong together: ``flat`` not at all, ``strict_two_level`` that no project may have more than its domain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.db.paging import Page, paged
from ...core.errors import AlreadyExists, BadRequest, Forbidden, NotFound
from .projects import Projects
from .store import Store, found, in_batches
from .tables import limits, projects, regions, registered_limits, services

FLAT, STRICT = "flat", "strict_two_level"
MODELS = {
    FLAT: "Limits of a project or domain stand for themselves, whatever is above or below it.",
    STRICT: "Domains are above projects: no project may have a larger limit than its domain, and there are no "
            "projects below projects.",
}
WHAT = ("service_id", "region_id", "resource_name")
REGISTERED = sa.select(registered_limits).where(registered_limits.c.id == sa.bindparam("id"))
REGISTERED_AS = sa.select(registered_limits).where(
    *(registered_limits.c[name] == sa.bindparam(name) for name in WHAT))
LOCKED = REGISTERED.with_for_update()
"""Whoever changes a registered limit, or limits that refer to it, has it alone."""
LOCKED_AS = REGISTERED_AS.with_for_update()
JOINED = (sa.select(limits, *(registered_limits.c[name] for name in WHAT), projects.c.domain_id.label("of_domain"))
          .join(registered_limits, limits.c.registered_limit_id == registered_limits.c.id)
          .join(projects, projects.c.id == limits.c.project_id, isouter=True))
LIMIT = JOINED.where(limits.c.id == sa.bindparam("id"))
OF_PROJECTS = JOINED.where(limits.c.project_id.in_(sa.bindparam("ids", expanding=True))).order_by(limits.c.id)
SAME = sa.select(limits).where(limits.c.registered_limit_id == sa.bindparam("registered_limit_id"))
UNLIMITED = -1


class RegisteredLimits:
    """Limits that hold where nothing else is said, by service, region and name of the resource."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db

    def find(self, id: str) -> Row:
        """A registered limit. :raises NotFound: there is none."""
        with self._db.read() as tx:
            return found(tx.row(REGISTERED, {"id": id}), "registered limit", id)

    def all(self, conditions: Sequence[sa.ColumnElement[bool]], page: Page) -> Sequence[Row]:
        """Registered limits that meet ``conditions``."""
        with self._db.read() as tx:
            return tx.rows(paged(sa.select(registered_limits).where(*conditions), registered_limits, page, tx))

    def create(self, context: Context, wanted: Sequence[Mapping[str, Any]]) -> list[Row]:
        """New registered limits, all or none.

        :raises BadRequest: a service or region is unknown. :raises AlreadyExists: one is there already.
        """
        made = []
        with self._db.write() as tx:
            for values in wanted:
                self._check(tx, values, "")
                id = self._store.clock.hex_id()
                tx.insert(registered_limits, {"id": id, "region_id": "", "description": None, **values})
                self._store.emit(tx, context, "registered_limit", "created", id)
                made.append(self.find(id))
        return made

    def update(self, context: Context, id: str, values: Mapping[str, Any]) -> Row:
        """Change a registered limit.

        :raises Forbidden: limits of projects or domains refer to it.
        :raises BadRequest: a service or region is unknown.
        :raises AlreadyExists: there is another of the same service, region and resource.
        """
        with self._db.write() as tx:
            row = found(tx.row(LOCKED, {"id": id}), "registered limit", id)
            self._check_unused(tx, id)
            self._check(tx, {**{name: getattr(row, name) for name in WHAT}, **values}, id)
            if values:
                tx.update(registered_limits, id, **values)
            self._store.emit(tx, context, "registered_limit", "updated", id)
            return self.find(id)

    def delete(self, context: Context, id: str) -> None:
        """Remove a registered limit. :raises Forbidden: limits of projects or domains refer to it."""
        with self._db.write() as tx:
            found(tx.row(LOCKED, {"id": id}), "registered limit", id)
            self._check_unused(tx, id)
            tx.delete(registered_limits, id)
            self._store.emit(tx, context, "registered_limit", "deleted", id)

    def _check_unused(self, tx: Transaction, id: str) -> None:
        if tx.row(SAME, {"registered_limit_id": id}) is not None:
            raise Forbidden(f"Unable to update or delete registered limit {id} because there are project limits "
                            "associated with it.")

    def _check(self, tx: Transaction, values: Mapping[str, Any], own_id: str) -> None:
        for table, noun in ((services, "service"), (regions, "region")):
            id = values.get(f"{noun}_id")
            if id and tx.row(sa.select(table.c.id).where(table.c.id == id)) is None:
                raise BadRequest(f"Could not find {noun}: {id}.")
        row = tx.row(REGISTERED_AS, {"region_id": "", **{name: values[name] for name in WHAT if name in values}})
        if row is not None and row.id != own_id:
            raise AlreadyExists("Conflict occurred attempting to store registered_limit - Duplicate entry.")


class Limits:
    """Limits of single projects and domains in place of what is registered."""

    def __init__(self, store: Store, project_nouns: Projects) -> None:
        self._store = store
        self._db = store.db
        self._projects = project_nouns

    @property
    def model(self) -> Mapping[str, str]:
        """The name and description of the model in force."""
        name = self._store.options.limit_model
        return {"name": name, "description": MODELS[name]}

    def find(self, id: str) -> Row:
        """A limit with what its registered limit says. :raises NotFound: there is none."""
        with self._db.read() as tx:
            return found(tx.row(LIMIT, {"id": id}), "limit", id)

    def all(self, conditions: Sequence[sa.ColumnElement[bool]], page: Page) -> Sequence[Row]:
        """Limits that meet ``conditions``."""
        with self._db.read() as tx:
            return tx.rows(paged(JOINED.where(*conditions), limits, page, tx))

    def of_projects(self, project_ids: Sequence[str]) -> dict[str, list[Row]]:
        """The limits of each project that has some."""
        by_project: dict[str, list[Row]] = {}
        with self._db.read() as tx:
            for row in in_batches(tx, OF_PROJECTS, project_ids):
                by_project.setdefault(row.project_id, []).append(row)
        return by_project

    def create(self, context: Context, wanted: Sequence[Mapping[str, Any]]) -> list[Row]:
        """New limits, all or none.

        :raises BadRequest: a project or domain is unknown. :raises Forbidden: nothing of the kind is registered, or
            the model forbids the number. :raises AlreadyExists: one is there already.
        """
        made = []
        with self._db.write() as tx:
            for values in wanted:
                registered = self._registered(tx, values)
                row = {"id": self._store.clock.hex_id(), "registered_limit_id": registered.id, "project_id": "",
                       "domain_id": "", "description": None,
                       **{name: value for name, value in values.items() if name not in WHAT}}
                self._know(row)
                tx.insert(limits, row)
                made.append(row["id"])
                self._store.emit(tx, context, "limit", "created", row["id"])
            self._check_model(tx, made)
            return [self.find(id) for id in made]

    def update(self, context: Context, id: str, values: Mapping[str, Any]) -> Row:
        """Change a limit's number or description. :raises Forbidden: the model forbids the number."""
        with self._db.write() as tx:
            tx.row(LOCKED, {"id": self.find(id).registered_limit_id})
            if values:
                tx.update(limits, id, **values)
            self._check_model(tx, [id])
            self._store.emit(tx, context, "limit", "updated", id)
            return self.find(id)

    def delete(self, context: Context, id: str) -> None:
        """Remove a limit: what is registered holds again."""
        with self._db.write() as tx:
            self.find(id)
            tx.delete(limits, id)
            self._store.emit(tx, context, "limit", "deleted", id)

    def _registered(self, tx: Transaction, values: Mapping[str, Any]) -> Row:
        key = {name: values.get(name) or "" for name in WHAT}
        row = tx.row(LOCKED_AS, key)
        if row is None:
            raise Forbidden("Unable to create a limit that has no corresponding registered limit.")
        taken = tx.row(SAME.where(limits.c.project_id == values.get("project_id", ""),
                                  limits.c.domain_id == values.get("domain_id", "")), {"registered_limit_id": row.id})
        if taken is not None:
            raise AlreadyExists("Conflict occurred attempting to store limit - Duplicate entry.")
        return row

    def _know(self, row: Mapping[str, Any]) -> None:
        try:
            if row["domain_id"]:
                self._projects.find_domain(row["domain_id"])
            elif self._projects.find(row["project_id"]).is_domain:
                raise NotFound(f"Could not find project: {row['project_id']}.")
        except NotFound as exc:
            raise BadRequest(exc.message) from exc

    # The strict model.

    def _check_model(self, tx: Transaction, ids: Sequence[str]) -> None:
        if self._store.options.limit_model != STRICT:
            return
        for id in ids:
            row = self.find(id)
            registered = tx.row(REGISTERED, {"id": row.registered_limit_id})
            for project_limit, domain_limit in self._pairs(tx, row, 0 if registered is None
                                                           else registered.default_limit):
                if _exceeds(project_limit, domain_limit):
                    raise Forbidden(f"Invalid resource limit: {row.resource_name} of {project_limit} for a project "
                                    f"exceeds the {domain_limit} of its domain.")

    def _pairs(self, tx: Transaction, row: Row, default: int) -> Iterator[tuple[int, int]]:
        """The limit of each project concerned, with its domain's."""
        others = tx.rows(SAME, {"registered_limit_id": row.registered_limit_id})
        if row.project_id:
            above = next((one.resource_limit for one in others if one.domain_id == row.of_domain), default)
            yield row.resource_limit, above
            return
        inside = set(tx.values(sa.select(projects.c.id).where(
            projects.c.domain_id == row.domain_id,
            projects.c.id.in_([one.project_id for one in others if one.project_id]))))
        for one in others:
            if one.project_id in inside:
                yield one.resource_limit, row.resource_limit


def _exceeds(limit: int, above: int) -> bool:
    if above == UNLIMITED:
        return False
    return limit == UNLIMITED or limit > above
