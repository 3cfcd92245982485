"""The Networking API 2.0: tables of operations, one module a noun."""

from __future__ import annotations

from ....core.http.table import Api, under
from . import agents, groups, networks, ports, quotas, routers, subnets, topologies, versions
from .faults import fault

API = Api(
    name="network", prefix="/network",
    operations=(*versions.ROOT, *under("/v2.0", versions.OPERATIONS, networks.OPERATIONS, subnets.OPERATIONS,
                                       ports.OPERATIONS, groups.OPERATIONS, routers.OPERATIONS, quotas.OPERATIONS,
                                       agents.OPERATIONS, topologies.OPERATIONS)),
    fault=fault, statuses={"quota-exceeded": 409})
