"""Actions on servers: ``POST /servers/{id}/action``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....core.errors import Forbidden, NotFound, TooLarge
from ....core.http.call import Call, Reply
from ....core.http.table import Action
from ....core.services.identity import IdentityService
from .. import accounting, creation, records, servers, states
from ..agency import ComputeAgent, agent_queue
from ..service import Service
from . import server_schema as schema
from .server_view import Look

PATH = "/servers/{server_id}/action"
PREFIX = "os_compute_api:"
VOLUME_BACKED = PREFIX + "servers:create_image:allow_volume_backed"
CONSOLE_BYTES = 1 << 20
Body = Any


def _power(verb: str, event: str) -> Callable[[Service, Call], None]:
    def handle(service: Service, call: Call) -> None:
        servers.power(service.kit, call.context, call.path["server_id"], verb, event)
    handle.__doc__ = f"Begin to {verb} a server."
    return handle


def reboot(service: Service, call: Call) -> None:
    """Begin to reboot a server, softly or hard."""
    hard = call.body["reboot"]["type"].lower() == "hard"
    servers.power(service.kit, call.context, call.path["server_id"], "reboot_hard" if hard else "reboot",
                  "instance.reboot")


def rebuild(service: Service, call: Call) -> Body:
    """Begin to make a server anew from an image."""
    server_id, wish = call.path["server_id"], call.body["rebuild"]
    if wish.get("trusted_image_certificates"):
        creation.refuse_certificates()
    password = wish.get("adminPass") or creation.password(service.kit)
    servers.rebuild(service.kit, call.context, server_id, wish, reimage=call.since("2.93"),
                    sealed=lambda: service.seal.password(password))
    look = Look(service, call)
    row = servers.show(service.kit, call.context, server_id, records.WITH_DETAILS)
    if call.since("2.75"):
        found = look.full(row)
        found.pop("OS-EXT-SRV-ATTR:user_data", None)
    else:
        found = look.basic(row)
    if call.since("2.54"):
        found["key_name"] = row.key_name
    if call.since("2.57"):
        found["user_data"] = row.user_data
    found["adminPass"] = password
    return Reply({"server": found}, headers={"Location": look.links(server_id)[0]["href"]})


def create_image(service: Service, call: Call) -> Body:
    """Begin to make an image of a server."""
    wish = call.body["createImage"]
    metadata = wish.get("metadata") or {}
    row = servers.show(service.kit, call.context, call.path["server_id"])
    if not row.image_id:
        call.enforce(VOLUME_BACKED, {"project_id": row.project_id, "user_id": row.user_id})
    if call.version < (2, 39):
        with service.kit.db.read() as tx:
            creation.within_metadata(len(metadata), accounting.limits(service.kit, tx, call.context.project_id))
    try:
        image_id = servers.create_image(service.kit, call.context, call.path["server_id"], wish["name"], metadata)
    except TooLarge as exc:
        raise Forbidden(exc.message) from exc
    if call.since("2.45"):
        return {"image_id": image_id}
    return Reply(None, headers={"Location": image_location(service, call, image_id)})


def image_location(service: Service, call: Call, image_id: str) -> str:
    """Where an image is to be found: below the address that the catalog has for images, or below this service's."""
    kit = service.kit
    base = kit.peers.of(IdentityService).endpoint(call.context, "image", kit.region).rstrip("/")
    base = base or f"{call.request.scheme}://{call.request.netloc}/image"
    return f"{base.removesuffix('/v2')}/v2/images/{image_id}"


def lock(service: Service, call: Call) -> None:
    """Lock a server."""
    body = call.body["lock"] if call.since("2.73") else None
    servers.lock(service.kit, call.context, call.path["server_id"], (body or {}).get("locked_reason"))


def unlock(service: Service, call: Call) -> None:
    """Unlock a server."""
    servers.unlock(service.kit, call.context, call.path["server_id"])


def reset_state(service: Service, call: Call) -> None:
    """Set a server's state by hand."""
    servers.reset_state(service.kit, call.context, call.path["server_id"], call.body["os-resetState"]["state"])


def add_security_group(service: Service, call: Call) -> None:
    """Give all of a server's ports a security group."""
    servers.add_security_group(service.kit, call.context, call.path["server_id"], call.body["addSecurityGroup"]["name"])


def remove_security_group(service: Service, call: Call) -> None:
    """Take a security group from all of a server's ports."""
    servers.remove_security_group(service.kit, call.context, call.path["server_id"],
                                  call.body["removeSecurityGroup"]["name"])


def console_output(service: Service, call: Call) -> Body:
    """The last lines of what a guest wrote to its console."""
    row = servers.host_of(service.kit, call.context, call.path["server_id"])
    states.check(row, "console", call.context)
    asked = (call.body["os-getConsoleOutput"] or {}).get("length")
    agent = service.kit.mesh.reach(agent_queue(row.host), ComputeAgent)
    try:
        text = agent.console_log(call.context, row.id, CONSOLE_BYTES).decode(errors="replace")
    except NotFound as exc:
        raise NotFound("Unable to get console") from exc
    text = "".join(letter for letter in text if letter in "\n\r\t" or letter >= " ")
    if asked is not None and int(asked) >= 0:
        text = "\n".join(text.split("\n")[-int(asked):]) if int(asked) else ""
    return {"output": text}


OPERATIONS = (
    Action(PATH, "os-start", _power("start", "instance.power_on"), PREFIX + "servers:start"),
    Action(PATH, "os-stop", _power("stop", "instance.power_off"), PREFIX + "servers:stop"),
    Action(PATH, "reboot", reboot, PREFIX + "servers:reboot", schema.REBOOT),
    Action(PATH, "pause", _power("pause", "instance.pause"), PREFIX + "os-pause-server:pause"),
    Action(PATH, "unpause", _power("unpause", "instance.unpause"), PREFIX + "os-pause-server:unpause"),
    Action(PATH, "suspend", _power("suspend", "instance.suspend"), PREFIX + "os-suspend-server:suspend"),
    Action(PATH, "resume", _power("resume", "instance.resume"), PREFIX + "os-suspend-server:resume"),
    Action(PATH, "rebuild", rebuild, PREFIX + "servers:rebuild", schema.REBUILD),
    Action(PATH, "createImage", create_image, PREFIX + "servers:create_image", schema.CREATE_IMAGE),
    Action(PATH, "lock", lock, PREFIX + "os-lock-server:lock", schema.LOCK),
    Action(PATH, "unlock", unlock, PREFIX + "os-lock-server:unlock"),
    Action(PATH, "os-resetState", reset_state, PREFIX + "os-admin-actions:reset_state", schema.RESET_STATE),
    Action(PATH, "addSecurityGroup", add_security_group, PREFIX + "os-security-groups:add", schema.SECURITY_GROUP),
    Action(PATH, "removeSecurityGroup", remove_security_group, PREFIX + "os-security-groups:remove",
           schema.SECURITY_GROUP),
    Action(PATH, "os-getConsoleOutput", console_output, PREFIX + "os-console-output", schema.CONSOLE, status=200),
)
