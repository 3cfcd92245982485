"""Routers and floating IPs over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.http.call import Call
from ....core.http.table import Operation
from ..service import Service
from .noun import Face
from .shape import (
    BOOLEAN,
    FIXED_IP,
    IP,
    IP_OR_NONE,
    NAME,
    NAME_OR_NONE,
    ROUTE,
    UUID,
    UUID_OR_NONE,
    Schema,
    attributes,
    listed,
    maybe,
    one,
    owned,
)

GATEWAY: Schema = {"anyOf": [{"type": "null"}, {
    "type": "object", "properties": {"network_id": UUID_OR_NONE, "enable_snat": BOOLEAN,
                                     "external_fixed_ips": maybe(listed(FIXED_IP)), "qos_policy_id": {"type": "null"}},
    "additionalProperties": False}]}
CHANGEABLE = {"name": NAME, "description": NAME_OR_NONE, "admin_state_up": BOOLEAN, "external_gateway_info": GATEWAY,
              "distributed": BOOLEAN, "ha": BOOLEAN}
CREATE = attributes(owned({**CHANGEABLE, "availability_zone_hints": listed(NAME)}))
UPDATE = attributes({**CHANGEABLE, "routes": maybe(listed(ROUTE))})
INTERFACE: Schema = {"type": "object", "properties": {"subnet_id": UUID, "port_id": UUID}, "minProperties": 1,
                     "additionalProperties": False}
ROUTES = one("router", attributes({"routes": listed(ROUTE)}, ["routes"]))
FLOATING = {"port_id": UUID_OR_NONE, "fixed_ip_address": IP_OR_NONE, "description": NAME_OR_NONE}
FLOATING_CREATE = attributes(owned({**FLOATING, "floating_network_id": UUID, "floating_ip_address": maybe(IP),
                                    "subnet_id": UUID_OR_NONE}), ["floating_network_id"])


def add_interface(service: Service, call: Call) -> dict[str, Any]:
    """Lead a router into a subnet."""
    return service.routers.add_interface(call.context, call.path["id"], call.body)


def remove_interface(service: Service, call: Call) -> dict[str, Any]:
    """Take a router out of a subnet."""
    return service.routers.remove_interface(call.context, call.path["id"], call.body)


def add_routes(service: Service, call: Call) -> dict[str, Any]:
    """Add routes to a router."""
    return _routes(service, call, True)


def remove_routes(service: Service, call: Call) -> dict[str, Any]:
    """Remove routes from a router."""
    return _routes(service, call, False)


def _routes(service: Service, call: Call, add: bool) -> dict[str, Any]:
    return {"router": service.routers.change_routes(call.context, call.path["id"], call.body["router"]["routes"], add)}


FACE = Face("router", "routers", "/routers")
FLOATING_IPS = Face("floatingip", "floatingips", "/floatingips")
OPERATIONS = (
    *FACE.operations(CREATE, UPDATE), *FACE.tag_operations(),
    Operation("PUT", "/routers/{id}/add_router_interface", add_interface, "add_router_interface", body=INTERFACE,
              summary="Lead a router into a subnet"),
    Operation("PUT", "/routers/{id}/remove_router_interface", remove_interface, "remove_router_interface",
              body=INTERFACE, summary="Take a router out of a subnet"),
    Operation("PUT", "/routers/{id}/add_extraroutes", add_routes, "add_extraroutes", body=ROUTES,
              summary="Add routes to a router"),
    Operation("PUT", "/routers/{id}/remove_extraroutes", remove_routes, "remove_extraroutes", body=ROUTES,
              summary="Remove routes from a router"),
    *FLOATING_IPS.operations(FLOATING_CREATE, attributes(FLOATING)), *FLOATING_IPS.tag_operations(),
)
