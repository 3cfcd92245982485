"""Flavors over HTTP, with their extra specs and who may use them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ....core.db.engine import Row
from ....core.db.paging import Page
from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.table import Action, Operation, Query
from .. import extra_specs, flavors
from .links import links, next_links
from .parameters import BOOLEAN, MAX_INT, NAME, boolean, closed, natural, number, wrapped

if TYPE_CHECKING:
    from ..service import Service

MAX_FACTOR = 3.40282e+38
TEXT = {"type": ["string", "null"], "maxLength": 65535}
SPEC_KEY = "^[a-zA-Z0-9_:. -]{1,255}$"
SPECS = {"type": "object", "propertyNames": {"pattern": SPEC_KEY},
         "additionalProperties": {"type": ["string", "number"], "maxLength": 255}}
NEW = {
    "name": NAME,
    "id": {"oneOf": [{"type": "string", "minLength": 1, "maxLength": 255,
                      "pattern": "^[a-zA-Z0-9._-]([a-zA-Z0-9. _-]*[a-zA-Z0-9._-])?$"},
                     {"type": "null"}, {"type": "number"}]},
    "ram": natural(1),
    "vcpus": natural(1),
    "disk": natural(),
    "OS-FLV-EXT-DATA:ephemeral": natural(),
    "swap": natural(),
    "rxtx_factor": {"type": ["number", "string"], "pattern": "^[0-9]+(\\.[0-9]+)?$", "exclusiveMinimum": 0,
                    "maximum": MAX_FACTOR, "maxLength": 60},
    "os-flavor-access:is_public": BOOLEAN,
}
REQUIRED = ("name", "ram", "vcpus", "disk")
CREATE = {"2.1": wrapped("flavor", closed(NEW, REQUIRED)),
          "2.55": wrapped("flavor", closed({**NEW, "description": TEXT}, REQUIRED)),
          "2.102": wrapped("flavor", closed({**{name: kind for name, kind in NEW.items() if name != "rxtx_factor"},
                                             "description": TEXT}, REQUIRED))}
UPDATE = wrapped("flavor", closed({"description": TEXT}, ("description",)))
ACCESS = {"type": "object", "properties": {"tenant": {"type": "string", "minLength": 1, "maxLength": 255}},
          "required": ["tenant"], "additionalProperties": False}
KNOWN = {"limit": "*natural", "marker": "*text", "is_public": "*text", "minRam": "*text", "minDisk": "*text",
         "sort_key": "*text", "sort_dir": "*text"}
QUERY: Mapping[str, Query] = {"2.1": Query(KNOWN), "2.75": Query(KNOWN, strict=True),
                              "2.102": Query({**KNOWN, "name": "*text"}, strict=True)}
FORMER = ("rxtx_factor", "OS-FLV-DISABLED:disabled")
"""What flavors have no longer since 2.102."""
WORDS = {"t": True, "true": True, "yes": True, "1": True, "f": False, "false": False, "no": False, "0": False}


def view(call: Call, row: Row, specs: bool) -> dict[str, Any]:
    """A flavor as the API shows it; ``specs`` tells whether its extra specs may be seen."""
    swap: int | str = row.swap_mib or ""
    shown = {"id": row.id, "name": row.name, "ram": row.memory_mib, "disk": row.root_gib, "swap": swap,
             "OS-FLV-EXT-DATA:ephemeral": row.ephemeral_gib, "OS-FLV-DISABLED:disabled": row.disabled,
             "vcpus": row.vcpus, "os-flavor-access:is_public": row.public, "rxtx_factor": row.rxtx_factor,
             "links": links(call, "flavors", row.id)}
    if call.version >= (2, 55):
        shown["description"] = row.description
    if specs:
        shown["extra_specs"] = row.extra_specs
    if call.version >= (2, 75):
        shown["swap"] = row.swap_mib
    if call.version >= (2, 102):
        for name in FORMER:
            del shown[name]
    return shown


def _sees_specs(call: Call) -> bool:
    return call.version >= (2, 61) and call.allows("os_compute_api:os-flavor-extra-specs:index")


def _brief(call: Call, row: Row) -> dict[str, Any]:
    shown = {"id": row.id, "name": row.name, "links": links(call, "flavors", row.id)}
    if call.version >= (2, 55):
        shown["description"] = row.description
    return shown


def _wanted(call: Call) -> flavors.Wanted:
    words = call.one("is_public", "true").strip().lower()
    if words not in WORDS and words != "none" and call.context.is_admin:
        raise BadRequest(f"Invalid is_public filter [{words}]")
    return flavors.Wanted(public=WORDS.get(words), min_memory_mib=_least(call, "minRam"),
                          min_root_gib=_least(call, "minDisk"),
                          name=call.one("name") if call.version >= (2, 102) else "")


def _least(call: Call, name: str) -> int:
    text = call.one(name, "0")
    if not re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", text):
        raise BadRequest(f"Invalid {name} filter [{text[:100]}]")
    return max(0, min(int(text), MAX_INT))


def _page(service: Service, call: Call) -> Page:
    key, direction = call.one("sort_key", "flavorid"), call.one("sort_dir", "asc")
    if (key not in flavors.SORT_KEYS or direction not in ("asc", "desc")
            or key == "rxtx_factor" and call.version >= (2, 102)):
        raise BadRequest(f"Invalid sort key or direction: {key[:100]} {direction[:100]}")
    limit, most = call.number("limit"), service.kit.options.max_limit
    return Page(limit=most if limit is None else min(limit, most), marker=call.one("marker"),
                sort=((flavors.SORT_KEYS[key], direction),))


def _listed(service: Service, call: Call, path: str, show: Callable[[Row], dict[str, Any]]) -> Mapping[str, Any]:
    page = _page(service, call)
    rows = flavors.page(service.kit, call.context, _wanted(call), page)
    body: dict[str, Any] = {"flavors": [show(row) for row in rows]}
    if more := next_links(call, rows, page.limit or 0, path, rows[-1].id if rows else ""):
        body["flavors_links"] = more
    return body


def index(service: Service, call: Call) -> Mapping[str, Any]:
    """Names of flavors, a page at a time."""
    return _listed(service, call, "/flavors", lambda row: _brief(call, row))


def detail(service: Service, call: Call) -> Mapping[str, Any]:
    """Flavors in full, a page at a time."""
    specs = _sees_specs(call)
    return _listed(service, call, "/flavors/detail", lambda row: view(call, row, specs))


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """One flavor."""
    return {"flavor": view(call, flavors.find(service.kit, call.context, call.path["flavor_id"]), _sees_specs(call))}


def create(service: Service, call: Call) -> Mapping[str, Any]:
    """Make a flavor."""
    asked = call.body["flavor"]
    factor = float(asked.get("rxtx_factor", 1.0))
    if not 0 < factor <= MAX_FACTOR:
        raise BadRequest("Invalid input for field/attribute rxtx_factor. It must be more than 0.")
    id = asked.get("id")
    row = flavors.create(service.kit, call.context, flavors.NewFlavor(
        id="" if id is None or id == "auto" else str(id), name=asked["name"],
        vcpus=number(asked["vcpus"], "vcpus"), memory_mib=number(asked["ram"], "ram"),
        root_gib=number(asked["disk"], "disk"), swap_mib=number(asked.get("swap", 0), "swap"),
        ephemeral_gib=number(asked.get("OS-FLV-EXT-DATA:ephemeral", 0), "OS-FLV-EXT-DATA:ephemeral"),
        rxtx_factor=factor, public=boolean(asked.get("os-flavor-access:is_public", True)),
        description=asked.get("description")))
    return {"flavor": view(call, row, _sees_specs(call))}


def update(service: Service, call: Call) -> Mapping[str, Any]:
    """Change a flavor's description."""
    row = flavors.describe(service.kit, call.context, call.path["flavor_id"], call.body["flavor"]["description"])
    return {"flavor": view(call, row, _sees_specs(call))}


def delete(service: Service, call: Call) -> None:
    """Remove a flavor."""
    flavors.delete(service.kit, call.context, call.path["flavor_id"])


def specs(service: Service, call: Call) -> Mapping[str, Any]:
    """All extra specs of a flavor."""
    return {"extra_specs": flavors.find(service.kit, call.context, call.path["flavor_id"]).extra_specs}


def create_specs(service: Service, call: Call) -> Mapping[str, Any]:
    """Set some extra specs of a flavor."""
    wanted = {key: str(value) for key, value in call.body["extra_specs"].items()}
    _check_specs(call, wanted)
    flavors.set_specs(service.kit, call.context, call.path["flavor_id"], wanted)
    return {"extra_specs": wanted}


def _check_specs(call: Call, wanted: Mapping[str, str]) -> None:
    if call.version >= (2, 86):
        extra_specs.check(wanted)


def show_spec(service: Service, call: Call) -> Mapping[str, Any]:
    """One extra spec of a flavor."""
    row = flavors.find(service.kit, call.context, call.path["flavor_id"])
    return {call.path["key"]: flavors.spec(row, call.path["key"])}


def update_spec(service: Service, call: Call) -> Mapping[str, Any]:
    """Set the extra spec that the path names."""
    key = call.path["key"]
    if key not in call.body:
        raise BadRequest("Request body and URI mismatch")
    wanted = {key: str(call.body[key])}
    _check_specs(call, wanted)
    flavors.set_specs(service.kit, call.context, call.path["flavor_id"], wanted)
    return wanted


def delete_spec(service: Service, call: Call) -> None:
    """Remove one extra spec of a flavor."""
    flavors.delete_spec(service.kit, call.context, call.path["flavor_id"], call.path["key"])


def _access(flavor_id: str, project_ids: list[str]) -> Mapping[str, Any]:
    return {"flavor_access": [{"flavor_id": flavor_id, "tenant_id": one} for one in project_ids]}


def access(service: Service, call: Call) -> Mapping[str, Any]:
    """The projects that may use a private flavor."""
    flavor_id = call.path["flavor_id"]
    return _access(flavor_id, flavors.projects(service.kit, call.context, flavor_id))


def allow(service: Service, call: Call) -> Mapping[str, Any]:
    """Let a project use a private flavor."""
    flavor_id, project_id = call.path["flavor_id"], call.body["addTenantAccess"]["tenant"]
    return _access(flavor_id, flavors.allow(service.kit, call.context, flavor_id, project_id,
                                            public_too=call.version < (2, 7)))


def forbid(service: Service, call: Call) -> Mapping[str, Any]:
    """Let a project no longer use a private flavor."""
    flavor_id, project_id = call.path["flavor_id"], call.body["removeTenantAccess"]["tenant"]
    return _access(flavor_id, flavors.forbid(service.kit, call.context, flavor_id, project_id))


RULE = "os_compute_api:"
ONE = "/flavors/{flavor_id}"
ONE_SPEC = ONE + "/os-extra_specs/{key}"
OPERATIONS = (
    Operation("GET", "/flavors", index, RULE + "flavors", query=QUERY, summary="List flavors"),
    Operation("POST", "/flavors", create, RULE + "os-flavor-manage:create", body=CREATE, summary="Create a flavor"),
    Operation("GET", "/flavors/detail", detail, RULE + "flavors", query=QUERY, summary="List flavors with details"),
    Operation("GET", ONE, show, RULE + "flavors", summary="Show a flavor"),
    Operation("PUT", ONE, update, RULE + "os-flavor-manage:update", body=UPDATE, since="2.55",
              summary="Change a flavor's description"),
    Operation("DELETE", ONE, delete, RULE + "os-flavor-manage:delete", status=202, summary="Delete a flavor"),
    Operation("GET", ONE + "/os-extra_specs", specs, RULE + "os-flavor-extra-specs:index",
              summary="List a flavor's extra specs"),
    Operation("POST", ONE + "/os-extra_specs", create_specs, RULE + "os-flavor-extra-specs:create",
              body=wrapped("extra_specs", SPECS), summary="Set extra specs of a flavor"),
    Operation("GET", ONE_SPEC, show_spec, RULE + "os-flavor-extra-specs:show", summary="Show an extra spec"),
    Operation("PUT", ONE_SPEC, update_spec, RULE + "os-flavor-extra-specs:update",
              body={**SPECS, "minProperties": 1, "maxProperties": 1}, summary="Set an extra spec"),
    Operation("DELETE", ONE_SPEC, delete_spec, RULE + "os-flavor-extra-specs:delete", summary="Remove an extra spec"),
    Operation("GET", ONE + "/os-flavor-access", access, RULE + "os-flavor-access",
              summary="List the projects that may use a flavor"),
    Action(ONE + "/action", "addTenantAccess", allow, RULE + "os-flavor-access:add_tenant_access", ACCESS, status=200,
           summary="Let a project use a flavor"),
    Action(ONE + "/action", "removeTenantAccess", forbid, RULE + "os-flavor-access:remove_tenant_access", ACCESS,
           status=200, summary="Let a project no longer use a flavor"),
)
