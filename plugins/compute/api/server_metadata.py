"""Servers' metadata over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.errors import BadRequest, NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from .. import servers
from ..service import Service
from .parameters import wrapped
from .server_schema import METADATA

PATH = "/servers/{server_id}/metadata"
ITEM = PATH + "/{key}"
RULE = "os_compute_api:server-metadata:"
ALL = wrapped("metadata", METADATA)
ONE = wrapped("meta", {**METADATA, "minProperties": 1, "maxProperties": 1})


def _change(service: Service, call: Call, change: Any) -> dict[str, str]:
    return servers.metadata_changed(service.kit, call.context, call.path["server_id"], change)


def index(service: Service, call: Call) -> Any:
    """All of a server's metadata."""
    return {"metadata": servers.show(service.kit, call.context, call.path["server_id"]).metadata}


def create(service: Service, call: Call) -> Any:
    """Add items, or change those that are there."""
    return {"metadata": _change(service, call, lambda old: {**old, **call.body["metadata"]})}


def replace(service: Service, call: Call) -> Any:
    """Replace all items."""
    return {"metadata": _change(service, call, lambda old: dict(call.body["metadata"]))}


def show(service: Service, call: Call) -> Any:
    """One item."""
    found, key = servers.show(service.kit, call.context, call.path["server_id"]).metadata, call.path["key"]
    if key not in found:
        raise NotFound("Metadata item was not found")
    return {"meta": {key: found[key]}}


def set_item(service: Service, call: Call) -> Any:
    """Set one item."""
    key, meta = call.path["key"], call.body["meta"]
    if key not in meta:
        raise BadRequest("Request body and URI mismatch")
    _change(service, call, lambda old: {**old, key: meta[key]})
    return {"meta": meta}


def delete(service: Service, call: Call) -> None:
    """Delete one item."""
    key = call.path["key"]

    def without(old: dict[str, str]) -> dict[str, str]:
        if key not in old:
            raise NotFound("Metadata item was not found")
        return {name: value for name, value in old.items() if name != key}
    _change(service, call, without)


OPERATIONS = (
    Operation("GET", PATH, index, RULE + "index"),
    Operation("POST", PATH, create, RULE + "create", body=ALL),
    Operation("PUT", PATH, replace, RULE + "update_all", body=ALL),
    Operation("GET", ITEM, show, RULE + "show"),
    Operation("PUT", ITEM, set_item, RULE + "update", body=ONE),
    Operation("DELETE", ITEM, delete, RULE + "delete", status=204),
)
