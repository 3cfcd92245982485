"""Filtered catalogs: endpoints given to projects, one by one or by groups that a filter makes."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.db.paging import Page, paged
from ...core.errors import AlreadyExists, NotFound
from .projects import Projects
from .store import Store, found
from .tables import endpoint_groups, endpoints, project_endpoint_groups, project_endpoints, projects

FILTERS = ("service_id", "region_id", "interface")
GROUP = sa.select(endpoint_groups).where(endpoint_groups.c.id == sa.bindparam("id"))
ANY = sa.union_all(sa.select(project_endpoints.c.project_id).limit(1).subquery().select(),
                   sa.select(project_endpoint_groups.c.project_id).limit(1).subquery().select())
GIVEN = sa.select(project_endpoints.c.endpoint_id).where(project_endpoints.c.project_id == sa.bindparam("project_id"))
GROUPS_OF = (sa.select(endpoint_groups)
             .join(project_endpoint_groups, project_endpoint_groups.c.endpoint_group_id == endpoint_groups.c.id)
             .where(project_endpoint_groups.c.project_id == sa.bindparam("project_id"))
             .order_by(endpoint_groups.c.id))


class Filter:
    """What of the catalog is a project's: single endpoints, and all that meet one of the groups' filters."""

    def __init__(self, endpoint_ids: Sequence[str], filters: Sequence[Mapping[str, Any]]) -> None:
        self._ids = frozenset(endpoint_ids)
        self._filters = tuple(filters)

    def passes(self, endpoint: Row) -> bool:
        """Tell whether an endpoint (a row with ``id`` and what filters name) is in."""
        return endpoint.id in self._ids or any(meets(endpoint, one) for one in self._filters)


def meets(endpoint: Row, filters: Mapping[str, Any]) -> bool:
    """Tell whether an endpoint meets the filters of a group."""
    return all(getattr(endpoint, name) == (value or "") for name, value in filters.items())


class EndpointGroups:
    """Endpoint groups, and what projects were given of the catalog."""

    def __init__(self, store: Store, project_nouns: Projects) -> None:
        self._store = store
        self._db = store.db
        self._projects = project_nouns

    # For the catalog.

    def filter_of(self, project_id: str) -> Filter | None:
        """What of the catalog is a project's, none where all of it is. Remembered until identity changes."""
        if not project_id or not self._store.memory.get("any endpoint filters", self._any):
            return None
        return self._store.memory.get(("endpoint filter", project_id), lambda: self._filter(project_id))

    def _any(self) -> bool:
        with self._db.read() as tx:
            return tx.row(ANY) is not None

    def _filter(self, project_id: str) -> Filter | None:
        with self._db.read() as tx:
            given = tx.values(GIVEN, {"project_id": project_id})
            groups = tx.rows(GROUPS_OF, {"project_id": project_id})
        return Filter(given, [row.filters for row in groups]) if given or groups else None

    # Groups.

    def find(self, group_id: str) -> Row:
        """A group. :raises NotFound: there is none."""
        with self._db.read() as tx:
            return found(tx.row(GROUP, {"id": group_id}), "endpoint group", group_id)

    def all(self, conditions: Sequence[sa.ColumnElement[bool]], page: Page) -> Sequence[Row]:
        """Groups that meet ``conditions``."""
        with self._db.read() as tx:
            return tx.rows(paged(sa.select(endpoint_groups).where(*conditions), endpoint_groups, page, tx))

    def create(self, context: Context, values: Mapping[str, Any]) -> Row:
        """A new group."""
        group_id = self._store.clock.hex_id()
        with self._db.write() as tx:
            tx.insert(endpoint_groups, {"id": group_id, "description": None, **values})
            self._changed(tx, context, "created", group_id)
            return self.find(group_id)

    def update(self, context: Context, group_id: str, values: Mapping[str, Any]) -> Row:
        """Change a group."""
        with self._db.write() as tx:
            self.find(group_id)
            if values:
                tx.update(endpoint_groups, group_id, **values)
            self._changed(tx, context, "updated", group_id)
            return self.find(group_id)

    def delete(self, context: Context, group_id: str) -> None:
        """Remove a group; projects lose what they had through it."""
        with self._db.write() as tx:
            self.find(group_id)
            tx.execute(project_endpoint_groups.delete().where(
                project_endpoint_groups.c.endpoint_group_id == group_id))
            tx.delete(endpoint_groups, group_id)
            self._changed(tx, context, "deleted", group_id)

    def endpoints_of(self, group_id: str) -> Sequence[Row]:
        """The endpoints that meet a group's filters."""
        filters = self.find(group_id).filters
        conditions = [endpoints.c[name] == (value or "") for name, value in filters.items()]
        with self._db.read() as tx:
            return tx.rows(sa.select(endpoints).where(*conditions).order_by(endpoints.c.id))

    def projects_of(self, group_id: str) -> Sequence[Row]:
        """The projects that have a group."""
        self.find(group_id)
        return self._rows(sa.select(projects)
                          .join(project_endpoint_groups, project_endpoint_groups.c.project_id == projects.c.id)
                          .where(project_endpoint_groups.c.endpoint_group_id == group_id).order_by(projects.c.id))

    def of_project(self, project_id: str) -> Sequence[Row]:
        """The groups that a project has."""
        self._projects.find(project_id)
        with self._db.read() as tx:
            return tx.rows(GROUPS_OF, {"project_id": project_id})

    # What projects have.

    def give_group(self, context: Context, group_id: str, project_id: str) -> None:
        """Give a project a group; nothing when it has it."""
        with contextlib.suppress(AlreadyExists), self._db.write() as tx:
            self.find(group_id)
            self._give(tx, project_endpoint_groups, project_id, "endpoint_group_id", group_id)
            self._changed(tx, context, "updated", group_id)

    def check_group(self, group_id: str, project_id: str) -> None:
        """See that a project has a group. :raises NotFound: it has not."""
        self.find(group_id)
        self._check(project_endpoint_groups, project_id, "endpoint_group_id", group_id)

    def take_group(self, context: Context, group_id: str, project_id: str) -> None:
        """Take a group from a project. :raises NotFound: it has it not."""
        with self._db.write() as tx:
            self.check_group(group_id, project_id)
            self._take(tx, project_endpoint_groups, project_id, "endpoint_group_id", group_id)
            self._changed(tx, context, "updated", group_id)

    def give_endpoint(self, context: Context, endpoint_id: str, project_id: str) -> None:
        """Give a project an endpoint; nothing when it has it."""
        with contextlib.suppress(AlreadyExists), self._db.write() as tx:
            self._know_endpoint(endpoint_id)
            self._give(tx, project_endpoints, project_id, "endpoint_id", endpoint_id)
            self._endpoint_changed(tx, context, endpoint_id)

    def check_endpoint(self, endpoint_id: str, project_id: str) -> None:
        """See that a project was given an endpoint. :raises NotFound: it was not."""
        self._know_endpoint(endpoint_id)
        self._check(project_endpoints, project_id, "endpoint_id", endpoint_id)

    def take_endpoint(self, context: Context, endpoint_id: str, project_id: str) -> None:
        """Take an endpoint from a project. :raises NotFound: it was not given it."""
        with self._db.write() as tx:
            self._check(project_endpoints, project_id, "endpoint_id", endpoint_id)
            self._take(tx, project_endpoints, project_id, "endpoint_id", endpoint_id)
            self._endpoint_changed(tx, context, endpoint_id)

    def endpoints_in_project(self, project_id: str) -> Sequence[Row]:
        """The endpoints that a project was given, one by one or through groups."""
        self._projects.find(project_id)
        kept = self._filter(project_id)
        rows = self._rows(sa.select(endpoints).order_by(endpoints.c.id)) if kept is not None else ()
        return [row for row in rows if kept is not None and kept.passes(row)]

    def projects_with_endpoint(self, endpoint_id: str) -> Sequence[Row]:
        """The projects that were given an endpoint."""
        self._know_endpoint(endpoint_id)
        return self._rows(sa.select(projects)
                          .join(project_endpoints, project_endpoints.c.project_id == projects.c.id)
                          .where(project_endpoints.c.endpoint_id == endpoint_id).order_by(projects.c.id))

    # Pieces.

    def _rows(self, statement: sa.Select[Any]) -> Sequence[Row]:
        with self._db.read() as tx:
            return tx.rows(statement)

    def _know_endpoint(self, endpoint_id: str) -> None:
        with self._db.read() as tx:
            found(tx.row(sa.select(endpoints.c.id).where(endpoints.c.id == endpoint_id)), "endpoint", endpoint_id)

    def _give(self, tx: Transaction, table: sa.Table, project_id: str, name: str, id: str) -> None:
        self._projects.find(project_id)
        if tx.row(sa.select(table).where(table.c.project_id == project_id, table.c[name] == id)) is None:
            tx.insert(table, {"project_id": project_id, name: id})

    def _check(self, table: sa.Table, project_id: str, name: str, id: str) -> None:
        self._projects.find(project_id)
        with self._db.read() as tx:
            if tx.row(sa.select(table).where(table.c.project_id == project_id, table.c[name] == id)) is None:
                raise NotFound(f"Project {project_id} was not given {name.removesuffix('_id').replace('_', ' ')} {id}.")

    def _take(self, tx: Transaction, table: sa.Table, project_id: str, name: str, id: str) -> None:
        tx.execute(table.delete().where(table.c.project_id == project_id, table.c[name] == id))

    def _changed(self, tx: Transaction, context: Context, verb: str, group_id: str) -> None:
        self._store.revision.bump(tx, ())
        self._store.emit(tx, context, "endpoint_group", verb, group_id)

    def _endpoint_changed(self, tx: Transaction, context: Context, endpoint_id: str) -> None:
        self._store.revision.bump(tx, ())
        self._store.emit(tx, context, "endpoint", "updated", endpoint_id)
