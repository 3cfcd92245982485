"""Server groups over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ....core.db.engine import Row
from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.table import Operation, Query
from .. import groups
from .parameters import NAME, closed, natural, number, wrapped

if TYPE_CHECKING:
    from ..service import Service

HARD = ["affinity", "anti-affinity"]
ANY = [*HARD, "soft-affinity", "soft-anti-affinity"]


def _listed(policies: list[str]) -> dict[str, Any]:
    array = {"type": "array", "items": {"enum": policies}, "minItems": 1, "maxItems": 1}
    return wrapped("server_group", closed({"name": NAME, "policies": array}, ("name", "policies")))


RULES = closed({"max_server_per_host": natural(1)})
CREATE = {"2.1": _listed(HARD), "2.15": _listed(ANY),
          "2.64": wrapped("server_group", closed({"name": NAME, "policy": {"enum": ANY}, "rules": RULES},
                                                 ("name", "policy")))}
KNOWN = {"all_projects": "*text", "limit": "*natural", "offset": "*natural"}
ALL_PROJECTS = "os_compute_api:os-server-groups:index:all_projects"


def _view(call: Call, row: Row, members: Sequence[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": row.id, "name": row.name, "members": members}
    if call.version >= (2, 64):
        shown |= {"policy": row.policy, "rules": row.rules}
    else:
        shown |= {"policies": [row.policy], "metadata": {}}
    if call.version >= (2, 13):
        shown |= {"project_id": row.project_id, "user_id": row.user_id}
    return shown


def index(service: Service, call: Call) -> Mapping[str, Any]:
    """The project's groups, or for administrators those of all projects."""
    project_id = call.context.project_id
    if "all_projects" in call.query:
        call.enforce(ALL_PROJECTS, {"project_id": project_id})
        project_id = ""
    most = service.kit.options.max_limit
    limit, offset = call.number("limit") or most, call.number("offset") or 0
    found = groups.page(service.kit, project_id, min(limit, most), offset)
    return {"server_groups": [_view(call, row, members) for row, members in found]}


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """One group."""
    row, members = groups.show(service.kit, call.context, call.path["group_id"])
    return {"server_group": _view(call, row, members)}


def create(service: Service, call: Call) -> Mapping[str, Any]:
    """Make a group."""
    asked = call.body["server_group"]
    policy = asked["policy"] if call.version >= (2, 64) else asked["policies"][0]
    rules = {name: number(value, name) for name, value in asked.get("rules", {}).items()}
    if rules and policy != "anti-affinity":
        raise BadRequest("Only anti-affinity policy supports rules.")
    row = groups.create(service.kit, call.context, asked["name"], policy, rules)
    return {"server_group": _view(call, row, [])}


def delete(service: Service, call: Call) -> None:
    """Remove a group."""
    groups.delete(service.kit, call.context, call.path["group_id"])


RULE = "os_compute_api:os-server-groups:"
ALL, ONE = "/os-server-groups", "/os-server-groups/{group_id}"
OPERATIONS = (
    Operation("GET", ALL, index, RULE + "index", query={"2.1": Query(KNOWN), "2.75": Query(KNOWN, strict=True)},
              summary="List server groups"),
    Operation("POST", ALL, create, RULE + "create", body=CREATE, summary="Create a server group"),
    Operation("GET", ONE, show, RULE + "show", summary="Show a server group"),
    Operation("DELETE", ONE, delete, RULE + "delete", status=204, summary="Delete a server group"),
)
