"""Quotas over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.http.call import Call
from ....core.http.table import Operation
from ..quotas import RESOURCES
from ..service import Service
from .shape import Schema, attributes, one

LIMIT: Schema = {"anyOf": [{"type": "integer", "minimum": -1, "maximum": 2**31 - 1},
                           {"type": "string", "pattern": "^(-1|[0-9]{1,9})$"}]}
BODY = one("quota", {**attributes({**dict.fromkeys(RESOURCES, LIMIT), "tenant_id": {}, "project_id": {}, "force": {},
                                   "rbac_policy": LIMIT}), "minProperties": 1})


def index(service: Service, call: Call) -> dict[str, Any]:
    """Quotas of all projects that have some of their own."""
    return {"quotas": service.quotas.all()}


def show(service: Service, call: Call) -> dict[str, Any]:
    """A project's quotas."""
    return {"quota": service.quotas.of(call.path["project_id"])}


def default(service: Service, call: Call) -> dict[str, Any]:
    """The defaults."""
    return {"quota": dict(service.quotas.defaults)}


def details(service: Service, call: Call) -> dict[str, Any]:
    """A project's quotas with what is used."""
    return {"quota": service.quotas.details(call.path["project_id"])}


def update(service: Service, call: Call) -> dict[str, Any]:
    """Change a project's quotas."""
    limits = {name: int(value) for name, value in call.body["quota"].items() if name in RESOURCES}
    return {"quota": service.quotas.set(call.context, call.path["project_id"], limits)}


def delete(service: Service, call: Call) -> None:
    """Give a project the defaults again."""
    service.quotas.reset(call.context, call.path["project_id"])


def own(service: Service, call: Call) -> dict[str, Any]:
    """The caller's project."""
    return {"tenant": {"tenant_id": call.context.project_id, "project_id": call.context.project_id}}


def _asked(service: Any, call: Call) -> dict[str, Any]:
    return {"project_id": call.path["project_id"], "tenant_id": call.path["project_id"]}


OPERATIONS = (
    Operation("GET", "/quotas", index, "update_quota", summary="List quotas"),
    Operation("GET", "/quotas/tenant", own, "get_quota", summary="Show the caller's project"),
    Operation("GET", "/quotas/project", own, "get_quota", summary="Show the caller's project"),
    Operation("GET", "/quotas/{project_id}", show, "get_quota", target=_asked, summary="Show quotas"),
    Operation("GET", "/quotas/{project_id}/default", default, "get_quota", target=_asked, summary="Show defaults"),
    Operation("GET", "/quotas/{project_id}/details", details, "get_quota", target=_asked, summary="Show usage"),
    Operation("GET", "/quotas/{project_id}/details.json", details, "get_quota", target=_asked, summary="Show usage"),
    Operation("PUT", "/quotas/{project_id}", update, "update_quota", body=BODY, summary="Change quotas"),
    Operation("DELETE", "/quotas/{project_id}", delete, "delete_quota", status=204, summary="Reset quotas"),
)
