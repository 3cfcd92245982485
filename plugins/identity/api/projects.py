"""Projects and their tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ....core.db.engine import Row
from ....core.errors import BadRequest, NotFound
from ....core.http.call import Call, Reply
from ....core.http.table import Operation, Query
from ..service import Identity
from ..tables import projects, tags
from .limits import view as limit_view
from .lists import answer, conditions, flag, in_sql, page, query, split, stored
from .schemas import BOOLEAN, IMMUTABLE, NULLABLE_ID, PROJECT_NAME, TAGS, TEXT, body

ATTRIBUTES = ("name", "domain_id", "parent_id", "description", "enabled", "is_domain", "options", "tags")
PROPERTIES = {"name": PROJECT_NAME, "domain_id": NULLABLE_ID, "parent_id": NULLABLE_ID, "description": TEXT,
              "enabled": BOOLEAN, "is_domain": BOOLEAN, "options": IMMUTABLE, "tags": TAGS}
CREATE = body("project", PROPERTIES, ["name"])
UPDATE = body("project", PROPERTIES)
SWITCH = body("project", {"enabled": BOOLEAN}, ["enabled"], more=False)
SET_TAGS = {"type": "object", "required": ["tags"], "properties": {"tags": TAGS}, "additionalProperties": False}
DETAILS = Query(dict.fromkeys(("parents_as_list", "subtree_as_list", "parents_as_ids", "subtree_as_ids",
                               "include_limits"), "text"))


def view(call: Call, row: Row, project_tags: Sequence[str]) -> dict[str, Any]:
    """A project as the API shows it."""
    return {**row.extra, "id": row.id, "name": row.name, "domain_id": row.domain_id or None,
            "description": row.description, "enabled": row.enabled, "parent_id": row.parent_id or None,
            "is_domain": row.is_domain, "options": row.options, "tags": list(project_tags),
            "links": {"self": call.address(f"/v3/projects/{row.id}")}}


def views(service: Identity, call: Call, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Projects as the API shows them; one more query for the tags of all."""
    by_project = service.projects.tags([row.id for row in rows])
    return [view(call, row, by_project.get(row.id, ())) for row in rows]


def _one(service: Identity, call: Call, row: Row) -> dict[str, Any]:
    return views(service, call, [row])[0]


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List projects."""
    found = in_sql(projects, conditions(call, ("name", "domain_id", "parent_id"), ("enabled",)))
    found.append(projects.c.is_domain.is_(flag(call.one("is_domain")) if "is_domain" in call.query else False))
    if call.context.domain_id:
        found.append(projects.c.domain_id == call.context.domain_id)
    found += tag_conditions(call)
    return answer(service, call, "projects", views(service, call, service.projects.all(found, page(service, call))))


def tag_conditions(call: Call) -> list[sa.ColumnElement[bool]]:
    """The filters ``tags``, ``tags-any``, ``not-tags`` and ``not-tags-any``."""
    found = []
    for name in ("tags", "tags-any", "not-tags", "not-tags-any"):
        wanted = list(dict.fromkeys(tag for text in call.many(name) for tag in text.split(",") if tag))
        if wanted:
            least = 1 if name.endswith("any") else len(wanted)
            count = (sa.select(sa.func.count()).select_from(tags)
                     .where(tags.c.project_id == projects.c.id, tags.c.name.in_(wanted)).scalar_subquery())
            found.append(count < least if name.startswith("not") else count >= least)
    return found


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create a project."""
    known, extra = split(call.body["project"], ATTRIBUTES)
    project_tags = known.pop("tags", [])
    values = stored(known)
    if not values.get("is_domain"):
        values["domain_id"] = domain_of(service, call)
        values.setdefault("parent_id", "")
    elif values.get("domain_id") or values.get("parent_id"):
        raise BadRequest("A project that acts as a domain has neither a domain nor a parent.")
    row = service.projects.create(call.context, {**values, "extra": extra}, project_tags)
    return {"project": _one(service, call, row)}


def domain_of(service: Identity, call: Call) -> str:
    """The domain of a new project: the one given, the parent's, the one the token is for, or the default one."""
    given = call.body["project"]
    if given.get("domain_id"):
        return str(given["domain_id"])
    if given.get("parent_id"):
        parent = service.projects.by_id([given["parent_id"]]).get(given["parent_id"])
        return "" if parent is None else str(parent.id if parent.is_domain else parent.domain_id)
    return call.context.domain_id or str(service.store.options.default_domain_id)


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a project, with what is above and below it when asked."""
    row = service.projects.find(call.path["project_id"])
    shown = _one(service, call, row)
    if "parents_as_list" in call.query and "parents_as_ids" in call.query:
        raise BadRequest("Use either parents_as_list or parents_as_ids.")
    if "subtree_as_list" in call.query and "subtree_as_ids" in call.query:
        raise BadRequest("Use either subtree_as_list or subtree_as_ids.")
    if "parents_as_list" in call.query or "parents_as_ids" in call.query:
        above = service.projects.parents(row)
        if "parents_as_ids" in call.query:
            shown["parents"] = _chain([one.id for one in above] + [row.domain_id or None])
        else:
            shown["parents"] = _listed(service, call, above)
    if "subtree_as_list" in call.query or "subtree_as_ids" in call.query:
        below = service.projects.subtree(row.id)
        if "subtree_as_ids" in call.query:
            shown["subtree"] = _branches(row.id, below)
        else:
            shown["subtree"] = _listed(service, call, below)
    return {"project": shown}


def _listed(service: Identity, call: Call, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Projects of a hierarchy with, when asked, the limits of each."""
    shown = views(service, call, _in_reach(service, call, rows))
    if "include_limits" in call.query and flag(call.one("include_limits")):
        by_project = service.limits.of_projects([one["id"] for one in shown])
        for one in shown:
            one["limits"] = [limit_view(call, row) for row in by_project.get(one["id"], ())]
    return [{"project": one} for one in shown]


def _in_reach(service: Identity, call: Call, rows: Sequence[Row]) -> list[Row]:
    """Those of ``rows`` on which the caller has a role: the lists of a hierarchy hold no others."""
    ids = service.assignments.project_ids_of(call.context.user_id)
    return [row for row in rows if row.id in ids]


def _chain(ids: Sequence[str | None]) -> dict[str, Any] | None:
    """Ids nested from the nearest parent to the domain."""
    nested: dict[str, Any] | None = None
    for id in reversed(ids):
        if id is not None:
            nested = {id: nested}
    return nested


def _branches(project_id: str, rows: Sequence[Row]) -> dict[str, Any] | None:
    """Ids nested as the projects are."""
    below: dict[str, dict[str, Any]] = {project_id: {}}
    for row in rows:
        below[row.id] = {}
    for row in rows:
        below[row.parent_id][row.id] = None
    for row in reversed(rows):
        below[row.parent_id][row.id] = below[row.id] or None
    return below[project_id] or None


def update(service: Identity, call: Call) -> Mapping[str, Any]:
    """Update a project."""
    known, extra = split(call.body["project"], ATTRIBUTES)
    project_tags = known.pop("tags", None)
    row = service.projects.update(call.context, call.path["project_id"], {**stored(known), "extra": extra},
                                  project_tags)
    return {"project": _one(service, call, row)}


def delete(service: Identity, call: Call) -> None:
    """Delete a project."""
    service.projects.delete(call.context, call.path["project_id"])


def switch_tree(service: Identity, call: Call) -> Mapping[str, Any]:
    """Enable or disable a project with all below it."""
    row = service.projects.switch_tree(call.context, call.path["project_id"], call.body["project"]["enabled"])
    return {"project": _one(service, call, row)}


def delete_tree(service: Identity, call: Call) -> None:
    """Delete a disabled project with all below it."""
    service.projects.delete(call.context, call.path["project_id"], cascade=True)


def list_tags(service: Identity, call: Call) -> Mapping[str, Any]:
    """List a project's tags."""
    row = service.projects.find(call.path["project_id"])
    return {"tags": service.projects.tags([row.id]).get(row.id, []),
            "links": {"self": call.address(call.request.path), "previous": None, "next": None}}


def set_tags(service: Identity, call: Call) -> Mapping[str, Any]:
    """Replace a project's tags."""
    service.projects.set_tags(call.context, call.path["project_id"], call.body["tags"])
    return list_tags(service, call)


def delete_tags(service: Identity, call: Call) -> None:
    """Remove all tags of a project."""
    service.projects.set_tags(call.context, call.path["project_id"], [])


def _tags_of(service: Identity, call: Call) -> list[str]:
    row = service.projects.find(call.path["project_id"])
    return service.projects.tags([row.id]).get(row.id, [])


def check_tag(service: Identity, call: Call) -> None:
    """Tell whether a project has a tag."""
    if call.path["tag"] not in _tags_of(service, call):
        raise NotFound(f"Could not find project tag: {call.path['tag']}.")


def add_tag(service: Identity, call: Call) -> Reply:
    """Give a project a tag."""
    tag = call.path["tag"]
    if not tag or len(tag) > 255 or "," in tag:
        raise BadRequest("A tag has 1 to 255 characters, none of them a comma or a slash.")
    service.projects.set_tags(call.context, call.path["project_id"], [*_tags_of(service, call), tag])
    return Reply("", 201, {"Location": call.address(call.request.path)}, content_type="application/json")


def delete_tag(service: Identity, call: Call) -> None:
    """Take a tag off a project."""
    check_tag(service, call)
    service.projects.set_tags(call.context, call.path["project_id"],
                              [tag for tag in _tags_of(service, call) if tag != call.path["tag"]])


def of_project(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on one project."""
    row = service.projects.by_id([call.path["project_id"]]).get(call.path["project_id"])
    if row is None:
        return {}
    domain_id = row.domain_id or None
    return {"target.project.id": row.id, "target.project.domain_id": domain_id, "project_id": row.id,
            "target.domain_id": domain_id}


def of_new(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on a project that is to be. A new domain is in nobody's domain."""
    domain_id = None if call.body["project"].get("is_domain") else domain_of(service, call)
    return {"target.project.domain_id": domain_id, "target.domain_id": domain_id}


def of_list(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on lists: the domain the token is for, which the list then keeps to."""
    return {"target.domain_id": call.context.domain_id or call.one("domain_id")}


ONE = "/projects/{project_id}"
CASCADE = ONE + "/cascade"
TAGS_PATH = ONE + "/tags"
TAG_PATH = ONE + "/tags/{tag}"
OPERATIONS = (
    Operation("GET", "/projects", index, "identity:list_projects", target=of_list,
              query=query(enabled="text", is_domain="text"), summary="List projects"),
    Operation("POST", "/projects", create, "identity:create_project", body=CREATE, status=201, target=of_new,
              summary="Create a project"),
    Operation("GET", ONE, show, "identity:get_project", target=of_project, query=DETAILS, summary="Show a project"),
    Operation("PATCH", ONE, update, "identity:update_project", body=UPDATE, target=of_project,
              summary="Update a project"),
    Operation("DELETE", ONE, delete, "identity:delete_project", status=204, target=of_project,
              summary="Delete a project"),
    Operation("PATCH", CASCADE, switch_tree, "identity:update_project", body=SWITCH, target=of_project,
              summary="Enable or disable a project with all below it"),
    Operation("DELETE", CASCADE, delete_tree, "identity:delete_project", status=204, target=of_project,
              summary="Delete a project with all below it"),
    Operation("GET", TAGS_PATH, list_tags, "identity:list_project_tags", target=of_project, summary="List tags"),
    Operation("PUT", TAGS_PATH, set_tags, "identity:update_project_tags", body=SET_TAGS, target=of_project,
              summary="Replace all tags"),
    Operation("DELETE", TAGS_PATH, delete_tags, "identity:delete_project_tags", status=204, target=of_project,
              summary="Remove all tags"),
    Operation("GET", TAG_PATH, check_tag, "identity:get_project_tag", status=204, target=of_project,
              summary="Check a tag"),
    Operation("PUT", TAG_PATH, add_tag, "identity:create_project_tag", status=201, target=of_project,
              summary="Add a tag"),
    Operation("DELETE", TAG_PATH, delete_tag, "identity:delete_project_tag", status=204, target=of_project,
              summary="Remove a tag"),
)
