"""Remote consoles of servers, and the details of their tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....core.http.call import Call
from ....core.http.table import Action, Operation
from ..consoles import tokens
from ..service import Service

RULE = "os_compute_api:os-remote-consoles"
SERVER = "/servers/{server_id}"
Body = dict[str, Any]


def _typed(*types: str) -> Body:
    return {"type": "object", "properties": {"type": {"type": "string", "enum": list(types)}}, "required": ["type"],
            "additionalProperties": False}


def _console(protocols: tuple[str, ...], types: tuple[str, ...]) -> Body:
    inner = {"type": "object", "required": ["protocol", "type"], "additionalProperties": False,
             "properties": {"protocol": {"type": "string", "enum": list(protocols)},
                            "type": {"type": "string", "enum": list(types)}}}
    return {"type": "object", "properties": {"remote_console": inner}, "required": ["remote_console"],
            "additionalProperties": False}


PROTOCOLS = ("vnc", "spice", "rdp", "serial")
TYPES = ("novnc", "xvpvnc", "rdp-html5", "spice-html5", "serial")
CREATE = {"2.6": _console(PROTOCOLS, TYPES), "2.8": _console((*PROTOCOLS, "mks"), (*TYPES, "webmks")),
          "2.99": _console((*PROTOCOLS, "mks"), (*TYPES, "webmks", "spice-direct"))}


def _older(action: str, protocol: str) -> Callable[[Service, Call], Body]:
    def handle(service: Service, call: Call) -> Body:
        wanted = call.body[action]["type"]
        url = tokens.create(service.kit, service.seal, call.context, call.path["server_id"], protocol, wanted)
        return {"console": {"type": wanted, "url": url}}
    handle.__doc__ = f"Open a {protocol} console."
    return handle


def create(service: Service, call: Call) -> Body:
    """Open a console of any protocol."""
    asked = call.body["remote_console"]
    url = tokens.create(service.kit, service.seal, call.context, call.path["server_id"], asked["protocol"],
                        asked["type"])
    return {"remote_console": {"protocol": asked["protocol"], "type": asked["type"], "url": url}}


def show_token(service: Service, call: Call) -> Body:
    """What a token opens, and where that listens on its host; before 2.31 this could tell of RDP consoles alone."""
    row, endpoint = tokens.show(service.kit, call.context, call.path["token"], only_rdp=not call.since("2.31"))
    console = {"instance_uuid": row.server_id, "host": endpoint.host or row.host, "port": endpoint.port,
               "internal_access_path": endpoint.path or None}
    if call.since("2.99"):
        console["tls_port"] = None
    return {"console": console}


OPERATIONS = (
    *(Action(f"{SERVER}/action", action, _older(action, protocol), RULE, _typed(*types), status=200, until="2.5")
      for action, protocol, types in (("os-getVNCConsole", "vnc", ("novnc", "xvpvnc")),
                                      ("os-getSPICEConsole", "spice", ("spice-html5",)),
                                      ("os-getRDPConsole", "rdp", ("rdp-html5",)),
                                      ("os-getSerialConsole", "serial", ("serial",)))),
    Operation("POST", f"{SERVER}/remote-consoles", create, RULE, body=CREATE, since="2.6",
              summary="Open a server's console"),
    Operation("GET", "/os-console-auth-tokens/{token}", show_token, "os_compute_api:os-console-auth-tokens",
              summary="Show what a console's token opens"),
)
