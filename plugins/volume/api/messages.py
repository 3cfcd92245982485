"""Messages to users over HTTP (3.3 and later)."""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Row
from ....core.http.call import Call
from ....core.http.moment import to_microsecond
from ....core.http.table import Operation
from ..messages import words
from ..service import BlockStorage
from .paging import links, page, question

FILTERS = {"resource_type": "resource_type", "resource_uuid": "resource_uuid", "event_id": "event_id",
           "request_id": "request_id", "message_level": "message_level", "id": "id"}
SORT_KEYS = {"id": "id", "created_at": "created_at", "guaranteed_until": "expires_at", "event_id": "event_id",
             "resource_type": "resource_type", "resource_uuid": "resource_uuid", "request_id": "request_id",
             "message_level": "message_level"}


def view(row: Row, call: Call) -> dict[str, Any]:
    """A row as the API shows it."""
    return {"id": row.id, "event_id": row.event_id, "user_message": words(row), "message_level": row.message_level,
            "request_id": row.request_id, "resource_type": row.resource_type, "resource_uuid": row.resource_uuid,
            "created_at": to_microsecond(row.created_at), "guaranteed_until": to_microsecond(row.expires_at),
            "links": links(call, "messages")(row.id)}


def listed(service: BlockStorage, call: Call) -> dict[str, Any]:
    """The project's messages, the newest first; before 3.5 all of them."""
    asked = question(call, "messages", FILTERS if call.since("3.5") else {}, SORT_KEYS)
    if not call.since("3.5"):
        asked.marker, asked.offset = "", 0
    return page(call, "messages", "/messages", [view(row, call) for row in service.messages.listed(asked)], asked)


def show(service: BlockStorage, call: Call) -> dict[str, Any]:
    """One message."""
    return {"message": view(service.messages.show(call.context, call.path["message_id"]), call)}


def delete(service: BlockStorage, call: Call) -> None:
    """Remove a message."""
    service.messages.delete(call.context, call.path["message_id"])


ONE = "/messages/{message_id}"
OPERATIONS = (
    Operation("GET", "/messages", listed, "message:get_all", since="3.3", summary="List messages."),
    Operation("GET", ONE, show, "message:get", since="3.3", summary="Show a message."),
    Operation("DELETE", ONE, delete, "message:delete", since="3.3", status=204, summary="Delete a message."),
)
