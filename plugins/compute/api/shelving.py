"""Shelving over HTTP."""

from __future__ import annotations

from ....core.http.call import Call
from ....core.http.table import Action
from .. import shelving
from ..service import Service
from ..shelving import Destination
from .actions import PATH, PREFIX
from .parameters import HOST, NAME, Piece, closed

ZONE: Piece = {"oneOf": [NAME, {"type": "null"}]}
UNSHELVE: dict[str, Piece] = {
    "2.1": {},
    "2.77": {"oneOf": [{"type": "null"}, closed({"availability_zone": NAME}, ("availability_zone",))]},
    "2.91": {"oneOf": [{"type": "null"}, {**closed({"availability_zone": ZONE, "host": HOST}), "minProperties": 1}]},
}


def shelve(service: Service, call: Call) -> None:
    """Begin to shelve a server."""
    shelving.shelve(service.kit, call.context, call.path["server_id"])


def offload(service: Service, call: Call) -> None:
    """Begin to take a shelved server from its host."""
    shelving.offload(service.kit, call.context, call.path["server_id"])


def unshelve(service: Service, call: Call) -> None:
    """Begin to take a server off the shelf."""
    asked = call.body["unshelve"] if call.since("2.77") else None
    wanted = None
    if asked:
        zone = asked["availability_zone"] or "" if "availability_zone" in asked else None
        wanted = Destination(zone, asked.get("host", ""))
    shelving.unshelve(service.kit, service.fleet, call.context, call.path["server_id"], wanted)


OPERATIONS = (
    Action(PATH, "shelve", shelve, PREFIX + "os-shelve:shelve"),
    Action(PATH, "shelveOffload", offload, PREFIX + "os-shelve:shelve_offload"),
    Action(PATH, "unshelve", unshelve, PREFIX + "os-shelve:unshelve", UNSHELVE),
)
