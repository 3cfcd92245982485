"""Networks over HTTP as compute showed them until microversion 2.35: views of the network service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ....core.errors import NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from ....core.services.network import NetworkService

if TYPE_CHECKING:
    from ..service import Service

UNKNOWN = ("bridge", "bridge_interface", "broadcast", "cidr", "cidr_v6", "created_at", "deleted", "deleted_at",
           "dhcp_server", "dhcp_start", "dns1", "dns2", "enable_dhcp", "gateway", "gateway_v6", "host", "injected",
           "mtu", "multi_host", "netmask", "netmask_v6", "priority", "project_id", "rxtx_base", "share_address",
           "updated_at", "vlan", "vpn_private_address", "vpn_public_address", "vpn_public_port")
"""What networks had before the network service kept them."""


def _view(network: Mapping[str, Any]) -> dict[str, Any]:
    return {**dict.fromkeys(UNKNOWN), "id": network["id"], "label": network["name"]}


def _brief(network: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": network["id"], "label": network["name"], "cidr": None}


def _all(service: Service, call: Call) -> list[dict[str, Any]]:
    return service.kit.peers.of(NetworkService).documents(call.context, "network", {})


def _one(service: Service, call: Call) -> dict[str, Any]:
    try:
        return service.kit.peers.of(NetworkService).document(call.context, "network", call.path["network_id"])
    except NotFound as exc:
        raise NotFound("Network not found") from exc


def index(service: Service, call: Call) -> Mapping[str, Any]:
    """All networks that the caller may use."""
    return {"networks": [_view(network) for network in _all(service, call)]}


def show(service: Service, call: Call) -> Mapping[str, Any]:
    """One network."""
    return {"network": _view(_one(service, call))}


def tenant_index(service: Service, call: Call) -> Mapping[str, Any]:
    """All networks that the project may use, in short."""
    return {"networks": [_brief(network) for network in _all(service, call)]}


def tenant_show(service: Service, call: Call) -> Mapping[str, Any]:
    """One network, in short."""
    return {"network": _brief(_one(service, call))}


RULE = "os_compute_api:"
LAST = "2.35"
OPERATIONS = (
    Operation("GET", "/os-networks", index, RULE + "os-networks:list", until=LAST, summary="List networks"),
    Operation("GET", "/os-networks/{network_id}", show, RULE + "os-networks:show", until=LAST,
              summary="Show a network"),
    Operation("GET", "/os-tenant-networks", tenant_index, RULE + "os-tenant-networks:list", until=LAST,
              summary="List a project's networks"),
    Operation("GET", "/os-tenant-networks/{network_id}", tenant_show, RULE + "os-tenant-networks:show", until=LAST,
              summary="Show one of a project's networks"),
)
