"""Members of shared images over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Row
from ....core.http.call import Call
from ....core.http.moment import to_second
from ....core.http.table import Operation
from .. import members
from ..schemas import MEMBER_STATUSES
from ..service import Images
from .targets import own

ADD = {"type": "object", "required": ["member"], "properties": {"member": {"type": "string", "maxLength": 64}}}
ANSWER = {"type": "object", "required": ["status"], "properties": {"status": {"enum": list(MEMBER_STATUSES)}}}


def view(row: Row) -> dict[str, Any]:
    """A row as the API shows it."""
    return {"created_at": to_second(row.created_at), "image_id": row.image_id,
            "member_id": row.member, "schema": "/v2/schemas/member", "status": row.status,
            "updated_at": to_second(row.updated_at)}


def add(service: Images, call: Call) -> dict[str, Any]:
    """Share an image with a project."""
    return view(members.add(service.kit, call.context, call.path["image_id"], call.body["member"]))


def answer(service: Images, call: Call) -> dict[str, Any]:
    """Accept or reject a shared image."""
    return view(members.answer(service.kit, call.context, call.path["image_id"], call.path["member_id"],
                               call.body["status"]))


def show(service: Images, call: Call) -> dict[str, Any]:
    """One member."""
    return view(members.show(service.kit, call.context, call.path["image_id"], call.path["member_id"]))


def listed(service: Images, call: Call) -> dict[str, Any]:
    """All members."""
    return {"members": [view(row) for row in service.members(call.context, call.path["image_id"])],
            "schema": "/v2/schemas/members"}


def remove(service: Images, call: Call) -> None:
    """End the sharing."""
    members.remove(service.kit, call.context, call.path["image_id"], call.path["member_id"])


OPERATIONS = (
    Operation("POST", "/images/{image_id}/members", add, "add_member", body=ADD, summary="Share an image."),
    Operation("GET", "/images/{image_id}/members", listed, "get_members", target=own, summary="List members."),
    Operation("GET", "/images/{image_id}/members/{member_id}", show, "get_member", target=own,
              summary="Show a member."),
    Operation("PUT", "/images/{image_id}/members/{member_id}", answer, "modify_member", body=ANSWER, target=own,
              summary="Accept or reject an image."),
    Operation("DELETE", "/images/{image_id}/members/{member_id}", remove, "delete_member", status=204,
              summary="End the sharing of an image."),
)
