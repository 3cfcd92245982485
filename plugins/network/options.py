"""The options of the network slice."""

from __future__ import annotations

import dataclasses

from ...core.config import option


@dataclasses.dataclass(frozen=True)
class Options:
    """Section ``[network]``."""

    driver: str = option("simulated", "network driver of this host's agent")
    hosts: tuple[str, ...] = option((), "names of hosts this process plays, for trials; empty means its own")
    tunnel_address: str = option("", "underlay address where other hosts' tunnels reach this host")
    availability_zone: str = option("nova", "availability zone of this host's network agent")
    tenant_network_type: str = option("vxlan", "type of networks that ask for none")
    external_network_type: str = option("local", "type of external networks that ask for none")
    external_physical_network: str = option("physnet", "physical network of external networks of type flat "
                                                       "that name none")
    tunnel_mtu: int = option(1450, "MTU in bytes of networks in tunnels")
    physical_mtu: int = option(1500, "MTU in bytes of other networks")
    base_mac: str = option("fa:16:3e", "first three octets of ports' MACs")
    quota_network: int = option(100, "networks a project may have; negative: no limit")
    quota_subnet: int = option(100, "subnets a project may have; negative: no limit")
    quota_subnetpool: int = option(-1, "subnet pools a project may have; negative: no limit")
    quota_port: int = option(500, "ports a project may have; negative: no limit")
    quota_router: int = option(10, "routers a project may have; negative: no limit")
    quota_floatingip: int = option(50, "floating IPs a project may have; negative: no limit")
    quota_security_group: int = option(10, "security groups a project may have; negative: no limit")
    quota_security_group_rule: int = option(100, "security group rules a project may have; negative: no limit")
