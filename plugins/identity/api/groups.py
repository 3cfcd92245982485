"""Groups and their members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.drivers.identity import Condition, Group, Search
from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from ..service import Identity
from .lists import LIST, answer, conditions, page, split
from .schemas import NAME, NULLABLE_ID, TEXT, body
from .users import domain_of, of_list, of_user
from .users import view as user_view

ATTRIBUTES = ("name", "domain_id", "description")
PROPERTIES = {"name": NAME, "domain_id": NULLABLE_ID, "description": TEXT}
CREATE = body("group", PROPERTIES, ["name"])
UPDATE = body("group", PROPERTIES, least=1)


def view(call: Call, group: Group) -> dict[str, Any]:
    """A group as the API shows it."""
    return {**group.extra, "id": group.id, "name": group.name, "domain_id": group.domain_id,
            "description": group.description, "links": {"self": call.address(f"/v3/groups/{group.id}")}}


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List groups."""
    filters = conditions(call, ("name", "domain_id"))
    if call.context.domain_id:
        filters.append(Condition("domain_id", "equals", call.context.domain_id))
    part = page(service, call)
    found = service.groups.all(Search(conditions=tuple(filters), limit=part.limit, marker=part.marker))
    return answer(service, call, "groups", [view(call, group) for group in found])


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create a group."""
    known, extra = split(call.body["group"], ATTRIBUTES)
    group = Group(id="", name=known["name"].strip(), domain_id=domain_of(service, call, known),
                  description=known.get("description") or "", extra=extra)
    return {"group": view(call, service.groups.create(call.context, group))}


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a group."""
    return {"group": view(call, service.groups.find(call.path["group_id"]))}


def update(service: Identity, call: Call) -> Mapping[str, Any]:
    """Update a group."""
    known, extra = split(call.body["group"], ATTRIBUTES)
    if "description" in known:
        known["description"] = known["description"] or ""
    return {"group": view(call, service.groups.update(call.context, call.path["group_id"], {**known, "extra": extra}))}


def delete(service: Identity, call: Call) -> None:
    """Delete a group."""
    service.groups.delete(call.context, call.path["group_id"])


def users(service: Identity, call: Call) -> Mapping[str, Any]:
    """List the members of a group."""
    filters = {one.value for one in conditions(call, ("name",))}
    found = [user for user in service.groups.users(call.path["group_id"])
             if (not filters or user.name in filters) and in_own_domain(call, user.domain_id)]
    return answer(service, call, "users", [user_view(call, user) for user in found])


def of_member(service: Identity, call: Call) -> Mapping[str, Any]:
    """List the groups of a user."""
    found = service.groups.of(call.path["user_id"])
    wanted = {one.value for one in conditions(call, ("name",))}
    return answer(service, call, "groups", [view(call, group) for group in found
                                            if (not wanted or group.name in wanted)
                                            and in_own_domain(call, group.domain_id)])


def in_own_domain(call: Call, domain_id: str) -> bool:
    """Whether the caller may see what is in a domain: with a token for a domain, what is in that one."""
    return not call.context.domain_id or call.context.domain_id == domain_id


def add(service: Identity, call: Call) -> None:
    """Put a user into a group."""
    service.groups.add(call.context, call.path["group_id"], call.path["user_id"])


def check(service: Identity, call: Call) -> None:
    """Tell whether a user is in a group."""
    service.groups.check_member(call.path["group_id"], call.path["user_id"])


def remove(service: Identity, call: Call) -> None:
    """Take a user out of a group."""
    service.groups.remove(call.context, call.path["group_id"], call.path["user_id"])


def of_group(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on one group, and on a user of it."""
    target: dict[str, Any] = {}
    try:
        group = service.groups.find(call.path["group_id"])
        target = {"target.group.id": group.id, "target.group.domain_id": group.domain_id,
                  "target.domain_id": group.domain_id}
        if "user_id" in call.path:
            user = service.users.find(call.path["user_id"])
            target |= {"target.user.id": user.id, "target.user.domain_id": user.domain_id}
    except NotFound:
        return target
    return target


def of_present(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rule on deletion. :raises NotFound: there is no such group."""
    service.groups.find(call.path["group_id"])
    return of_group(service, call)


def of_new(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on a group that is to be."""
    domain_id = domain_of(service, call, call.body["group"])
    return {"target.group.domain_id": domain_id, "target.domain_id": domain_id}


ONE = "/groups/{group_id}"
MEMBER = ONE + "/users/{user_id}"
OPERATIONS = (
    Operation("GET", "/groups", index, "identity:list_groups", target=of_list, query=LIST, summary="List groups"),
    Operation("POST", "/groups", create, "identity:create_group", body=CREATE, status=201, target=of_new,
              summary="Create a group"),
    Operation("GET", ONE, show, "identity:get_group", target=of_group, summary="Show a group"),
    Operation("PATCH", ONE, update, "identity:update_group", body=UPDATE, target=of_group, summary="Update a group"),
    Operation("DELETE", ONE, delete, "identity:delete_group", status=204, target=of_present, summary="Delete a group"),
    Operation("GET", ONE + "/users", users, "identity:list_users_in_group", target=of_group,
              summary="List a group's users"),
    Operation("PUT", MEMBER, add, "identity:add_user_to_group", status=204, target=of_group,
              summary="Add a user to a group"),
    Operation("GET", MEMBER, check, "identity:check_user_in_group", status=204, target=of_group,
              summary="Check whether a user is in a group"),
    Operation("DELETE", MEMBER, remove, "identity:remove_user_from_group", status=204, target=of_group,
              summary="Remove a user from a group"),
    Operation("GET", "/users/{user_id}/groups", of_member, "identity:list_groups_for_user", target=of_user,
              summary="List a user's groups"),
)
