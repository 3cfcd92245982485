"""Backups, crash dumps, passwords and diagnostics of servers over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.http.call import Call, Reply
from ....core.http.table import Action, Operation
from .. import states, tending
from ..service import Service
from .actions import PATH, PREFIX, image_location
from .diagnostics import older, standard
from .gone import gone
from .parameters import NAME, closed, natural
from .server_schema import CHANGE_PASSWORD, METADATA, NOTHING

BACKUP = closed({"name": NAME, "backup_type": {"type": "string"}, "rotation": natural(), "metadata": METADATA},
                ("name", "backup_type", "rotation"))


def create_backup(service: Service, call: Call) -> Any:
    """Begin to make a backup of a server."""
    wish = call.body["createBackup"]
    image_id = tending.back_up(service.kit, call.context, call.path["server_id"], wish,
                               limited=call.version < (2, 39))
    if call.since("2.45"):
        return {"image_id": image_id}
    return Reply(None, headers={"Location": image_location(service, call, image_id)} if int(wish["rotation"]) else {})


def crash_dump(service: Service, call: Call) -> None:
    """Begin to make a guest's kernel dump its memory."""
    tending.crash_dump(service.kit, call.context, call.path["server_id"])


def inject_network(service: Service, call: Call) -> None:
    """Begin to wire a server's ports anew."""
    tending.inject_network(service.kit, call.context, call.path["server_id"])


def change_password(service: Service, call: Call) -> None:
    """Give a server's administrator a password, through the agent inside of it."""
    tending.change_password(service.kit, call.context, call.path["server_id"],
                            call.body["changePassword"]["adminPass"])


def diagnostics(service: Service, call: Call) -> Any:
    """What a guest used since it was started."""
    row, use = tending.use(service.kit, call.context, call.path["server_id"])
    if not call.since("2.48"):
        return older(row.memory_mib, use)
    host = service.fleet.host(row.host)
    words = {number: power.value for power, number in states.POWER.items()}
    return standard(row, use, words.get(row.power_state, "pending"), host.hypervisor_type if host else None)


OPERATIONS = (
    Action(PATH, "createBackup", create_backup, PREFIX + "os-create-backup", BACKUP),
    Action(PATH, "trigger_crash_dump", crash_dump, PREFIX + "servers:trigger_crash_dump", NOTHING, since="2.17"),
    Action(PATH, "changePassword", change_password, PREFIX + "os-admin-password", CHANGE_PASSWORD),
    Action(PATH, "resetNetwork", gone, PREFIX + "os-admin-actions:reset_network", gone=True),
    Action(PATH, "injectNetworkInfo", inject_network, PREFIX + "os-admin-actions:inject_network_info"),
    Operation("GET", "/servers/{server_id}/diagnostics", diagnostics, PREFIX + "os-server-diagnostics",
              summary="Show a server's diagnostics"),
)
