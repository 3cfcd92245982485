"""Lists of assignments, as they were made or as they are in force, a page at a time.

A page costs a constant number of queries: the rows it begins with are read in the order of their key, and what
follows from groups, projects below and implied roles is found for all of them at once.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import sqlalchemy as sa

from ...core.db.engine import Row
from ...core.errors import BadRequest
from .assignments import SYSTEM, Assignment, as_assignment
from .memberships import groups_of
from .projects import CHILDREN, Projects
from .roles import Graph, Roles
from .store import Store, in_batches
from .tables import assignments, projects

KEY = ("actor_id", "target_id", "role_id", "inherited", "actor_kind", "target_kind")
IN_DOMAINS = (sa.select(projects.c.id, projects.c.domain_id)
              .where(projects.c.domain_id.in_(sa.bindparam("ids", expanding=True))).order_by(projects.c.id))
SMALLEST_BATCH = 100


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which assignments a list should hold; empty means any. ``own_domain`` keeps to what is on or in a domain."""

    user_id: str = ""
    group_id: str = ""
    role_id: str = ""
    target_kind: str = ""
    target_id: str = ""
    inherited: bool = False
    include_subtree: bool = False
    own_domain: str = ""


class Part(msgspec.Struct, frozen=True):
    """A page, and the marker behind it; nothing when no more can follow."""

    found: list[Assignment]
    marker: str


class Place(msgspec.Struct, array_like=True):
    """Where a page ends: at a row, of which ``given`` assignments were told already."""

    key: tuple[str, str, str, bool, str, str]
    given: int


class AssignmentLists:
    """Pages of assignments."""

    def __init__(self, store: Store, project_nouns: Projects, role_nouns: Roles) -> None:
        self._store = store
        self._db = store.db
        self._projects = project_nouns
        self._roles = role_nouns

    def made(self, wanted: Wanted, limit: int | None = None, marker: str = "") -> Part:
        """The assignments as they were made. :raises BadRequest: the marker is none."""
        place = _place(marker)
        rows = self._rows(self._as_made(wanted), limit, place.key if place else None, inclusive=False)
        full = limit is not None and len(rows) == limit
        return Part([as_assignment(row) for row in rows], _marker(rows[-1], 0) if full and rows else "")

    def effective(self, wanted: Wanted, limit: int | None = None, marker: str = "") -> Part:
        """What is in force: groups are told as their users, inherited roles on the projects that inherit
        them, and implied roles beside those that imply them. :raises BadRequest: the marker is none."""
        conditions = self._in_force(wanted)
        targets = self._targets(wanted) if wanted.target_kind == "project" else ()
        place = _place(marker)
        start: tuple[object, ...] | None = place.key if place else None
        given = place.given if place else 0
        found: list[Assignment] = []
        size = None if limit is None else max(limit, SMALLEST_BATCH)
        inclusive = True
        while True:
            rows = self._rows(conditions, size, start, inclusive)
            expansion = _Expansion(self._store, self._projects, self._roles.graph(), rows, wanted, targets)
            for row in rows:
                skipped = given if start is not None and _key(row) == start else 0
                for number, one in enumerate(expansion.of(as_assignment(row))):
                    if number < skipped:
                        continue
                    found.append(one)
                    if len(found) == limit:
                        return Part(found, _marker(row, number + 1))
            if size is None or len(rows) < size:
                return Part(found, "")
            start, given, inclusive = _key(rows[-1]), 0, False

    # Rows.

    def _rows(self, conditions: Sequence[sa.ColumnElement[bool]], limit: int | None,
              start: tuple[object, ...] | None, inclusive: bool) -> Sequence[Row]:
        statement = sa.select(assignments).where(*conditions).order_by(*(assignments.c[name] for name in KEY))
        if start is not None:
            statement = statement.where(_behind(start, inclusive))
        with self._db.read() as tx:
            return tx.rows(statement if limit is None else statement.limit(limit))

    def _as_made(self, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
        conditions = self._own(wanted)
        for name, value in (("role_id", wanted.role_id), ("target_kind", wanted.target_kind)):
            if value:
                conditions.append(assignments.c[name] == value)
        if wanted.user_id or wanted.group_id:
            kind = "user" if wanted.user_id else "group"
            conditions += [assignments.c.actor_kind == kind,
                           assignments.c.actor_id == (wanted.user_id or wanted.group_id)]
        if wanted.target_id:
            conditions.append(assignments.c.target_id.in_(self._targets(wanted)))
        if wanted.inherited:
            conditions.append(assignments.c.inherited.is_(True))
        return conditions

    def _in_force(self, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
        """The conditions of the assignments that what is wanted can follow from."""
        conditions = self._own(wanted)
        if wanted.role_id:
            implied = self._roles.graph().implied
            conditions.append(assignments.c.role_id.in_([role for role, all in implied.items()
                                                         if wanted.role_id in all]))
        if wanted.user_id:
            conditions.append(assignments.c.actor_id.in_([wanted.user_id, *groups_of(self._store, wanted.user_id)]))
        if wanted.target_kind in ("domain", SYSTEM):
            conditions += [assignments.c.target_kind == wanted.target_kind,
                           assignments.c.target_id == wanted.target_id, assignments.c.inherited.is_(False)]
        elif wanted.target_kind == "project":
            conditions.append(self._reaching(wanted))
        elif wanted.inherited:
            conditions.append(assignments.c.inherited.is_(True))
        return conditions

    def _reaching(self, wanted: Wanted) -> sa.ColumnElement[bool]:
        """On a project (and what is below it), or inherited by it from above."""
        targets = self._targets(wanted)
        row = self._projects.find(wanted.target_id)
        above = [row.domain_id, *(one.id for one in self._projects.parents(row))]
        inherited = sa.and_(assignments.c.inherited.is_(True), assignments.c.target_kind != SYSTEM,
                            assignments.c.target_id.in_([*above, *(targets if wanted.include_subtree else ())]))
        if wanted.inherited:
            return inherited
        return sa.or_(inherited, sa.and_(assignments.c.inherited.is_(False), assignments.c.target_kind == "project",
                                         assignments.c.target_id.in_(targets)))

    def _targets(self, wanted: Wanted) -> list[str]:
        below = self._projects.subtree(wanted.target_id) if wanted.include_subtree else ()
        return [wanted.target_id, *(row.id for row in below)]

    def _own(self, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
        if not wanted.own_domain:
            return []
        inside = sa.select(projects.c.id).where(projects.c.domain_id == wanted.own_domain)
        return [sa.or_(assignments.c.target_id == wanted.own_domain, assignments.c.target_id.in_(inside))]


class _Expansion:
    """What follows from a batch of assignments."""

    def __init__(self, store: Store, project_nouns: Projects, graph: Graph, rows: Sequence[Row], wanted: Wanted,
                 targets: Sequence[str]) -> None:
        self._graph = graph
        self._wanted = wanted
        self._targets = frozenset(targets)
        groups = list(dict.fromkeys(row.actor_id for row in rows if row.actor_kind == "group"))
        self._members: Mapping[str, Sequence[str]] = (
            dict.fromkeys(groups, (wanted.user_id,)) if wanted.user_id
            else store.backend.members(groups) if groups else {})
        self._below = _below(store, [row for row in rows if row.inherited])

    def of(self, one: Assignment) -> Iterator[Assignment]:
        """What is wanted of all that follows from one assignment, always in the same order."""
        for held in self._by_user(one):
            for placed in self._in_place(held):
                for role in self._with_implied(placed):
                    if not self._wanted.role_id or role.role_id == self._wanted.role_id:
                        yield role

    def _by_user(self, one: Assignment) -> Iterator[Assignment]:
        if one.actor_kind == "user":
            yield one
            return
        for user_id in self._members.get(one.actor_id, ()):
            yield msgspec.structs.replace(one, actor_kind="user", actor_id=user_id, group_id=one.actor_id)

    def _in_place(self, one: Assignment) -> Iterator[Assignment]:
        if not one.inherited:
            yield one
            return
        for project_id in self._below.get(one.target_id, ()):
            if not self._targets or project_id in self._targets:
                yield msgspec.structs.replace(one, target_kind="project", target_id=project_id,
                                              source_kind=one.target_kind, source_id=one.target_id)

    def _with_implied(self, one: Assignment) -> Iterator[Assignment]:
        graph = self._graph
        if not graph.domains.get(one.role_id):
            yield one
        for role_id in sorted(graph.implied.get(one.role_id, frozenset()) - {one.role_id}):
            if not graph.domains[role_id]:
                yield msgspec.structs.replace(one, role_id=role_id, prior_role_id=one.role_id)


def _below(store: Store, inherited: Sequence[Row]) -> dict[str, list[str]]:
    """The ids of the projects below each target of inherited assignments; one query for domains, one a level."""
    domains = [row.target_id for row in inherited if row.target_kind == "domain"]
    roots = [row.target_id for row in inherited if row.target_kind == "project"]
    below: dict[str, list[str]] = {}
    children: dict[str, list[str]] = {}
    with store.db.read() as tx:
        for row in in_batches(tx, IN_DOMAINS, domains):
            below.setdefault(row.domain_id, []).append(row.id)
        level = list(dict.fromkeys(roots))
        while level:
            children.update((id, []) for id in level)
            for row in in_batches(tx, CHILDREN, level):
                children[row.parent_id].append(row.id)
            level = [one for id in level for one in children[id] if one not in children]
    for root in roots:
        waiting = list(children.get(root, ()))
        for one in waiting:
            waiting.extend(children.get(one, ()))
        below[root] = waiting
    return below


def _key(row: Row) -> tuple[object, ...]:
    return tuple(getattr(row, name) for name in KEY)


def _marker(row: Row, given: int) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([_key(row), given])).rstrip(b"=").decode()


def _place(marker: str) -> Place | None:
    if not marker:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(marker + "=" * (-len(marker) % 4)), type=Place)
    except (ValueError, binascii.Error, msgspec.MsgspecError) as exc:
        raise BadRequest(f"The marker {marker[:100]!r} could not be found") from exc


def _behind(start: tuple[object, ...], inclusive: bool) -> sa.ColumnElement[bool]:
    """Rows at or behind a key, in the order of the key."""
    result: sa.ColumnElement[bool] = sa.true() if inclusive else sa.false()
    for name, value in reversed(list(zip(KEY, start, strict=True))):
        column = assignments.c[name]
        if isinstance(value, bool):
            beyond: sa.ColumnElement[bool] = sa.false() if value else column.is_(True)
            result = sa.or_(beyond, sa.and_(column.is_(value), result))
        else:
            result = sa.or_(column > value, sa.and_(column == value, result))
    return sa.and_(assignments.c.actor_id >= start[0], result)
