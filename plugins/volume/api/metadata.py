"""Metadata of volumes and snapshots over HTTP: the same five operations on both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ....core.errors import BadRequest, NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from ..service import BlockStorage
from .volumes import METADATA

BODY = {"type": "object", "required": ["metadata"], "properties": {"metadata": {**METADATA, "type": "object"}}}
ITEM = {"type": "object", "required": ["meta"], "properties": {"meta": {**METADATA, "type": "object",
                                                                        "maxProperties": 1, "minProperties": 1}}}
Read = Callable[[BlockStorage, Call], Mapping[str, str]]
Write = Callable[[BlockStorage, Call, Mapping[str, str]], None]


def _of_volume(service: BlockStorage, call: Call) -> Mapping[str, str]:
    row, _, _ = service.volumes.show(call.context, call.path["volume_id"])
    found: dict[str, str] = dict(row.metadata)
    if row.readonly is not None:
        found["readonly"] = str(bool(row.readonly))
    return found


def _to_volume(service: BlockStorage, call: Call, found: Mapping[str, str]) -> None:
    service.volumes.update(call.context, call.path["volume_id"],
                           {"metadata": {key: value for key, value in found.items() if key != "readonly"}})


def _of_snapshot(service: BlockStorage, call: Call) -> Mapping[str, str]:
    found: Mapping[str, str] = service.snapshots.show(call.context, call.path["snapshot_id"]).metadata
    return found


def _to_snapshot(service: BlockStorage, call: Call, found: Mapping[str, str]) -> None:
    service.snapshots.update(call.context, call.path["snapshot_id"], {"metadata": dict(found)})


def _table(path: str, read: Read, write: Write, show_rule: str, change_rule: str,
           drop_rule: str) -> tuple[Operation, ...]:
    def show(service: BlockStorage, call: Call) -> dict[str, Any]:
        """All metadata."""
        return {"metadata": read(service, call)}

    def add(service: BlockStorage, call: Call) -> dict[str, Any]:
        """Add to the metadata."""
        with service.kit.db.write():
            found = {**read(service, call), **call.body["metadata"]}
            write(service, call, found)
        return {"metadata": found}

    def replace(service: BlockStorage, call: Call) -> dict[str, Any]:
        """Replace all metadata."""
        write(service, call, call.body["metadata"])
        return {"metadata": call.body["metadata"]}

    def item(service: BlockStorage, call: Call) -> dict[str, Any]:
        """One value."""
        return {"meta": {call.path["key"]: _value(read(service, call), call.path["key"])}}

    def put(service: BlockStorage, call: Call) -> dict[str, Any]:
        """Set one value."""
        meta = call.body["meta"]
        if call.path["key"] not in meta:
            raise BadRequest("Request body and URI mismatch")
        with service.kit.db.write():
            write(service, call, {**read(service, call), **meta})
        return {"meta": meta}

    def drop(service: BlockStorage, call: Call) -> None:
        """Remove one value."""
        with service.kit.db.write():
            found = dict(read(service, call))
            _value(found, call.path["key"])
            del found[call.path["key"]]
            write(service, call, found)

    one = path + "/{key}"
    return (Operation("GET", path, show, show_rule, summary="List metadata."),
            Operation("POST", path, add, change_rule, body=BODY, summary="Add metadata."),
            Operation("PUT", path, replace, change_rule, body=BODY, summary="Replace metadata."),
            Operation("GET", one, item, show_rule, summary="Show a metadata item."),
            Operation("PUT", one, put, change_rule, body=ITEM, summary="Set a metadata item."),
            Operation("DELETE", one, drop, drop_rule, summary="Delete a metadata item."))


def _value(found: Mapping[str, str], key: str) -> str:
    if key not in found:
        raise NotFound(f"Metadata item was not found: {key}")
    return found[key]


OPERATIONS = (
    *_table("/volumes/{volume_id}/metadata", _of_volume, _to_volume, "volume:get_volume_metadata",
            "volume:update_volume_metadata", "volume:delete_volume_metadata"),
    *_table("/snapshots/{snapshot_id}/metadata", _of_snapshot, _to_snapshot, "volume:get_snapshot_metadata",
            "volume:update_snapshot_metadata", "volume:delete_snapshot_metadata"),
)
