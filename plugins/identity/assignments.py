"""Assignments: who has which role on what, and what follows from groups, parents and implied roles."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row
from ...core.drivers.revocation import ALL
from ...core.errors import AlreadyExists, BadRequest, Forbidden, NotFound
from . import departures
from .memberships import groups_of
from .projects import Projects
from .roles import Roles
from .store import Store
from .tables import assignments, projects

SYSTEM = "system"
RACES = 8
"""How often others may make and take back an assignment while it is made."""
OF_ACTORS = sa.select(assignments).where(assignments.c.actor_id.in_(sa.bindparam("ids", expanding=True)))
ON_TARGETS = sa.select(assignments).where(assignments.c.target_id.in_(sa.bindparam("ids", expanding=True)))


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """One assignment. Kinds are ``user`` or ``group``, and ``project``, ``domain`` or ``system``.

    An inherited one is held on the projects below its target, not on the target itself. What is only
    in force by way of others says so: ``group_id`` through which a user has it, ``prior_role_id`` that
    implies it, ``source_id`` of the project or domain (``source_kind``) it is inherited from.
    """

    actor_kind: str
    actor_id: str
    target_kind: str
    target_id: str
    role_id: str
    inherited: bool = False
    group_id: str = ""
    prior_role_id: str = ""
    source_kind: str = ""
    source_id: str = ""


class Lent(msgspec.Struct, frozen=True):
    """All roles that the lender has, implied ones and those of domains too, and ids and names of those lent."""

    held: frozenset[str]
    roles: list[tuple[str, str]]


class Assignments:
    """Role assignments of users and groups on projects, domains and the system."""

    def __init__(self, store: Store, project_nouns: Projects, role_nouns: Roles) -> None:
        self._store = store
        self._db = store.db
        self._projects = project_nouns
        self._roles = role_nouns

    # Single assignments.

    def check(self, assignment: Assignment) -> None:
        """See that an assignment is there. :raises NotFound: it is not, or what it names is unknown."""
        self._know(assignment)
        with self._db.read() as tx:
            if tx.row(sa.select(assignments.c.role_id).where(*_exactly(assignment))) is None:
                raise NotFound(f"Could not find role assignment with role: {assignment.role_id}, "
                               f"{assignment.actor_kind}: {assignment.actor_id}, "
                               f"{assignment.target_kind}: {assignment.target_id}.")

    def grant(self, context: Context, assignment: Assignment) -> None:
        """Make an assignment; nothing when it is there.

        :raises NotFound: what it names is unknown. :raises Forbidden: a role of one domain, in another.
        :raises BadRequest: a role of a domain, on the system.
        """
        for _ in range(RACES):
            # Another process made it at the same moment, and it may be gone again.
            with contextlib.suppress(AlreadyExists):
                return self._make(context, assignment)
        self._make(context, assignment)

    def _make(self, context: Context, assignment: Assignment) -> None:
        with self._db.write() as tx:
            self._know(assignment)
            self._check_role(assignment)
            if tx.row(sa.select(assignments.c.role_id).where(*_exactly(assignment))) is not None:
                return
            tx.insert(assignments, {column.name: getattr(assignment, column.name) for column in assignments.c})
            self._store.revision.bump(tx, _concerned(assignment))
            self._store.emit(tx, context, "role_assignment", "created", assignment.role_id, **_facts(assignment))

    def withdraw(self, context: Context, assignment: Assignment) -> None:
        """Take an assignment back. :raises NotFound: it is not there."""
        with self._db.write() as tx:
            if tx.execute(assignments.delete().where(*_exactly(assignment))) == 0:
                self.check(assignment)
            if assignment.actor_kind == "user" and assignment.target_kind == "project":
                departures.role_lost(tx, assignment.actor_id, assignment.target_id)
            self._store.revision.bump(tx, _concerned(assignment))
            self._store.emit(tx, context, "role_assignment", "deleted", assignment.role_id, **_facts(assignment))

    def forget_actor(self, actor_id: str, changed: Sequence[str] = ALL) -> None:
        """Remove all assignments of a user or group that goes away; ``changed`` are those whose tokens may change."""
        with self._db.write() as tx:
            tx.execute(assignments.delete().where(assignments.c.actor_id == actor_id))
            self._store.revision.bump(tx, changed)

    def _know(self, assignment: Assignment) -> None:
        if assignment.role_id:
            self._roles.find(assignment.role_id)
        if assignment.actor_kind == "user":
            self._store.backend.user(assignment.actor_id)
        else:
            self._store.backend.group(assignment.actor_id)
        if assignment.target_kind == "project":
            self._projects.find(assignment.target_id)
        elif assignment.target_kind == "domain":
            self._projects.find_domain(assignment.target_id)

    def _check_role(self, assignment: Assignment) -> None:
        """See that a role of a domain is given within that domain."""
        owner = self._roles.find(assignment.role_id).domain_id
        if not owner:
            return
        if assignment.target_kind == SYSTEM:
            raise BadRequest(f"Role {assignment.role_id} is a domain-specific role. Unable to use a domain-specific "
                             "role in a system assignment.")
        row = self._projects.find(assignment.target_id)
        if owner != (row.id if row.is_domain else row.domain_id):
            raise Forbidden(f"{assignment.target_kind.title()} {row.id} must be in the same domain as the role "
                            f"{assignment.role_id} being assigned.")

    def role_ids_on(self, assignment: Assignment) -> list[str]:
        """Roles directly assigned as ``assignment`` says but for the role. :raises NotFound: a thing is unknown."""
        self._know(assignment)
        with self._db.read() as tx:
            return tx.values(sa.select(assignments.c.role_id).where(*_exactly(assignment)))

    # What a user has.

    def held(self, user_id: str) -> Sequence[Row]:
        """All assignments of a user and of its groups."""
        actors = [user_id, *groups_of(self._store, user_id)]
        with self._db.read() as tx:
            rows = tx.rows(OF_ACTORS, {"ids": actors})
        # A group that has a user's id is not that user.
        return [row for row in rows if row.actor_kind == ("user" if row.actor_id == user_id else "group")]

    def roles_of(self, user_id: str, target_kind: str, target: Row | None) -> list[tuple[str, str]]:
        """Ids and names of the roles a user has on a project, a domain or the system, implied ones too."""
        return self._roles.graph().expand(self._direct(user_id, target_kind, target))

    def lent_by(self, user_id: str, project: Row | None, role_ids: Iterable[str]) -> Lent:
        """What comes of lending ``role_ids`` of a user's roles on a project."""
        graph = self._roles.graph()
        held = graph.closure(self._direct(user_id, "project", project))
        return Lent(held, graph.expand(graph.closure(role_ids) & held))

    def _direct(self, user_id: str, target_kind: str, target: Row | None) -> set[str]:
        held = self.held(user_id)
        if target is None:
            direct = {row.role_id for row in held if row.target_kind == SYSTEM}
        elif target_kind == "domain":
            direct = {row.role_id for row in held
                      if row.target_kind == "domain" and row.target_id == target.id and not row.inherited}
        else:
            above = {one.id for one in self._projects.parents(target)} | {target.domain_id, target.parent_id}
            direct = {row.role_id for row in held if row.target_kind != SYSTEM
                      and (row.target_id == target.id and row.target_kind == "project" and not row.inherited
                           or row.target_id in above and row.inherited)}
        return direct

    def project_ids_of(self, user_id: str) -> set[str]:
        """Projects on which a user has a role, also by inheritance."""
        held = self.held(user_id)
        found = {row.target_id for row in held if row.target_kind == "project" and not row.inherited}
        for row in held:
            if row.inherited:
                found.update(self._below(row.target_kind, row.target_id))
        return found

    def domain_ids_of(self, user_id: str) -> set[str]:
        """Domains on which a user has a role."""
        return {row.target_id for row in self.held(user_id) if row.target_kind == "domain" and not row.inherited}

    def _below(self, target_kind: str, target_id: str) -> list[str]:
        if target_kind == "domain":
            with self._db.read() as tx:
                return tx.values(sa.select(projects.c.id).where(projects.c.domain_id == target_id))
        return [row.id for row in self._projects.subtree(target_id)]


def _exactly(one: Assignment) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [
        assignments.c.actor_id == one.actor_id, assignments.c.actor_kind == one.actor_kind,
        assignments.c.target_id == one.target_id, assignments.c.target_kind == one.target_kind,
        assignments.c.inherited.is_(one.inherited)]
    return [*conditions, assignments.c.role_id == one.role_id] if one.role_id else conditions


def as_assignment(row: Row) -> Assignment:
    """A row as what it stands for."""
    return Assignment(actor_kind=row.actor_kind, actor_id=row.actor_id, target_kind=row.target_kind,
                      target_id=row.target_id, role_id=row.role_id, inherited=row.inherited)


def _concerned(assignment: Assignment) -> Sequence[str]:
    """Whose tokens an assignment may change: its user's, or for a group's those of its target and of all below."""
    if assignment.actor_kind == "user":
        return (f"user:{assignment.actor_id}",)
    if assignment.inherited or assignment.target_kind == SYSTEM:
        return ALL
    return (f"{assignment.target_kind}:{assignment.target_id}",)


def _facts(one: Assignment) -> dict[str, object]:
    return {one.actor_kind: one.actor_id, one.target_kind: one.target_id, "inherited": one.inherited}
