"""Projects and domains: one tree, whose roots are the domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.db.paging import Page, paged
from ...core.drivers.identity import Condition, Search, WritableGroups, WritableUsers
from ...core.errors import AlreadyExists, BadRequest, Forbidden, NotFound
from . import departures
from .store import Store, found, in_batches
from .tables import (
    assignments,
    credentials,
    domain_options,
    limits,
    project_endpoint_groups,
    project_endpoints,
    projects,
    roles,
    tags,
)

PROJECT = sa.select(projects).where(projects.c.id == sa.bindparam("id"))
PROJECT_NAMED = sa.select(projects).where(projects.c.domain_id == sa.bindparam("domain_id"),
                                          projects.c.name == sa.bindparam("name"))
PROJECTS_BY_ID = sa.select(projects).where(projects.c.id.in_(sa.bindparam("ids", expanding=True)))
CHILDREN = (sa.select(projects).where(projects.c.parent_id.in_(sa.bindparam("ids", expanding=True)))
            .order_by(projects.c.id))
TAGS = (sa.select(tags).where(tags.c.project_id.in_(sa.bindparam("ids", expanding=True)))
        .order_by(tags.c.project_id, tags.c.name))
FIXED = ("domain_id", "parent_id", "is_domain")
MOST_TAGS = 80


class Projects:
    """Projects and domains."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db

    # Looking.

    def find(self, project_id: str) -> Row:
        """A project, or a domain in its role as one. :raises NotFound: there is none."""
        with self._db.read() as tx:
            return found(tx.row(PROJECT, {"id": project_id}), "project", project_id)

    def find_domain(self, domain_id: str) -> Row:
        """A domain. :raises NotFound: there is none."""
        with self._db.read() as tx:
            row = tx.row(PROJECT, {"id": domain_id})
        return found(row if row is not None and row.is_domain else None, "domain", domain_id)

    def named(self, domain_id: str, name: str) -> Row:
        """A project by name; with no domain, a domain by name. :raises NotFound: there is none."""
        with self._db.read() as tx:
            return found(tx.row(PROJECT_NAMED, {"domain_id": domain_id, "name": name}),
                         "project" if domain_id else "domain", name)

    def by_id(self, project_ids: Sequence[str]) -> dict[str, Row]:
        """Those of ``project_ids`` that exist, domains too."""
        with self._db.read() as tx:
            return {row.id: row for row in in_batches(tx, PROJECTS_BY_ID, project_ids)}

    def all(self, conditions: Sequence[sa.ColumnElement[bool]], page: Page) -> Sequence[Row]:
        """Projects and domains that meet ``conditions``."""
        with self._db.read() as tx:
            return tx.rows(paged(sa.select(projects).where(*conditions), projects, page, tx))

    def tags(self, project_ids: Sequence[str]) -> dict[str, list[str]]:
        """The tags of each project that has some."""
        by_project: dict[str, list[str]] = {}
        with self._db.read() as tx:
            for row in in_batches(tx, TAGS, project_ids):
                by_project.setdefault(row.project_id, []).append(row.name)
        return by_project

    def parents(self, row: Row) -> list[Row]:
        """The projects above one, nearest first, up to the domain, which is not among them."""
        above: list[Row] = []
        while row.parent_id and row.parent_id != row.domain_id:
            row = self.find(row.parent_id)
            above.append(row)
        return above

    def subtree(self, project_id: str) -> list[Row]:
        """All projects below one, level by level."""
        below: list[Row] = []
        level = [project_id]
        with self._db.read() as tx:
            while level:
                rows = in_batches(tx, CHILDREN, level)
                below += rows
                level = [row.id for row in rows]
        return below

    # Changing.

    def create(self, context: Context, values: Mapping[str, Any], project_tags: Sequence[str] = ()) -> Row:
        """A new project, or a domain when ``is_domain`` is given.

        :raises AlreadyExists: the name is taken. :raises BadRequest: domain and parent contradict each other.
        :raises Forbidden: the tree would be too deep.
        """
        values = {"description": "", "enabled": True, "is_domain": False, "options": {}, "extra": {},
                  "domain_id": "", "parent_id": "", **values}
        project_id = values.setdefault("id", "") or self._store.clock.hex_id()
        with self._db.write() as tx:
            if not values["is_domain"]:
                values.update(self._place(values["domain_id"], values["parent_id"]))
            self._name_free(tx, values["domain_id"], values["name"], "", values["is_domain"])
            tx.insert(projects, {**values, "id": project_id})
            self._write_tags(tx, project_id, project_tags)
            # A new name may be the answer to a question that is remembered as a domain's.
            self._store.revision.bump(tx, ())
            self._emit(tx, context, values["is_domain"], "created", project_id)
            return self.find(project_id)

    def _place(self, domain_id: str, parent_id: str) -> dict[str, str]:
        """Domain and parent of a new project, each found from the other at need."""
        try:
            parent = self.find(parent_id) if parent_id else self.find_domain(domain_id)
        except NotFound as exc:
            raise NotFound(exc.message) if parent_id else BadRequest(exc.message) from exc
        of = parent.id if parent.is_domain else parent.domain_id
        if domain_id and domain_id != of:
            raise BadRequest("Invalid project hierarchy: the parent belongs to another domain.")
        if not parent.enabled:
            raise Forbidden("Cannot create project, the parent is disabled.")
        deepest = self._store.options.max_project_depth if self._store.options.limit_model == "flat" else 1
        if not parent.is_domain and len(self.parents(parent)) + 2 > deepest:
            raise Forbidden(f"Max hierarchy depth reached for {parent_id} branch.")
        return {"domain_id": of, "parent_id": parent.id}

    def update(self, context: Context, project_id: str, values: Mapping[str, Any],
               project_tags: Sequence[str] | None = None) -> Row:
        """Change a project or domain.

        :raises BadRequest: domain, parent or ``is_domain`` would change. :raises Forbidden: it is immutable, or
            what is below or above it forbids the change of ``enabled``.
        """
        with self._db.write() as tx:
            row = self.find(project_id)
            for name in FIXED:
                if name in values and (values[name] or "") != getattr(row, name):
                    raise BadRequest(f"Update of `{name}` is not allowed.")
            options = {**row.options, **values.get("options", {})}
            more = {key for key, value in values.items() if key != "options" and not (key == "extra" and not value)}
            if row.options.get("immutable") and (options.get("immutable") or more):
                raise Forbidden(f"Cannot update project {project_id}: it is immutable.")
            self._name_free(tx, row.domain_id, values.get("name", row.name), project_id, row.is_domain)
            changed = {key: value for key, value in values.items() if key not in FIXED}
            changed["options"] = {key: value for key, value in options.items() if value is not None}
            changed["extra"] = {**row.extra, **values.get("extra", {})}
            if changed.get("enabled", row.enabled) != row.enabled:
                self._switch(tx, row, changed["enabled"])
            tx.update(projects, project_id, **changed)
            if project_tags is not None:
                self._write_tags(tx, project_id, project_tags)
            self._store.revision.bump(tx, (f"{'domain' if row.is_domain else 'project'}:{project_id}",))
            self._emit(tx, context, row.is_domain, "updated", project_id)
            return self.find(project_id)

    def _switch(self, tx: Transaction, row: Row, enabled: bool) -> None:
        if enabled:
            if any(not above.enabled for above in self.parents(row)):
                raise Forbidden(f"Cannot enable project {row.id} since it has disabled parents.")
            return
        if not row.is_domain and any(below.enabled for below in self.subtree(row.id)):
            raise Forbidden(f"Cannot disable project {row.id} since its subtree contains enabled projects.")
        self._store.revoke(tx, f"{'domain' if row.is_domain else 'project'}:{row.id}")

    def switch_tree(self, context: Context, project_id: str, enabled: bool) -> Row:
        """Enable or disable a project with all below it; tokens of those that are disabled end.

        :raises Forbidden: it is a domain, one of them is immutable, or a project above is disabled.
        """
        with self._db.write():
            row = self.find(project_id)
            tree = [row, *self.subtree(project_id)]
            if row.is_domain or any(one.options.get("immutable") for one in tree):
                raise Forbidden(f"Cannot update project {project_id}: it is a domain, or one of its tree is immutable.")
            # From the leaves up when they are switched off, from the root down when on, as single switches have it.
            for one in tree if enabled else reversed(tree):
                if one.enabled != enabled:
                    self.update(context, one.id, {"enabled": enabled})
            return self.find(project_id)

    def delete(self, context: Context, project_id: str, cascade: bool = False) -> None:
        """Remove a project with its assignments, and all below it when asked to.

        :raises Forbidden: it has projects below it, or is an enabled domain, or is immutable.
        """
        with self._db.write() as tx:
            row = self.find(project_id)
            if row.is_domain:
                self.delete_domain(context, project_id)
                return
            below = self.subtree(project_id)
            if below and not cascade:
                raise Forbidden(f"Cannot delete the project {project_id} since it is not a leaf in the hierarchy.")
            if cascade and any(one.enabled for one in (row, *below)):
                raise Forbidden(f"Cannot delete the project {project_id} since its subtree contains enabled projects.")
            for one in (row, *below):
                if one.options.get("immutable"):
                    raise Forbidden(f"Cannot delete project {one.id}: it is immutable.")
            for one in (*reversed(below), row):
                self._remove(tx, one.id)
                self._emit(tx, context, False, "deleted", one.id)
            self._store.revision.bump(tx)

    def delete_domain(self, context: Context, domain_id: str) -> None:
        """Remove a disabled domain with all that is in it: users, groups, projects, roles, assignments.

        :raises Forbidden: it is enabled, or is the default domain, or is immutable.
        """
        with self._db.write() as tx:
            row = self.find_domain(domain_id)
            if domain_id == self._store.options.default_domain_id:
                raise Forbidden("Cannot delete the default domain.")
            if row.enabled:
                raise Forbidden("Cannot delete a domain that is enabled, please disable it first.")
            if row.options.get("immutable"):
                raise Forbidden(f"Cannot delete domain {domain_id}: it is immutable.")
            for one in tx.values(sa.select(projects.c.id).where(projects.c.domain_id == domain_id)):
                self._remove(tx, one)
            self._remove_people(tx, domain_id)
            for role in tx.values(sa.select(roles.c.id).where(roles.c.domain_id == domain_id)):
                tx.execute(assignments.delete().where(assignments.c.role_id == role))
                tx.delete(roles, role)
            for table in (domain_options, limits):
                tx.execute(table.delete().where(table.c.domain_id == domain_id))
            self._remove(tx, domain_id)
            self._store.revision.bump(tx)
            self._emit(tx, context, True, "deleted", domain_id)

    def _remove(self, tx: Transaction, project_id: str) -> None:
        tx.execute(assignments.delete().where(assignments.c.target_id == project_id))
        for table in (credentials, tags, project_endpoints, project_endpoint_groups, limits):
            tx.execute(table.delete().where(table.c.project_id == project_id))
        departures.project_gone(tx, project_id)
        self._default_no_more(project_id)
        tx.delete(projects, project_id)

    def _default_no_more(self, project_id: str) -> None:
        """Leave users without a default project whose default project goes away."""
        directory = self._store.backend.common
        if isinstance(directory, WritableUsers):
            search = Search(conditions=(Condition("default_project_id", "equals", project_id),))
            for user in directory.users(search):
                directory.update_user(msgspec.structs.replace(user, default_project_id=""))

    def _remove_people(self, tx: Transaction, domain_id: str) -> None:
        backend = self._store.backend
        search = Search(conditions=(Condition("domain_id", "equals", domain_id),))
        if backend.leave(tx, domain_id):
            return
        if isinstance(backend.common, WritableGroups):
            for group in backend.groups(search):
                tx.execute(assignments.delete().where(assignments.c.actor_id == group.id))
                backend.delete_group(group.id)
        if isinstance(backend.common, WritableUsers):
            for user in backend.users(search):
                tx.execute(assignments.delete().where(assignments.c.actor_id == user.id))
                departures.user_gone(tx, user.id)
                backend.delete_user(user.id)

    def set_tags(self, context: Context, project_id: str, project_tags: Sequence[str]) -> None:
        """Give a project exactly these tags. :raises BadRequest: they are too many."""
        with self._db.write() as tx:
            self.find(project_id)
            self._write_tags(tx, project_id, project_tags)
            self._emit(tx, context, False, "updated", project_id)

    def _write_tags(self, tx: Transaction, project_id: str, project_tags: Sequence[str]) -> None:
        wanted = list(dict.fromkeys(project_tags))
        if len(wanted) > MOST_TAGS:
            raise BadRequest(f"A project may have at most {MOST_TAGS} tags.")
        tx.execute(tags.delete().where(tags.c.project_id == project_id))
        tx.insert(tags, [{"project_id": project_id, "name": name} for name in wanted])

    def _name_free(self, tx: Transaction, domain_id: str, name: str, own_id: str, is_domain: bool) -> None:
        row = tx.row(PROJECT_NAMED, {"domain_id": domain_id, "name": name})
        if row is not None and row.id != own_id:
            noun = "domain" if is_domain else "project"
            raise AlreadyExists(f"Conflict occurred attempting to store {noun} - it is not permitted to have two "
                                f"{noun}s with the same name{'' if is_domain else ' in one domain'}: {name}.")

    def _emit(self, tx: Transaction, context: Context, is_domain: bool, verb: str, id: str) -> None:
        self._store.emit(tx, context, "domain" if is_domain else "project", verb, id)
