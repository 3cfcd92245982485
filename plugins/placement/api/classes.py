"""``/resource_classes``: the kinds of resources there are."""

from __future__ import annotations

from typing import Any

from ....core.errors import BadRequest, NotFound
from ....core.http.call import Call, Reply
from ....core.http.table import Operation
from .. import name
from ..standard import CUSTOM_NAME
from .answer import dated, location

NEW = {"type": "object",
       "properties": {"name": {"type": "string", "pattern": "^CUSTOM_[A-Z0-9_]+$", "maxLength": 255}},
       "required": ["name"], "additionalProperties": False}


def view(class_: str) -> dict[str, Any]:
    """A class as clients see it; links are paths below the service's own address, wherever that is."""
    return {"name": class_, "links": [{"rel": "self", "href": f"/resource_classes/{class_}"}]}


def index(service: Any, call: Call) -> Any:
    """All classes."""
    with service.db.read() as tx:
        found = name.class_names(tx)
    return dated(service, call, {"resource_classes": [view(class_) for class_ in found]})


def create(service: Any, call: Call) -> Any:
    """A new custom class."""
    class_, now = call.body["name"], service.clock.now()
    with service.db.write() as tx:
        name.add_class(tx, now, class_)
    return Reply(None, 201, location(call, f"/resource_classes/{class_}"))


def show(service: Any, call: Call) -> Any:
    """One class."""
    class_ = call.path["name"]
    with service.db.read() as tx:
        if name.unknown_classes(tx, [class_]):
            raise NotFound(f"No such resource class {class_}.")
    return dated(service, call, view(class_))


def rename(service: Any, call: Call) -> Any:
    """Another name for a custom class, as it was before 1.7."""
    with service.db.write() as tx:
        name.rename_class(tx, service.clock.now(), call.path["name"], call.body["name"])
    return view(call.body["name"])


def put(service: Any, call: Call) -> Any:
    """201 when the custom class is new, 204 when it was there."""
    class_, now = call.path["name"], service.clock.now()
    if not CUSTOM_NAME.fullmatch(class_) or len(class_) > 255:
        keyword = "pattern" if len(class_) <= 255 else "maxLength"
        raise BadRequest(f"{class_} is no name of a custom class", check="body", keyword=keyword,
                         reason=f"'{class_}' does not match '^{CUSTOM_NAME.pattern}$'")
    with service.db.write() as tx:
        new = bool(name.unknown_classes(tx, [class_]))
        name.know_classes(tx, now, [class_])
    return Reply(None, 201 if new else 204, location(call, f"/resource_classes/{class_}"))


def delete(service: Any, call: Call) -> None:
    """A custom class that nothing has."""
    with service.db.write() as tx:
        name.forget_class(tx, call.path["name"])


ONE = "/resource_classes/{name}"
OPERATIONS = (
    Operation("GET", "/resource_classes", index, "placement:resource_classes:list", since="1.2",
              summary="List resource classes."),
    Operation("POST", "/resource_classes", create, "placement:resource_classes:create", body=NEW, status=201,
              since="1.2", summary="Create a custom resource class."),
    Operation("GET", ONE, show, "placement:resource_classes:show", since="1.2", summary="Show a resource class."),
    Operation("PUT", ONE, rename, "placement:resource_classes:update", body=NEW, since="1.2", until="1.6",
              summary="Rename a custom resource class."),
    Operation("PUT", ONE, put, "placement:resource_classes:update", since="1.7", status=204,
              summary="Create a custom resource class."),
    Operation("DELETE", ONE, delete, "placement:resource_classes:delete", since="1.2", status=204,
              summary="Delete a custom resource class."),
)
