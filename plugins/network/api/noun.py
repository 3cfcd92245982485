"""The five operations every noun has, and those of its tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....core.errors import BadRequest, NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from .. import listing
from ..noun import Noun
from ..service import Service
from .shape import TAGS, Schema, one, one_or_many

Handler = Callable[[Service, Call], Any]


class Face:
    """Handlers of one noun, by its name in the service."""

    def __init__(self, name: str, plural: str, path: str) -> None:
        self.name = name
        self.plural = plural
        self.path = path

    def noun(self, service: Service) -> Noun:
        """The noun behind this face."""
        return service.nouns[self.name]

    def index(self, service: Service, call: Call) -> dict[str, Any]:
        """A list, with links when it is a page."""
        asked = listing.parse(call.query, call.address(f"/v2.0{self.path}") if call.query else "")
        items, links = self.noun(service).index(call.context, asked)
        return {self.plural: items, f"{self.plural}_links": links} if links else {self.plural: items}

    def show(self, service: Service, call: Call) -> dict[str, Any]:
        """One."""
        return {self.name: self.noun(service).show(call.context, call.path["id"], call.many("fields"))}

    def create(self, service: Service, call: Call) -> dict[str, Any]:
        """One or many."""
        if self.plural in call.body:
            bodies = [body.get(self.name, body) for body in call.body[self.plural]]
            return {self.plural: self.noun(service).create(call.context, bodies)}
        return {self.name: self.noun(service).create(call.context, [call.body[self.name]])[0]}

    def update(self, service: Service, call: Call) -> dict[str, Any]:
        """Change one."""
        return {self.name: self.noun(service).update(call.context, call.path["id"], call.body[self.name])}

    def delete(self, service: Service, call: Call) -> None:
        """Delete one."""
        self.noun(service).delete(call.context, call.path["id"])

    # Tags.

    def _tags(self, service: Service, call: Call) -> list[str]:
        shown = self.noun(service).show(call.context, call.path["id"], ["tags"])
        return list(shown["tags"])

    def tags(self, service: Service, call: Call) -> dict[str, list[str]]:
        """All tags."""
        return {"tags": self._tags(service, call)}

    def put_tags(self, service: Service, call: Call) -> dict[str, list[str]]:
        """Replace all tags."""
        return {"tags": self._write(service, call, call.body["tags"])}

    def _write(self, service: Service, call: Call, tags: list[str], verb: str = "update") -> list[str]:
        return self.noun(service).tag(call.context, call.path["id"], tags, f"{verb}_{self.name}s_tags")

    def delete_tags(self, service: Service, call: Call) -> None:
        """Delete all tags."""
        self._write(service, call, [], "delete")

    def has_tag(self, service: Service, call: Call) -> None:
        """Tell whether a tag is there."""
        if call.path["tag"] not in self._tags(service, call):
            raise NotFound(f"Tag {call.path['tag']} could not be found.", type="TagNotFound")

    def put_tag(self, service: Service, call: Call) -> None:
        """Add a tag."""
        if len(call.path["tag"]) > 255:
            raise BadRequest("Invalid input for operation: the tag is too long.", type="InvalidInput")
        self._write(service, call, [*self._tags(service, call), call.path["tag"]])

    def delete_tag(self, service: Service, call: Call) -> None:
        """Delete a tag."""
        self.has_tag(service, call)
        self._write(service, call, [tag for tag in self._tags(service, call) if tag != call.path["tag"]], "delete")

    # The table.

    def operations(self, create: Schema, update: Schema | None) -> tuple[Operation, ...]:
        """The rows of the five operations with the schemas of their attributes."""
        name, path = self.name, self.path
        rows = (
            Operation("GET", path, self.index, f"get_{name}", summary=f"List {self.plural}"),
            Operation("POST", path, self.create, f"create_{name}", body=one_or_many(name, self.plural, create),
                      status=201, target=_later, summary=f"Create one or many {self.plural}"),
            Operation("GET", path + "/{id}", self.show, f"get_{name}", summary=f"Show a {name}"),
            Operation("DELETE", path + "/{id}", self.delete, f"delete_{name}", status=204, summary=f"Delete a {name}",
                      target=_later))
        if update is None:
            return rows
        return (*rows, Operation("PUT", path + "/{id}", self.update, f"update_{name}", body=one(name, update),
                                 summary=f"Update a {name}", target=_later))

    def tag_operations(self) -> tuple[Operation, ...]:
        """The rows of the operations on tags."""
        path, rule = self.path + "/{id}/tags", f"{self.name}s_tags"
        body: Schema = {"type": "object", "properties": {"tags": TAGS}, "required": ["tags"],
                        "additionalProperties": False}
        return (
            Operation("GET", path, self.tags, f"get_{rule}", summary="List tags"),
            Operation("PUT", path, self.put_tags, f"update_{rule}", body=body, summary="Replace all tags",
                      target=_later),
            Operation("DELETE", path, self.delete_tags, f"delete_{rule}", status=204, summary="Delete all tags",
                      target=_later),
            Operation("GET", path + "/{tag}", self.has_tag, f"get_{rule}", status=204, summary="Check a tag"),
            Operation("PUT", path + "/{tag}", self.put_tag, f"update_{rule}", status=201, summary="Add a tag",
                      target=_later),
            Operation("DELETE", path + "/{tag}", self.delete_tag, f"delete_{rule}", status=204, summary="Delete a tag",
                      target=_later))


def _later(service: Any, call: Call) -> dict[str, Any]:
    """The caller as the owner of everything: the noun asks again once it knows whose the thing is."""
    project = call.context.project_id
    return {"project_id": project, "tenant_id": project, "network:project_id": project, "network:tenant_id": project}
