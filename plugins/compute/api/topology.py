"""The memory and processors of guests, node by node, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....core.drivers.topology import SeatCell
from ....core.http.call import Call
from ....core.http.table import Operation
from .. import seats, servers
from ..service import Service

HOSTS = "compute:server:topology:host:index"


def show(service: Service, call: Call) -> Any:
    """A guest's cells, with those of its host for who may see these; a guest that asked for none has none."""
    row = servers.show(service.kit, call.context, call.path["server_id"])
    hosts = service.kit.policy.allows(call.context, HOSTS, {"project_id": row.project_id, "user_id": row.user_id})
    with service.kit.db.read() as tx:
        seat = seats.of(tx, row.id)
    cells = seat.cells if seat is not None else ()
    return {"nodes": [_node(cell, hosts) for cell in cells], "pagesize_kb": _page_kib(cells)}


def _node(cell: SeatCell, hosts: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"memory_mb": cell.memory_mib, "vcpu_set": list(cell.cpus),
                             "siblings": [list(one) for one in cell.siblings]}
    if hosts:
        shown.update(host_node=cell.node, cpu_pinning={str(virtual): cpu for virtual, cpu in cell.pins})
    return shown


def _page_kib(cells: Sequence[SeatCell]) -> int | None:
    return next((cell.page_kib for cell in cells if cell.page_kib), None)


OPERATIONS = (
    Operation("GET", "/servers/{server_id}/topology", show, "compute:server:topology:index", since="2.78",
              summary="Show a server's NUMA topology"),
)
