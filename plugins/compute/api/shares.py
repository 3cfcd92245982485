"""Shares of servers over HTTP. The cloud has no service of shared file systems, so no share is ever found."""

from __future__ import annotations

from typing import Any, NoReturn

from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from .. import servers, states
from ..service import Service
from .parameters import closed, wrapped
from .server_schema import UUID

ALL = "/servers/{server_id}/shares"
ONE = ALL + "/{share_id}"
RULE = "os_compute_api:os-server-shares:"
ATTACH = wrapped("share", closed({"share_id": UUID, "tag": {"type": "string", "minLength": 1, "maxLength": 255}},
                                 ("share_id",)))


def _unknown(share_id: str) -> NoReturn:
    raise NotFound(f"Share {share_id[:255]} could not be found.")


def index(service: Service, call: Call) -> Any:
    """A server's shares: none."""
    servers.show(service.kit, call.context, call.path["server_id"])
    return {"shares": []}


def attach(service: Service, call: Call) -> Any:
    """Give a stopped server a share. :raises NotFound: there is no such share."""
    row = servers.show(service.kit, call.context, call.path["server_id"])
    states.check(row, "attach_share", call.context)
    _unknown(call.body["share"]["share_id"])


def show(service: Service, call: Call) -> Any:
    """One of a server's shares. :raises NotFound: the server has none."""
    servers.show(service.kit, call.context, call.path["server_id"])
    _unknown(call.path["share_id"])


def detach(service: Service, call: Call) -> Any:
    """Take a share from a stopped server. :raises NotFound: the server has none."""
    row = servers.show(service.kit, call.context, call.path["server_id"])
    states.check(row, "detach_share", call.context)
    _unknown(call.path["share_id"])


OPERATIONS = (
    Operation("GET", ALL, index, RULE + "index", since="2.97", summary="List a server's shares"),
    Operation("POST", ALL, attach, RULE + "create", body=ATTACH, status=201, since="2.97",
              summary="Attach a share to a server"),
    Operation("GET", ONE, show, RULE + "show", since="2.97", summary="Show a share of a server"),
    Operation("DELETE", ONE, detach, RULE + "delete", status=200, since="2.97", summary="Detach a share"),
)
