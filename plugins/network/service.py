"""The network service: the nouns side by side, and what compute and the agents ask of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...core.context import Context
from ...core.drivers.network import Vif
from ...core.process.slice import Kit
from ...core.services.network import Nic, NicRequest
from .agents import Agents
from .bootstrap import bootstrap
from .control import Beat, Expected, NetworkControl
from .desk import Desk
from .floating_ips import FloatingIps
from .group_rules import GroupRules
from .groups import Groups
from .listing import Listing
from .networks import Networks
from .noun import Noun, plain
from .options import Options
from .ports import Ports
from .quotas import Quotas
from .routers import Routers
from .servers import Servers
from .subnetpools import SubnetPools
from .subnets import Subnets
from .topologies import Topologies
from .wiring import Wiring
from .zones import Zones


class Service(NetworkControl, Desk):
    """All nouns of the slice by name, over one kit."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.options: Options = kit.options
        self.quotas: Quotas = Quotas(self)
        self.networks: Networks = Networks(self)
        self.subnets: Subnets = Subnets(self)
        self.subnetpools: SubnetPools = SubnetPools(self)
        self.ports: Ports = Ports(self)
        self.groups: Groups = Groups(self)
        self.rules: GroupRules = GroupRules(self)
        self.routers: Routers = Routers(self)
        self.floating_ips: FloatingIps = FloatingIps(self)
        self.agents: Agents = Agents(self)
        self.zones: Zones = Zones(self)
        self.wiring: Wiring = Wiring(self)
        self.servers = Servers(self)
        self.topologies = Topologies(self)
        self.nouns: dict[str, Noun] = {noun.name: noun for noun in (
            self.networks, self.subnets, self.subnetpools, self.ports, self.groups, self.rules, self.routers,
            self.floating_ips)}

    def mtu(self, network_type: str) -> int:
        """MTU in bytes of networks of a type that ask for none."""
        tunnel = network_type in ("vxlan", "gre", "geneve")
        return self.options.tunnel_mtu if tunnel else self.options.physical_mtu

    def resolve(self, context: Context, requests: Sequence[NicRequest] | None, count: int,
                security_groups: Sequence[str] = ()) -> list[NicRequest]:
        """See :class:`NetworkService`."""
        return self.servers.resolve(context, requests, count, security_groups)

    def own_network(self, context: Context) -> str:
        """See :class:`NetworkService`."""
        return self.topologies.network(context, context.project_id)

    def allocate(self, context: Context, server_id: str, project_id: str, host: str, zone: str, hostname: str,
                 requests: Sequence[NicRequest], security_groups: Sequence[str]) -> list[Nic]:
        """See :class:`NetworkService`."""
        return self.servers.allocate(context, server_id, project_id, host, zone, hostname, requests, security_groups)

    def attach(self, context: Context, server_id: str, project_id: str, host: str, zone: str, hostname: str,
               request: NicRequest, port_id: str) -> Nic:
        """See :class:`NetworkService`."""
        return self.servers.attach(context, server_id, project_id, host, zone, hostname, request, port_id)

    def plug(self, context: Context, server_id: str, host: str) -> list[Vif]:
        """See :class:`NetworkService`."""
        return self.servers.plug(context, server_id, host)

    def bind(self, context: Context, server_id: str, host: str, zone: str = "") -> None:
        """See :class:`NetworkService`."""
        self.servers.bind(server_id, host, zone)

    def unplug(self, context: Context, server_id: str, host: str, later: bool = False) -> None:
        """See :class:`NetworkService`."""
        self.servers.unplug(context, server_id, host, later)

    def release(self, context: Context, server_id: str, port_ids: Sequence[str] | None = None) -> None:
        """See :class:`NetworkService`."""
        self.servers.release(context, server_id, port_ids)

    def nics(self, context: Context, server_ids: Sequence[str]) -> dict[str, list[Nic]]:
        """See :class:`NetworkService`."""
        return self.servers.nics(context, server_ids)

    def security_groups(self, context: Context, server_id: str) -> list[str]:
        """See :class:`NetworkService`."""
        return self.servers.security_groups(context, server_id)

    def add_security_group(self, context: Context, server_id: str, project_id: str, group: str) -> None:
        """See :class:`NetworkService`."""
        self.servers.change_group(context, server_id, project_id, group, add=True)

    def remove_security_group(self, context: Context, server_id: str, project_id: str, group: str) -> None:
        """See :class:`NetworkService`."""
        self.servers.change_group(context, server_id, project_id, group, add=False)

    def documents(self, context: Context, noun: str, filters: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        """See :class:`NetworkService`."""
        if noun == "security_group":
            self.groups.ensure_default(context)
        items, _ = self.nouns[noun].index(context, Listing(filters))
        return [plain(item) for item in items]

    def document(self, context: Context, noun: str, id: str) -> dict[str, Any]:
        """See :class:`NetworkService`."""
        return plain(self.nouns[noun].show(context, id))

    def make(self, context: Context, noun: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """See :class:`NetworkService`."""
        return self.nouns[noun].create(context, [dict(body)])[0]

    def change(self, context: Context, noun: str, id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """See :class:`NetworkService`."""
        return self.nouns[noun].update(context, id, dict(changes))

    def remove(self, context: Context, noun: str, id: str) -> None:
        """See :class:`NetworkService`."""
        self.nouns[noun].delete(context, id)

    def network_data(self, context: Context, server_id: str) -> dict[str, Any]:
        """See :class:`NetworkService`."""
        return self.servers.network_data(context, server_id)

    def owner_of_address(self, context: Context, network_id: str, address: str) -> str:
        """See :class:`NetworkService`."""
        return self.servers.owner_of_address(context, network_id, address)

    def beat(self, context: Context, beat: Beat) -> None:
        """See :class:`NetworkControl`."""
        self.agents.beats([beat])

    def beats(self, context: Context, beats: list[Beat]) -> None:
        """See :class:`NetworkControl`."""
        self.agents.beats(beats)

    def expected(self, context: Context, host: str) -> Expected:
        """See :class:`NetworkControl`."""
        return self.wiring.expected(host)

    def bootstrap(self, context: Context, demo_project_id: str) -> None:
        """Make the networks of a new cloud; what is there by name stays."""
        bootstrap(self, context, demo_project_id)
