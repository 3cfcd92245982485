"""Servers' tags over HTTP."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ....core.errors import BadRequest, NotFound
from ....core.http.call import Call, Reply
from ....core.http.table import Operation
from .. import servers, tags
from ..service import Service
from .parameters import wrapped
from .server_schema import TAGS
from .versions import ROOT

PATH = "/servers/{server_id}/tags"
ITEM = PATH + "/{tag}"
RULE = "os_compute_api:os-server-tags:"
SINCE = "2.26"


def index(service: Service, call: Call) -> Any:
    """All tags of a server."""
    return {"tags": servers.show(service.kit, call.context, call.path["server_id"]).tags}


def show(service: Service, call: Call) -> None:
    """Tell by the status whether the server has a tag."""
    tag = call.path["tag"]
    if tag not in servers.show(service.kit, call.context, call.path["server_id"]).tags:
        raise NotFound(f"Server {call.path['server_id']} has no tag '{tag}'")


def replace(service: Service, call: Call) -> Any:
    """Replace all tags."""
    return {"tags": tags.replace(service.kit, call.context, call.path["server_id"], call.body["tags"])}


def add(service: Service, call: Call) -> Reply:
    """Add a tag."""
    server_id, tag = call.path["server_id"], call.path["tag"]
    if not 1 <= len(tag) <= 60 or "," in tag or "/" in tag:
        raise BadRequest(f"Tag '{tag[:100]}' is invalid: it has 1 to 60 characters and no comma or slash")
    fresh = tags.add(service.kit, call.context, server_id, tag)
    address = call.address(f"{ROOT}/servers/{server_id}/tags/{quote(tag, safe='')}")
    return Reply(status=201 if fresh else 204, headers={"Location": address})


def remove(service: Service, call: Call) -> None:
    """Remove a tag."""
    tags.remove(service.kit, call.context, call.path["server_id"], call.path["tag"])


def remove_all(service: Service, call: Call) -> None:
    """Remove all tags."""
    tags.replace(service.kit, call.context, call.path["server_id"], ())


OPERATIONS = (
    Operation("GET", PATH, index, RULE + "index", since=SINCE),
    Operation("PUT", PATH, replace, RULE + "update_all", body=wrapped("tags", TAGS), since=SINCE),
    Operation("DELETE", PATH, remove_all, RULE + "delete_all", status=204, since=SINCE),
    Operation("GET", ITEM, show, RULE + "show", status=204, since=SINCE),
    Operation("PUT", ITEM, add, RULE + "update", status=201, since=SINCE),
    Operation("DELETE", ITEM, remove, RULE + "delete", status=204, since=SINCE),
)
