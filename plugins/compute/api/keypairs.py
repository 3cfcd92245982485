"""Keypairs over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ....core.db.engine import Row
from ....core.http.call import Call
from ....core.http.table import Operation, Query
from .. import keypairs
from .links import next_links
from .parameters import NAME, closed, wrapped

if TYPE_CHECKING:
    from ..service import Service

KEY = {"type": "string"}
KIND = {"enum": ["ssh", "x509"]}
USER = {"type": "string", "minLength": 1, "maxLength": 255}
BODY = {"name": NAME, "public_key": KEY}
CREATE = {"2.1": wrapped("keypair", closed(BODY, ("name",))),
          "2.2": wrapped("keypair", closed({**BODY, "type": KIND}, ("name",))),
          "2.10": wrapped("keypair", closed({**BODY, "type": KIND, "user_id": USER}, ("name",))),
          "2.92": wrapped("keypair", closed({**BODY, "type": KIND, "user_id": USER}, ("name", "public_key")))}
OF_USER = {"user_id": "*text"}
LIST = {"2.1": Query(), "2.10": Query(OF_USER), "2.35": Query({**OF_USER, "limit": "*natural", "marker": "*text"}),
        "2.75": Query({**OF_USER, "limit": "*natural", "marker": "*text"}, strict=True)}
ONE_QUERY = {"2.1": Query(), "2.10": Query(OF_USER), "2.75": Query(OF_USER, strict=True)}


def _user(call: Call) -> str:
    """Whose keypairs the call is about: another user may be named since 2.10."""
    if call.version < (2, 10):
        return call.context.user_id
    if call.operation.method == "POST":
        return str(call.body["keypair"].get("user_id", call.context.user_id))
    return call.one("user_id") or call.context.user_id


def _target(service: Service, call: Call) -> Mapping[str, Any]:
    return {"user_id": _user(call), "project_id": call.context.project_id}


def _view(call: Call, row: Row) -> dict[str, Any]:
    shown = {"name": row.name, "public_key": row.public_key, "fingerprint": row.fingerprint}
    if call.version >= (2, 2):
        shown["type"] = row.type
    return shown


def index(service: Service, call: Call) -> Mapping[str, Any]:
    """A user's keypairs."""
    paged, most = call.version >= (2, 35), service.kit.options.max_limit
    asked = call.number("limit") if paged else None
    limit = (most if asked is None else min(asked, most)) if paged else None
    rows = keypairs.page(service.kit, _user(call), limit, call.one("marker") if paged else "")
    body: dict[str, Any] = {"keypairs": [{"keypair": _view(call, row)} for row in rows]}
    if paged and (more := next_links(call, rows, limit or 0, "/os-keypairs", rows[-1].name if rows else "")):
        body["keypairs_links"] = more
    return body


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """One keypair, without its private key."""
    row = keypairs.find(service.kit, _user(call), call.path["keypair_name"])
    return {"keypair": {**_view(call, row), "user_id": row.user_id, "id": row.number, "deleted": False,
                        "created_at": row.created_at.isoformat(), "updated_at": None, "deleted_at": None}}


def create(service: Service, call: Call) -> Mapping[str, Any]:
    """Make or import a keypair."""
    asked, user_id = call.body["keypair"], _user(call)
    name, kind = asked["name"], asked.get("type", "ssh")
    if "public_key" in asked:
        row, private_key = keypairs.bring(service.kit, call.context, user_id, name, kind, asked["public_key"],
                                          keypairs.LATER_NAME if call.version >= (2, 92) else keypairs.NAME), ""
    else:
        row, private_key = keypairs.create(service.kit, call.context, user_id, name, kind)
    shown = {**_view(call, row), "user_id": row.user_id}
    if private_key:
        shown["private_key"] = private_key
    return {"keypair": shown}


def delete(service: Service, call: Call) -> None:
    """Forget a keypair."""
    keypairs.delete(service.kit, call.context, _user(call), call.path["keypair_name"])


RULE = "os_compute_api:os-keypairs:"
ALL, ONE = "/os-keypairs", "/os-keypairs/{keypair_name}"
OPERATIONS = (
    Operation("GET", ALL, index, RULE + "index", query=LIST, target=_target, summary="List keypairs"),
    Operation("POST", ALL, create, RULE + "create", body=CREATE, target=_target, until="2.1",
              summary="Create or import a keypair"),
    Operation("POST", ALL, create, RULE + "create", body=CREATE, target=_target, since="2.2", status=201,
              summary="Create or import a keypair"),
    Operation("GET", ONE, show, RULE + "show", query=ONE_QUERY, target=_target, summary="Show a keypair"),
    Operation("DELETE", ONE, delete, RULE + "delete", target=_target, until="2.1", status=202,
              summary="Delete a keypair"),
    Operation("DELETE", ONE, delete, RULE + "delete", query=ONE_QUERY, target=_target, since="2.2", status=204,
              summary="Delete a keypair"),
)
