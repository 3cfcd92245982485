"""Metadata of volumes and snapshots over HTTP: the same five operations on both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from ....core.errors import BadRequest, NotFound, PreconditionFailed
from ....core.http.call import Call, Reply
from ....core.http.table import Operation
from ..service import BlockStorage
from .volumes import METADATA

BODY = {"type": "object", "required": ["metadata"], "properties": {"metadata": {**METADATA, "type": "object"}}}
ITEM = {"type": "object", "required": ["meta"], "properties": {"meta": {**METADATA, "type": "object",
                                                                        "maxProperties": 1, "minProperties": 1}}}
Answer = Reply | Mapping[str, Any]
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


def _tag(found: Mapping[str, str]) -> str:
    """What tells one state of metadata from another."""
    text = json.dumps(found, sort_keys=True).encode()
    return f'"{hashlib.sha256(text).hexdigest()[:32]}"'


def _tagged(call: Call, found: Mapping[str, str], body: Mapping[str, Any]) -> Reply | Mapping[str, Any]:
    """``body``, from 3.15 on with the tag of all metadata: volumes' only."""
    if not call.since("3.15") or "volume_id" not in call.path:
        return body
    return Reply(body, headers={"ETag": _tag(found)})


def _check_tag(call: Call, found: Mapping[str, str]) -> None:
    """See that nobody changed the metadata since the caller read it. :raises PreconditionFailed: somebody did."""
    wanted = call.header("If-Match") if call.since("3.15") and "volume_id" in call.path else ""
    if wanted and wanted != "*" and _tag(found) not in [one.strip() for one in wanted.split(",")]:
        raise PreconditionFailed("The metadata was changed by another request.")


def _table(path: str, read: Read, write: Write, show_rule: str, change_rule: str,
           drop_rule: str) -> tuple[Operation, ...]:
    def show(service: BlockStorage, call: Call) -> Answer:
        """All metadata."""
        found = read(service, call)
        return _tagged(call, found, {"metadata": found})

    def add(service: BlockStorage, call: Call) -> Answer:
        """Add to the metadata."""
        with service.kit.db.write():
            before = read(service, call)
            _check_tag(call, before)
            found = {**before, **call.body["metadata"]}
            write(service, call, found)
        return _tagged(call, found, {"metadata": found})

    def replace(service: BlockStorage, call: Call) -> Answer:
        """Replace all metadata."""
        with service.kit.db.write():
            _check_tag(call, read(service, call))
            write(service, call, call.body["metadata"])
        return _tagged(call, call.body["metadata"], {"metadata": call.body["metadata"]})

    def item(service: BlockStorage, call: Call) -> dict[str, Any]:
        """One value."""
        return {"meta": {call.path["key"]: _value(read(service, call), call.path["key"])}}

    def put(service: BlockStorage, call: Call) -> Answer:
        """Set one value."""
        meta = call.body["meta"]
        if call.path["key"] not in meta:
            raise BadRequest("Request body and URI mismatch")
        with service.kit.db.write():
            before = read(service, call)
            _check_tag(call, before)
            write(service, call, {**before, **meta})
        return _tagged(call, {**before, **meta}, {"meta": meta})

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
