"""Users."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from ....core.drivers.identity import Condition, Search, User
from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.moment import comparison, to_microsecond
from ....core.http.table import Operation
from ..guard import named
from ..service import Identity
from .auth import address
from .lists import answer, conditions, page, query, split
from .projects import views as project_views
from .schemas import BOOLEAN, NAME, NULLABLE_ID, NULLABLE_PASSWORD, OPTIONS, PASSWORD, TEXT, body

ATTRIBUTES = ("name", "domain_id", "enabled", "default_project_id", "options", "password", "federated")
PROPERTIES = {"name": NAME, "domain_id": NULLABLE_ID, "enabled": BOOLEAN, "default_project_id": NULLABLE_ID,
              "options": OPTIONS, "password": NULLABLE_PASSWORD, "description": TEXT}
TEXT_64 = {"type": "string", "minLength": 1, "maxLength": 64}
FEDERATED = {"type": "array", "maxItems": 1, "items": {
    "type": "object", "required": ["idp_id", "protocols"], "additionalProperties": False, "properties": {
        "idp_id": TEXT_64, "protocols": {"type": "array", "minItems": 1, "maxItems": 1, "items": {
            "type": "object", "required": ["protocol_id", "unique_id"], "additionalProperties": False, "properties": {
                "protocol_id": TEXT_64, "unique_id": {"type": "string", "minLength": 1, "maxLength": 255}}}}}}}
"""Who vouches for a user: one provider by one protocol."""
CREATE = body("user", {**PROPERTIES, "federated": FEDERATED}, ["name"])
UPDATE = body("user", {**PROPERTIES, "federated": FEDERATED}, least=1)
CHANGE_PASSWORD = body("user", {"original_password": PASSWORD, "password": PASSWORD}, ["original_password", "password"])


def view(call: Call, user: User) -> dict[str, Any]:
    """A user as the API shows it."""
    expiry = user.password_expires_at
    shown = {**user.extra, "id": user.id, "name": user.name, "domain_id": user.domain_id, "enabled": user.enabled,
             "options": user.options, "links": {"self": call.address(f"/v3/users/{user.id}")},
             "password_expires_at": to_microsecond(expiry)}
    if user.default_project_id:
        shown["default_project_id"] = user.default_project_id
    return shown


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List users."""
    filters = conditions(call, ("name", "domain_id", "default_project_id"), ("enabled",))
    if call.context.domain_id:
        filters.append(Condition("domain_id", "equals", call.context.domain_id))
    filters += [_expiry(value) for value in call.many("password_expires_at")]
    part = page(service, call)
    found = service.users.all(Search(conditions=tuple(filters), limit=part.limit, marker=part.marker))
    return answer(service, call, "users", [view(call, user) for user in found])


def _expiry(text: str) -> Condition:
    """The filter ``comparator:moment`` on the end of a password."""
    return Condition("password_expires_at", *comparison(text, f"{text[:100]!r} is no moment"))


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create a user."""
    known, extra = split(call.body["user"], ATTRIBUTES)
    user = User(id="", name=known["name"].strip(), domain_id=domain_of(service, call, known),
                enabled=known.get("enabled", True), default_project_id=known.get("default_project_id") or "",
                options=known.get("options", {}), extra=extra)
    federated = known.get("federated")
    with _together(service, federated):
        made = service.users.create(call.context, user, known.get("password"))
        _vouch(service, made.id, federated)
    return {"user": {**view(call, made), **_federated(service, made.id)}}


def _together(service: Identity, federated: object) -> contextlib.AbstractContextManager[object]:
    """One transaction for a user and who vouches for it; none of its own without, as hashing takes its time."""
    return contextlib.nullcontext() if federated is None else service.store.db.write()


def _vouch(service: Identity, user_id: str, federated: list[dict[str, Any]] | None) -> None:
    """Write down who vouches for a user; an empty list forgets it, none leaves it."""
    if federated is not None:
        found = [(one["idp_id"], protocol["protocol_id"], protocol["unique_id"])
                 for one in federated for protocol in one["protocols"]]
        service.providers.vouch(user_id, *found)


def _federated(service: Identity, user_id: str) -> dict[str, Any]:
    origin = service.providers.origin(user_id)
    return {} if origin is None else {"federated": [{"idp_id": origin.provider_id, "protocols": [
        {"protocol_id": origin.protocol_id, "unique_id": origin.unique_id}]}]}


def domain_of(service: Identity, call: Call, given: Mapping[str, Any]) -> str:
    """The domain a new thing belongs to: the one given, the one the token is for, or the default one."""
    return given.get("domain_id") or call.context.domain_id or service.store.options.default_domain_id


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a user."""
    user = service.users.find(call.path["user_id"])
    return {"user": {**view(call, user), **_federated(service, user.id)}}


def update(service: Identity, call: Call) -> Mapping[str, Any]:
    """Update a user."""
    known, extra = split(call.body["user"], ATTRIBUTES)
    password = known.pop("password", None)
    if "default_project_id" in known:
        known["default_project_id"] = known["default_project_id"] or ""
    if "name" in known:
        known["name"] = known["name"].strip()
    federated = known.pop("federated", None)
    with _together(service, federated):
        user = service.users.update(call.context, call.path["user_id"], {**known, "extra": extra}, password)
        _vouch(service, user.id, federated)
    return {"user": {**view(call, user), **_federated(service, user.id)}}


def delete(service: Identity, call: Call) -> None:
    """Delete a user."""
    service.users.delete(call.context, call.path["user_id"])


def change_password(service: Identity, call: Call) -> None:
    """Change a password by who knows it; the password is the proof, so no token is asked for."""
    given = call.body["user"]
    user_id = call.path["user_id"]
    with service.guard.watched(address(service, call), [named({"id": user_id})]):
        service.users.change_password(call.context, user_id, given["original_password"], given["password"])


def projects(service: Identity, call: Call) -> Mapping[str, Any]:
    """List the projects on which a user has a role."""
    user = service.users.find(call.path["user_id"])
    rows = service.projects.by_id(sorted(service.assignments.project_ids_of(user.id))).values()
    return answer(service, call, "projects", project_views(service, call, [row for row in rows if not row.is_domain]))


def of_user(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on one user."""
    try:
        user = service.users.find(call.path["user_id"])
    except NotFound:
        return {}
    return {"target.user.id": user.id, "target.user.domain_id": user.domain_id, "user_id": user.id,
            "target.domain_id": user.domain_id}


def of_new(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on a user that is to be: only a domain that is named counts, as in Keystone."""
    domain_id = call.body["user"].get("domain_id")
    return {"target.user.domain_id": domain_id, "target.domain_id": domain_id}


def of_list(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on lists: the domain the token is for, which the list then keeps to."""
    domain_id = call.context.domain_id or call.one("domain_id")
    return {"target.domain_id": domain_id, "target.group.domain_id": domain_id}


ONE = "/users/{user_id}"
OPERATIONS = (
    Operation("GET", "/users", index, "identity:list_users", target=of_list,
              query=query(enabled="text"), summary="List users"),
    Operation("POST", "/users", create, "identity:create_user", body=CREATE, status=201, target=of_new,
              summary="Create a user"),
    Operation("GET", ONE, show, "identity:get_user", target=of_user, summary="Show a user"),
    Operation("PATCH", ONE, update, "identity:update_user", body=UPDATE, target=of_user, summary="Update a user"),
    Operation("DELETE", ONE, delete, "identity:delete_user", status=204, target=of_user, summary="Delete a user"),
    Operation("POST", ONE + "/password", change_password, body=CHANGE_PASSWORD, status=204, public=True,
              summary="Change a password"),
    Operation("GET", ONE + "/projects", projects, "identity:list_user_projects", target=of_user,
              summary="List a user's projects"),
)
