"""Actions that move servers or give them another size."""

from __future__ import annotations

from typing import Any

from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.table import Action
from .. import creation, moves
from ..service import Service
from . import server_schema as schema
from .parameters import BOOLEAN, HOST, Piece, boolean, closed

PATH = "/servers/{server_id}/action"
PREFIX = "os_compute_api:"
MOVE = PREFIX + "os-migrate-server:"
NO_HOST: Piece = {"oneOf": [HOST, {"type": "null"}]}
BLOCK: Piece = {"oneOf": [BOOLEAN, {"enum": ["auto"]}]}
ANYTHING: Piece = {}
MIGRATE = {"2.1": ANYTHING,
           "2.56": {"oneOf": [{"type": "null"}, closed({"host": NO_HOST})]}}
LIVE = {"2.1": closed({"block_migration": BOOLEAN, "disk_over_commit": BOOLEAN, "host": NO_HOST},
                      ("block_migration", "disk_over_commit", "host")),
        "2.25": closed({"block_migration": BLOCK, "host": NO_HOST}, ("block_migration", "host")),
        "2.30": closed({"block_migration": BLOCK, "host": NO_HOST, "force": BOOLEAN}, ("block_migration", "host")),
        "2.68": closed({"block_migration": BLOCK, "host": NO_HOST}, ("block_migration", "host"))}
_EVACUATE: Piece = {"host": HOST, "adminPass": {"type": "string"}}
EVACUATE = {"2.1": closed({**_EVACUATE, "onSharedStorage": BOOLEAN}, ("onSharedStorage",)),
            "2.14": closed(_EVACUATE),
            "2.29": closed({**_EVACUATE, "force": BOOLEAN}),
            "2.68": closed(_EVACUATE)}


def resize(service: Service, call: Call) -> None:
    """Begin to give a server another flavor."""
    moves.resize(service.kit, service.fleet, call.context, call.path["server_id"],
                 str(call.body["resize"]["flavorRef"]), call.body["resize"].get("OS-DCF:diskConfig", ""))


def confirm_resize(service: Service, call: Call) -> None:
    """Begin to keep the new flavor or host."""
    moves.finish(service.kit, call.context, call.path["server_id"], "confirmResize", "compute.confirm_resize")


def revert_resize(service: Service, call: Call) -> None:
    """Begin to go back to the old flavor or host."""
    moves.finish(service.kit, call.context, call.path["server_id"], "revertResize", "compute.revert_resize")


def _wanted(call: Call, rule: str, host: str | None) -> str:
    if host:
        call.enforce(rule, {"project_id": call.context.project_id})
    return host or ""


def migrate(service: Service, call: Call) -> None:
    """Begin to move a server, which is stopped meanwhile."""
    asked = call.body["migrate"] if call.since("2.56") else None
    host = _wanted(call, MOVE + "migrate:host", (asked or {}).get("host"))
    moves.migrate(service.kit, service.fleet, call.context, call.path["server_id"], host)


def live_migrate(service: Service, call: Call) -> None:
    """Begin to move a server while it runs."""
    asked = call.body["os-migrateLive"]
    host = _wanted(call, MOVE + "migrate_live:host", asked["host"])
    block = None if asked["block_migration"] == "auto" else boolean(asked["block_migration"])
    force = boolean(asked.get("force", False))
    if force and not host:
        raise BadRequest("Can't force to a non-provided destination")
    moves.live_migrate(service.kit, service.fleet, call.context, call.path["server_id"], host, block, force,
                       check=not call.since("2.34"))


def evacuate(service: Service, call: Call) -> Any:
    """Begin to make a server anew on another host."""
    asked = call.body["evacuate"]
    host, force = asked.get("host") or "", boolean(asked.get("force", False))
    if force and not host:
        raise BadRequest("Can't force to a non-provided destination")
    shared = boolean(asked.get("onSharedStorage", False))
    if shared and asked.get("adminPass"):
        raise BadRequest("admin password can't be changed on existing disk")
    password = "" if shared else asked.get("adminPass") or creation.password(service.kit)
    moves.evacuate(service.kit, service.fleet, call.context, call.path["server_id"], host, force, call.since("2.95"),
                   service.seal.password(password))
    if call.since("2.14"):
        return None
    return {"adminPass": password} if password else {}


OPERATIONS = (
    Action(PATH, "resize", resize, PREFIX + "servers:resize", schema.RESIZE),
    Action(PATH, "confirmResize", confirm_resize, PREFIX + "servers:confirm_resize", schema.NOTHING, status=204),
    Action(PATH, "revertResize", revert_resize, PREFIX + "servers:revert_resize", schema.NOTHING),
    Action(PATH, "migrate", migrate, MOVE + "migrate", MIGRATE),
    Action(PATH, "os-migrateLive", live_migrate, MOVE + "migrate_live", LIVE),
    Action(PATH, "evacuate", evacuate, PREFIX + "os-evacuate", EVACUATE, status=200),
)
