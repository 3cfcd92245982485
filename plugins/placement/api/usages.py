"""``/usages`` and ``/resource_providers/{uuid}/usages``: how much is used."""

from __future__ import annotations

from typing import Any

from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.table import Operation, Query
from .. import inventory, usage
from .answer import dated


def of_provider(service: Any, call: Call) -> Any:
    """What is used of each class the provider has."""
    with service.db.read() as tx:
        row, found = inventory.with_provider(tx, call.path["uuid"])
    return dated(service, call, {"resource_provider_generation": row.generation,
                                 "usages": {class_: one.used for class_, one in found.items()}})


def of_project(service: Any, call: Call) -> Any:
    """What a project uses of each class; from 1.38 by type of consumer."""
    project, user = call.one("project_id"), call.one("user_id")
    if "project_id" not in call.query:
        raise BadRequest("'project_id' is a required property", check="query")
    for key, value in (("project_id", project), ("user_id", user)):
        if key in call.query and not 0 < len(value) <= 255:
            raise BadRequest(f"Failed validating '{'maxLength' if value else 'minLength'}': {key}", check="query")
    with service.db.read() as tx:
        found: Any = (usage.by_type(tx, project, user, call.one("consumer_type")) if call.since("1.38")
                      else usage.of_project(tx, project, user))
    return dated(service, call, {"usages": found})


def _project(service: Any, call: Call) -> dict[str, Any]:
    return {"project_id": call.one("project_id")}


OPERATIONS = (
    Operation("GET", "/resource_providers/{uuid}/usages", of_provider, "placement:resource_providers:usages",
              summary="Show a provider's usage."),
    Operation("GET", "/usages", of_project, "placement:usages", since="1.9", target=_project,
              query=Query({"project_id": "text", "user_id": "text", "consumer_type": "text"}, strict=True,
                          since={"consumer_type": "1.38"}), summary="Show a project's usage."),
)
