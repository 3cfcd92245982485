"""Options of the bridge driver."""

from __future__ import annotations

import dataclasses

from ...core.config import option
from ...core.errors import BadConfiguration


@dataclasses.dataclass(frozen=True)
class Options:
    """Section of the bridge driver."""

    prefix: str = option("", "one to four letters and digits that begin the names of all devices and namespaces; "
                             "empty: s and three that come from the path of the driver's state")
    host_namespace: str = option("", "network namespace in which the hypervisor makes guests' devices; "
                                     "empty: this process's own")
    local_address: str = option("", "address of this host on the underlay, the end of its tunnels; "
                                    "empty: networks stay within this host")
    vxlan_port: int = option(4789, "UDP port of the tunnels")
    physical_networks: tuple[str, ...] = option((), "physical networks as name:device, where device is an interface "
                                                    "or a bridge of this host")
    masquerade: bool = option(True, "let external networks that stay within this host leave it by its own address; "
                                    "it forwards packets then")
    metadata_socket: str = option("", "Unix socket of the metadata service; empty: the one of "
                                      "this process, unless there is a metadata_url")
    metadata_url: str = option("", "URL of the metadata service, reached from the host's namespace; "
                                   "used when there is no metadata_socket")
    lease_s: int = option(86400, "seconds for which a guest is lent its address")
    mtu: int = option(1450, "MTU of tenant networks in bytes; the underlay must carry 50 more")
    dnsmasq: str = option("dnsmasq", "the dnsmasq program")
    dnsmasq_user: str = option("root", "account of dnsmasq; it must be able to read the driver's run folder")
    nft: str = option("nft", "the nft program")
    timeout_s: float = option(30.0, "seconds after which a program that was started is given up")

    def physical(self, name: str) -> str:
        """The device of physical network ``name``.

        :raises BadConfiguration: none is configured.
        """
        for mapping in self.physical_networks:
            key, _, device = mapping.partition(":")
            if key == name and device:
                return device
        raise BadConfiguration(f"this host has no device for physical network {name!r}")
