"""Agents, availability zones and the use of addresses over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.http.call import Call
from ....core.http.table import Operation
from ..availability import availability
from ..listing import RESERVED
from ..noun import truth
from ..service import Service
from .shape import BOOLEAN, NAME, attributes, one

BODY = one("agent", attributes({"admin_state_up": BOOLEAN, "description": NAME}))


def index(service: Service, call: Call) -> dict[str, Any]:
    """All agents; none for those who may not see any."""
    if not call.allows("get_agent"):
        return {"agents": []}
    filters = {name: values for name, values in call.query.items() if name not in RESERVED}
    return {"agents": [_chosen(one, call) for one in service.agents.index(filters)]}


def show(service: Service, call: Call) -> dict[str, Any]:
    """One agent."""
    return {"agent": _chosen(service.agents.show(call.path["id"]), call)}


def _chosen(agent: dict[str, Any], call: Call) -> dict[str, Any]:
    fields = call.many("fields")
    return {name: agent[name] for name in fields if name in agent} if fields else agent


def update(service: Service, call: Call) -> dict[str, Any]:
    """Change an agent."""
    changes = dict(call.body["agent"])
    if "admin_state_up" in changes:
        changes["admin_state_up"] = truth(changes["admin_state_up"])
    return {"agent": service.agents.update(call.context, call.path["id"], changes)}


def delete(service: Service, call: Call) -> None:
    """Forget an agent."""
    service.agents.delete(call.context, call.path["id"])


def zones(service: Service, call: Call) -> dict[str, Any]:
    """All availability zones."""
    found = service.agents.zones()
    for name in ("name", "resource", "state"):
        if wanted := call.many(name):
            found = [one for one in found if one[name] in wanted]
    return {"availability_zones": found}


def uses(service: Service, call: Call) -> dict[str, Any]:
    """How many addresses of each network are taken."""
    return {"network_ip_availabilities": availability(service, call.query)}


def use(service: Service, call: Call) -> dict[str, Any]:
    """How many addresses of one network are taken."""
    service.networks.show(call.context, call.path["id"])
    return {"network_ip_availability": availability(service, {"network_id": [call.path["id"]]})[0]}


OPERATIONS = (
    Operation("GET", "/agents", index, "list_agents", summary="List agents"),
    Operation("GET", "/agents/{id}", show, "get_agent", summary="Show an agent"),
    Operation("PUT", "/agents/{id}", update, "update_agent", body=BODY, summary="Change an agent"),
    Operation("DELETE", "/agents/{id}", delete, "delete_agent", status=204, summary="Forget an agent"),
    Operation("GET", "/availability_zones", zones, "get_availability_zone", summary="List availability zones"),
    Operation("GET", "/network-ip-availabilities", uses, "get_network_ip_availability", summary="List address use"),
    Operation("GET", "/network-ip-availabilities/{id}", use, "get_network_ip_availability",
              summary="Show a network's address use"),
)
