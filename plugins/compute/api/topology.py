"""The memory and processors of guests, node by node, over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.http.call import Call
from ....core.http.table import Operation
from .. import servers
from ..service import Service


def show(service: Service, call: Call) -> Any:
    """A guest's NUMA topology: no guest here is given one, so that it has no nodes of its own."""
    servers.show(service.kit, call.context, call.path["server_id"])
    return {"nodes": [], "pagesize_kb": None}


OPERATIONS = (
    Operation("GET", "/servers/{server_id}/topology", show, "compute:server:topology:index", since="2.78",
              summary="Show a server's NUMA topology"),
)
