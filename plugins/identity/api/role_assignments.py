"""The list of role assignments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.errors import BadRequest, Forbidden, NotFound
from ....core.http.call import Call
from ....core.http.table import Operation, Query
from ..assignment_lists import Wanted
from ..assignments import SYSTEM, Assignment
from ..service import Identity
from .lists import PAGING, answer, flag, page_size

INHERITED = "scope.OS-INHERIT:inherited_to"
QUERY = Query({"user.id": "text", "group.id": "text", "role.id": "text", "scope.project.id": "text",
               "scope.domain.id": "text", "scope.system": "text", INHERITED: "text", "effective": "text",
               "include_names": "text", "include_subtree": "text", **PAGING})


def _asked(call: Call, name: str) -> bool:
    """Whether a flag is set; one without a value is."""
    return name in call.query and flag(call.one(name))


def _wanted(call: Call) -> Wanted:
    scopes = [(kind, call.one(name)) for kind, name in (("project", "scope.project.id"), ("domain", "scope.domain.id"),
                                                        (SYSTEM, "scope.system")) if call.one(name)]
    if len(scopes) > 1:
        raise BadRequest("Specify a domain, a project or the system, not several.")
    if call.one("user.id") and call.one("group.id"):
        raise BadRequest("Specify a user or group, not both.")
    kind, target = scopes[0] if scopes else ("", "")
    if call.one(INHERITED) not in ("", "projects"):
        raise BadRequest(f"{INHERITED} must be 'projects'.")
    if _asked(call, "include_subtree") and kind != "project":
        raise BadRequest("scope.project.id must be specified if include_subtree is also specified.")
    return Wanted(user_id=call.one("user.id"), group_id=call.one("group.id"), role_id=call.one("role.id"),
                  target_kind=kind, target_id=SYSTEM if kind == SYSTEM else target,
                  inherited=bool(call.one(INHERITED)), include_subtree=_asked(call, "include_subtree"),
                  own_domain=call.context.domain_id)


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List assignments, as they were made or as they are in force."""
    wanted = _wanted(call)
    lists, limit, marker = service.assignment_lists, page_size(service, call), call.one("marker")
    if _asked(call, "effective"):
        if wanted.group_id:
            raise BadRequest("Combining effective and group filter will always result in an empty list.")
        if wanted.inherited and wanted.target_kind == "domain":
            raise BadRequest("Combining effective, domain and inherited filters will always result in an empty list.")
        part = lists.effective(wanted, limit, marker)
    else:
        part = lists.made(wanted, limit, marker)
    names = Names(service, part.found) if _asked(call, "include_names") else None
    return answer(service, call, "role_assignments", [view(call, one, names) for one in part.found], part.marker)


class Names:
    """The names behind the ids of assignments, in a constant number of queries."""

    def __init__(self, service: Identity, found: Sequence[Assignment]) -> None:
        backend = service.store.backend
        self._users = backend.users_by_id([one.actor_id for one in found if one.actor_kind == "user"])
        self._groups = backend.groups_by_id([one.actor_id for one in found if one.actor_kind == "group"])
        self._roles = service.roles.by_id([one.role_id for one in found])
        projects = service.projects.by_id([one.target_id for one in found if one.target_kind != SYSTEM])
        owners: list[Any] = [*self._users.values(), *self._groups.values(), *projects.values(), *self._roles.values()]
        domains = service.projects.by_id([owner.domain_id for owner in owners if owner.domain_id])
        self._projects = {**projects, **domains}

    def role(self, id: str) -> dict[str, Any]:
        """A role with its name."""
        row = self._roles.get(id)
        if row is None:
            return _gone(id)
        domain = {"domain": self._domain(row.domain_id)} if row.domain_id else {}
        return {"id": id, "name": row.name, **domain}

    def actor(self, kind: str, id: str) -> dict[str, Any]:
        """A user or group with its name and domain."""
        known = self._users.get(id) if kind == "user" else self._groups.get(id)
        if known is None:
            return {**_gone(id), "domain": {"id": "", "name": ""}}
        return {"id": id, "name": known.name, "domain": self._domain(known.domain_id)}

    def target(self, kind: str, id: str) -> dict[str, Any]:
        """A project with its name and domain, or a domain with its name."""
        row = self._projects.get(id)
        if row is None:
            return _gone(id)
        return {"id": id, "name": row.name, **({"domain": self._domain(row.domain_id)} if kind == "project"
                                              and row.domain_id else {})}

    def _domain(self, id: str) -> dict[str, Any]:
        row = self._projects.get(id)
        return {"id": id, "name": "" if row is None else row.name}


def _gone(id: str) -> dict[str, Any]:
    """What went away between the list and its names, or is in a directory that forgot it."""
    return {"id": id, "name": ""}


def view(call: Call, one: Assignment, names: Names | None) -> dict[str, Any]:
    """An assignment as the API shows it."""
    scope: dict[str, Any]
    if one.target_kind == SYSTEM:
        scope = {"system": {"all": True}}
    else:
        scope = {one.target_kind: names.target(one.target_kind, one.target_id) if names else {"id": one.target_id}}
    if one.inherited:
        scope["OS-INHERIT:inherited_to"] = "projects"
    return {"role": names.role(one.role_id) if names else {"id": one.role_id},
            one.actor_kind: names.actor(one.actor_kind, one.actor_id) if names else {"id": one.actor_id},
            "scope": scope, "links": _links(call, one)}


def _links(call: Call, one: Assignment) -> dict[str, str]:
    actor = f"groups/{one.group_id}" if one.group_id else f"{one.actor_kind}s/{one.actor_id}"
    kind, target = (one.source_kind, one.source_id) if one.source_id else (one.target_kind, one.target_id)
    place = SYSTEM if kind == SYSTEM else f"{kind}s/{target}"
    path = f"/{place}/{actor}/roles/{one.prior_role_id or one.role_id}"
    if one.inherited:
        path = f"/OS-INHERIT{path}/inherited_to_projects"
    links = {"assignment": call.address("/v3" + path)}
    if one.group_id:
        links["membership"] = call.address(f"/v3/groups/{one.group_id}/users/{one.actor_id}")
    if one.prior_role_id:
        links["prior_role"] = call.address(f"/v3/roles/{one.prior_role_id}/implies/{one.role_id}")
    return links


def of_list(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rule: with ``include_subtree`` the project at the root, else the caller's domain.

    :raises Forbidden: there is no such project, which who may not see it shall not learn.
    """
    if not _asked(call, "include_subtree"):
        return {"target.domain_id": call.context.domain_id}
    project_id = call.one("scope.project.id")
    if not project_id:
        raise BadRequest("scope.project.id must be specified if include_subtree is also specified.")
    try:
        row = service.projects.find(project_id)
    except NotFound as exc:
        raise Forbidden() from exc
    domain_id = row.domain_id or None
    return {"target.domain_id": domain_id, "target.project.id": row.id, "target.project.domain_id": domain_id,
            "project_id": row.id}


def _rule(service: Identity, call: Call) -> str:
    tree = _asked(call, "include_subtree")
    return "identity:list_role_assignments_for_tree" if tree else "identity:list_role_assignments"


OPERATIONS = (
    Operation("GET", "/role_assignments", index, "identity:list_role_assignments", target=of_list, query=QUERY,
              rule_of=_rule, summary="List role assignments"),
)
