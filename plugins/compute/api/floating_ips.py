"""Floating IPs over HTTP as compute had them until microversions 2.35 and 2.43: views of the network service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ....core.errors import BadRequest, Conflict, NotFound
from ....core.http.call import Call
from ....core.http.table import Action, Operation
from ....core.http.validation import is_uuid
from ....core.services.network import NetworkService
from .. import servers
from .parameters import closed

if TYPE_CHECKING:
    from ..service import Service

CREATE = {"type": ["object", "null"], "properties": {"pool": {"type": ["string", "null"], "maxLength": 255}},
          "additionalProperties": False}
ADDRESS = {"type": "string", "format": "ip"}
ADD = closed({"address": ADDRESS, "fixed_address": ADDRESS}, ("address",))
REMOVE = closed({"address": ADDRESS}, ("address",))


def _network(service: Service) -> NetworkService:
    return service.kit.peers.of(NetworkService)


def _views(service: Service, call: Call, floating: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Floating IPs with their networks' names and the servers that have them, two queries for all."""
    network = _network(service)
    ids = sorted({one["port_id"] for one in floating if one["port_id"]})
    ports = network.documents(call.context, "port", {"id": ids}) if ids else []
    owners = {port["id"]: port["device_id"] or None for port in ports}
    names = {one["id"]: one["name"] for one in _pools(service, call)}
    return [{"id": one["id"], "ip": one["floating_ip_address"], "fixed_ip": one["fixed_ip_address"],
             "pool": names.get(one["floating_network_id"], one["floating_network_id"]),
             "instance_id": owners.get(one["port_id"])} for one in floating]


def _pools(service: Service, call: Call) -> list[dict[str, Any]]:
    return _network(service).documents(call.context, "network", {"router:external": ["True"]})


def index(service: Service, call: Call) -> Mapping[str, Any]:
    """The project's floating IPs."""
    found = _network(service).documents(call.context, "floatingip", {"project_id": [call.context.project_id]})
    return {"floating_ips": _views(service, call, found)}


def pools(service: Service, call: Call) -> Mapping[str, Any]:
    """The networks that floating IPs come from."""
    return {"floating_ip_pools": [{"name": network["name"] or network["id"]} for network in _pools(service, call)]}


def _id(call: Call) -> str:
    if not is_uuid(call.path["floating_ip_id"]):
        raise BadRequest(f"Invalid floating IP ID {call.path['floating_ip_id'][:100]}")
    return call.path["floating_ip_id"]


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """One floating IP."""
    found = _network(service).document(call.context, "floatingip", _id(call))
    return {"floating_ip": _views(service, call, [found])[0]}


def create(service: Service, call: Call) -> Mapping[str, Any]:
    """Take a floating IP from a network, by its name or id, or from the first there is."""
    wanted = (call.body or {}).get("pool")
    found = [one for one in _pools(service, call) if not wanted or wanted in (one["id"], one["name"])]
    if not found:
        raise NotFound("Floating IP pool not found.")
    try:
        made = _network(service).make(call.context, "floatingip", {"floating_network_id": found[0]["id"]})
    except Conflict as exc:
        raise NotFound("No more floating IPs available.") from exc
    return {"floating_ip": _views(service, call, [made])[0]}


def delete(service: Service, call: Call) -> None:
    """Give a floating IP back."""
    _network(service).remove(call.context, "floatingip", _id(call))


def _found(service: Service, call: Call, address: str) -> dict[str, Any]:
    found = _network(service).documents(call.context, "floatingip", {"floating_ip_address": [address]})
    if not found:
        raise NotFound("floating IP not found")
    return found[0]


def _port(nics: list[Mapping[str, Any]], fixed: str) -> tuple[str, str]:
    """The port and the IPv4 address that get a floating IP: those asked for, or the server's first.

    :raises BadRequest: there are none.
    """
    for nic in nics:
        for one in nic["addresses"]:
            if one["version"] == 4 and one["kind"] == "fixed" and fixed in ("", one["address"]):
                return nic["port_id"], one["address"]
    if fixed:
        raise BadRequest("Specified fixed address not assigned to instance")
    raise BadRequest("No fixed IPs associated to instance")


def add(service: Service, call: Call) -> None:
    """Let a floating IP stand for a server's address; it leaves the server it stood for before."""
    asked = call.body["addFloatingIp"]
    row = servers.show(service.kit, call.context, call.path["server_id"])
    port_id, address = _port(row.nics, asked.get("fixed_address", ""))
    found = _found(service, call, asked["address"])
    try:
        _network(service).change(call.context, "floatingip", found["id"],
                                 {"port_id": port_id, "fixed_ip_address": address})
    except (NotFound, Conflict) as exc:
        raise BadRequest(f"Unable to associate floating IP {asked['address']} to fixed IP {address} for instance "
                         f"{row.id}. Error: {exc.message}") from exc


def remove(service: Service, call: Call) -> None:
    """Let a floating IP stand for a server no more."""
    address = call.body["removeFloatingIp"]["address"]
    row = servers.show(service.kit, call.context, call.path["server_id"])
    found = _found(service, call, address)
    if found["port_id"] not in [nic["port_id"] for nic in row.nics]:
        raise Conflict(f"Floating IP {address} is not associated with instance {row.id}.")
    _network(service).change(call.context, "floatingip", found["id"], {"port_id": None})


RULE = "os_compute_api:os-floating-ips:"
LAST, LAST_ACTION = "2.35", "2.43"
ALL, ONE = "/os-floating-ips", "/os-floating-ips/{floating_ip_id}"
ACTION = "/servers/{server_id}/action"
OPERATIONS = (
    Operation("GET", ALL, index, RULE + "list", until=LAST, summary="List floating IPs"),
    Operation("POST", ALL, create, RULE + "create", body=CREATE, until=LAST, summary="Take a floating IP"),
    Operation("GET", ONE, show, RULE + "show", until=LAST, summary="Show a floating IP"),
    Operation("DELETE", ONE, delete, RULE + "delete", until=LAST, status=202, summary="Give a floating IP back"),
    Operation("GET", "/os-floating-ip-pools", pools, "os_compute_api:os-floating-ip-pools", until=LAST,
              summary="List the networks that floating IPs come from"),
    Action(ACTION, "addFloatingIp", add, RULE + "add", ADD, until=LAST_ACTION,
           summary="Give a server a floating IP"),
    Action(ACTION, "removeFloatingIp", remove, RULE + "remove", REMOVE, until=LAST_ACTION,
           summary="Take a floating IP from a server"),
)
