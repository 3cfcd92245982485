"""Fixed addresses of servers over HTTP, as compute changed them until microversion 2.43: those of the ports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ....core.errors import BadRequest, Conflict, NotFound
from ....core.http.call import Call
from ....core.http.table import Action
from ....core.services.network import NetworkService
from .. import servers, states
from .parameters import closed

if TYPE_CHECKING:
    from ..service import Service

ADD = closed({"networkId": {"type": ["string", "integer"], "minLength": 1, "maxLength": 255}}, ("networkId",))
REMOVE = closed({"address": {"type": "string", "format": "ip"}}, ("address",))


def _change(service: Service, call: Call, port_id: str, addresses: list[dict[str, Any]]) -> None:
    """Give a port these addresses. :raises BadRequest: the network has none left, or they cannot be had."""
    server_id = call.path["server_id"]
    try:
        service.kit.peers.of(NetworkService).change(call.context, "port", port_id, {"fixed_ips": addresses})
    except (NotFound, Conflict) as exc:
        raise BadRequest(f"The fixed addresses of server {server_id} cannot be changed: {exc.message}") from exc
    service.network_changed(call.context, server_id)


def _fixed(nic: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"subnet_id": one["subnet_id"], "ip_address": one["address"]} for one in nic["addresses"]
            if one.get("kind", "fixed") == "fixed"]


def add(service: Service, call: Call) -> None:
    """Give a server one more address, on the port it has in a network."""
    row = servers.show(service.kit, call.context, call.path["server_id"])
    states.check(row, "attach_interface", call.context)
    network_id = str(call.body["addFixedIp"]["networkId"])
    for nic in row.nics:
        if nic["network_id"] == network_id and (present := _fixed(nic)):
            _change(service, call, nic["port_id"], [*present, {"subnet_id": present[0]["subnet_id"]}])
            return
    raise BadRequest(f"Network {network_id[:100]} is none of the server's.")


def remove(service: Service, call: Call) -> None:
    """Take an address from a server."""
    row = servers.show(service.kit, call.context, call.path["server_id"])
    states.check(row, "detach_interface", call.context)
    address = call.body["removeFixedIp"]["address"]
    for nic in row.nics:
        present = _fixed(nic)
        if any(one["ip_address"] == address for one in present):
            _change(service, call, nic["port_id"], [one for one in present if one["ip_address"] != address])
            return
    raise BadRequest(f"Fixed IP {address} not found on instance {row.id}")


RULE = "os_compute_api:os-multinic:"
LAST = "2.43"
ACTION = "/servers/{server_id}/action"
OPERATIONS = (
    Action(ACTION, "addFixedIp", add, RULE + "add", ADD, until=LAST, summary="Give a server a fixed address"),
    Action(ACTION, "removeFixedIp", remove, RULE + "remove", REMOVE, until=LAST,
           summary="Take a fixed address from a server"),
)
