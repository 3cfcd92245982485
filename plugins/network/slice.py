"""Network as a slice: its tables, rules, face, operations, agent and service."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.process.slice import Belonging, Kit, Slice
from .agent import agents, wires
from .api import API
from .control import NetworkControl
from .options import Options as NetworkOptions
from .rules import RULES
from .service import Service
from .tables import SCHEMA
from .workflows import WORKFLOWS


class Network(Slice):
    """Networks, subnets, ports, routers, floating IPs and security groups."""

    name = "network"
    interface = NetworkControl
    namespace = "neutron"
    Options = NetworkOptions
    schema = SCHEMA
    face = API
    rules = RULES
    workflows = WORKFLOWS
    agents = {"network": agents}
    catalog = (("network", "neutron", ""),)

    def service(self, kit: Kit) -> Service:
        """The service over the slice's database."""
        return Service(kit)

    def belongings(self, service: Service, kit: Kit) -> Iterator[Belonging]:
        """What is wired on this host."""
        return wires(kit)
