"""Assignments one by one: a role of a user or group on a project, a domain or the system."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.table import Handler, Operation
from ..assignments import SYSTEM, Assignment
from ..service import Identity
from .lists import answer
from .roles import view as role_view


def _assignment(call: Call, inherited: bool) -> Assignment:
    """The assignment that a path names."""
    path = call.path
    actor_kind = "user" if "user_id" in path else "group"
    target_kind = "project" if "project_id" in path else "domain" if "domain_id" in path else SYSTEM
    return Assignment(actor_kind=actor_kind, actor_id=path[f"{actor_kind}_id"], target_kind=target_kind,
                      target_id=path.get(f"{target_kind}_id", SYSTEM), role_id=path.get("role_id", ""),
                      inherited=inherited)


def _target(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on assignments: role, actor and target, as far as they exist."""
    one = _assignment(call, False)
    target: dict[str, Any] = {}
    try:
        actor = service.users.find(one.actor_id) if one.actor_kind == "user" else service.groups.find(one.actor_id)
        target |= {f"target.{one.actor_kind}.id": actor.id, f"target.{one.actor_kind}.domain_id": actor.domain_id}
        if one.target_kind != SYSTEM:
            row = service.projects.find(one.target_id)
            target |= {f"target.{one.target_kind}.id": row.id,
                       f"target.{one.target_kind}.domain_id": row.domain_id or None}
        if one.role_id:
            role = service.roles.find(one.role_id)
            target |= {"target.role.id": role.id, "target.role.name": role.name,
                       "target.role.domain_id": role.domain_id or None}
    except NotFound:
        return target
    return target


def _grant(inherited: bool) -> Handler:
    def grant(service: Identity, call: Call) -> None:
        service.assignments.grant(call.context, _assignment(call, inherited))
    return grant


def _check(inherited: bool) -> Handler:
    def check(service: Identity, call: Call) -> None:
        service.assignments.check(_assignment(call, inherited))
    return check


def _withdraw(inherited: bool) -> Handler:
    def withdraw(service: Identity, call: Call) -> None:
        service.assignments.withdraw(call.context, _assignment(call, inherited))
    return withdraw


def _index(inherited: bool) -> Handler:
    def index(service: Identity, call: Call) -> Mapping[str, Any]:
        ids = service.assignments.role_ids_on(_assignment(call, inherited))
        rows = service.roles.by_id(ids)
        return answer(service, call, "roles", [role_view(call, rows[id]) for id in ids])
    return index


KINDS: tuple[tuple[str, Callable[[bool], Handler], int, str, str], ...] = (
    ("PUT", _grant, 204, "create", "Assign a role"),
    ("GET", _check, 204, "check", "Check an assignment"),
    ("DELETE", _withdraw, 204, "revoke", "Withdraw a role"),
)


def _operations() -> Iterator[Operation]:
    """The same four operations for each kind of target and actor, inherited or not."""
    for target in ("/projects/{project_id}", "/domains/{domain_id}", "/system"):
        for actor in ("user", "group"):
            path = f"{target}/{actor}s/{{{actor}_id}}/roles"
            rules = f"_system_grant_for_{actor}" if target == "/system" else "_grant"
            yield from _four(path, path + "/{role_id}", rules, False)
            if target != "/system":
                ending = "/inherited_to_projects"
                yield from _four(f"/OS-INHERIT{path}{ending}", f"/OS-INHERIT{path}/{{role_id}}{ending}", rules, True)


def _four(many: str, one: str, rules: str, inherited: bool) -> Iterator[Operation]:
    yield Operation("GET", many, _index(inherited), f"identity:list{rules.replace('_grant', '_grants', 1)}",
                    target=_target, summary="List assigned roles")
    for method, handler, status, verb, summary in KINDS:
        yield Operation(method, one, handler(inherited), f"identity:{verb}{rules}", status=status, target=_target,
                        summary=summary)


OPERATIONS = tuple(_operations())
