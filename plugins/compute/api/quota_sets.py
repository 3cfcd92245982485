"""Quotas of projects, users and quota classes over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.table import Operation, Query
from .. import quotas
from .parameters import BOOLEAN, MAX_INT, boolean, closed, wrapped

if TYPE_CHECKING:
    from ..service import Service

LIMIT = {"type": ["integer", "string"], "pattern": "^-?[0-9]+$", "minimum": -1, "maximum": MAX_INT, "maxLength": 11}
INJECTED = ("injected_files", "injected_file_content_bytes", "injected_file_path_bytes")
GROUPS = ("server_groups", "server_group_members")
SINCE_57 = tuple(name for name in quotas.OPTIONS if name not in INJECTED)
OF_USER = {"user_id": "*text"}
QUERY = {"2.1": Query(OF_USER), "2.75": Query(OF_USER, strict=True)}


def shown(call: Call) -> Sequence[str]:
    """The resources that quota sets have in the call's microversion."""
    if call.version >= (2, 57):
        return SINCE_57
    return quotas.OPTIONS if call.version >= (2, 36) else quotas.RESOURCES


def shown_in_class(call: Call) -> Sequence[str]:
    """The resources that quota class sets have in the call's microversion."""
    if call.version >= (2, 57):
        return SINCE_57
    if call.version >= (2, 50):
        return quotas.OPTIONS
    return tuple(name for name in quotas.RESOURCES if name not in GROUPS)


def _body(word: str, names: Sequence[str], more: Mapping[str, Any]) -> dict[str, Any]:
    return wrapped(word, closed({**dict.fromkeys(names, LIMIT), **more}))


FORCE = {"force": BOOLEAN}
UPDATE = {"2.1": _body("quota_set", quotas.RESOURCES, FORCE), "2.36": _body("quota_set", quotas.OPTIONS, FORCE),
          "2.57": _body("quota_set", SINCE_57, FORCE)}
UPDATE_CLASS = {"2.1": _body("quota_class_set", quotas.RESOURCES, {}),
                "2.50": _body("quota_class_set", quotas.OPTIONS, {}),
                "2.57": _body("quota_class_set", SINCE_57, {})}


def _target(service: Service, call: Call) -> Mapping[str, Any]:
    return {"project_id": call.path["project_id"], "user_id": call.context.user_id}


def _wanted(asked: Mapping[str, Any]) -> dict[str, int]:
    found = {name: int(value) for name, value in asked.items() if name != "force"}
    for name, limit in found.items():
        if not quotas.UNLIMITED <= limit <= MAX_INT:
            raise BadRequest(f"Quota limit {limit} for {name} must be in the range of -1 and {MAX_INT}.")
    return found


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """A project's limits, or those of a user in it."""
    project_id, user_id = call.path["project_id"], call.one("user_id")
    quotas.see_project(service.kit, call.context, project_id)
    with service.kit.db.read() as tx:
        limits = quotas.limits(service.kit, tx, project_id, user_id)
    return {"quota_set": {"id": project_id, **{name: limits[name] for name in shown(call)}}}


def detail(service: Service, call: Call) -> Mapping[str, Any]:
    """A project's limits and what is used of them."""
    project_id, user_id = call.path["project_id"], call.one("user_id")
    quotas.see_project(service.kit, call.context, project_id)
    with service.kit.db.read() as tx:
        limits = quotas.limits(service.kit, tx, project_id, user_id)
        used = quotas.used(tx, project_id, user_id)
    sets = {name: {"limit": limits[name], "in_use": used.get(name, 0), "reserved": 0} for name in shown(call)}
    return {"quota_set": {"id": project_id, **sets}}


def defaults(service: Service, call: Call) -> Mapping[str, Any]:
    """The limits of a project for which none are set."""
    limits = quotas.defaults(service.kit)
    return {"quota_set": {"id": call.path["project_id"], **{name: limits[name] for name in shown(call)}}}


def update(service: Service, call: Call) -> Mapping[str, Any]:
    """Set limits of a project, or of a user in it."""
    asked = call.body["quota_set"]
    force = boolean(asked.get("force", False))
    limits = quotas.change(service.kit, call.context, call.path["project_id"], call.one("user_id"),
                           _wanted(asked), force)
    return {"quota_set": {name: limits[name] for name in shown(call)}}


def delete(service: Service, call: Call) -> None:
    """Give a project, or a user in it, the default limits again."""
    quotas.see_project(service.kit, call.context, call.path["project_id"])
    quotas.reset(service.kit, call.path["project_id"], call.one("user_id"))


def show_class(service: Service, call: Call) -> Mapping[str, Any]:
    """The limits of a quota class."""
    name = call.path["name"]
    limits = quotas.class_limits(service.kit, name)
    return {"quota_class_set": {"id": name, **{one: limits[one] for one in shown_in_class(call)}}}


def update_class(service: Service, call: Call) -> Mapping[str, Any]:
    """Set limits of a quota class."""
    name = call.path["name"]
    if len(name) > 255:
        raise BadRequest("The name of a quota class has at most 255 characters.")
    limits = quotas.change_class(service.kit, name, _wanted(call.body["quota_class_set"]))
    return {"quota_class_set": {one: limits[one] for one in shown_in_class(call)}}


RULE = "os_compute_api:os-quota-sets:"
CLASS_RULE = "os_compute_api:os-quota-class-sets:"
ONE, ONE_CLASS = "/os-quota-sets/{project_id}", "/os-quota-class-sets/{name}"
OPERATIONS = (
    Operation("GET", ONE, show, RULE + "show", query=QUERY, target=_target, summary="Show quotas"),
    Operation("PUT", ONE, update, RULE + "update", body=UPDATE, query=QUERY, target=_target, summary="Set quotas"),
    Operation("DELETE", ONE, delete, RULE + "delete", query=QUERY, target=_target, status=202,
              summary="Give back the default quotas"),
    Operation("GET", ONE + "/defaults", defaults, RULE + "defaults", summary="Show default quotas"),
    Operation("GET", ONE + "/detail", detail, RULE + "detail", query=QUERY, target=_target,
              summary="Show quotas with what is used"),
    Operation("GET", ONE_CLASS, show_class, CLASS_RULE + "show", summary="Show a quota class"),
    Operation("PUT", ONE_CLASS, update_class, CLASS_RULE + "update", body=UPDATE_CLASS,
              summary="Set the quotas of a class"),
)
