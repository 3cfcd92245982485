"""DHCP of one network: a dnsmasq in the network's namespace that lends only what ports hold."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path

from ...core.drivers.network import NetworkSpec, Subnet
from . import lease, namespace
from .options import Options
from .process import running, stop
from .program import run
from .record import Lease, write

DEVICE = "dhcp0"
METADATA = "169.254.169.254"
UNFIT = re.compile(r"[^A-Za-z0-9-]+")
MISTAKABLE = re.compile(r"[0-9]+[wdhms]?|infinite|ignore", re.IGNORECASE)
LONGEST_NAME = 58


class Dhcp:
    """The dnsmasq of one network, with its files in ``folder``."""

    def __init__(self, options: Options, folder: Path, space: str) -> None:
        self._options = options
        self._folder = folder
        self._space = space
        self._conf = folder / "dnsmasq.conf"
        self._pid_file = folder / "dnsmasq.pid"

    def apply(self, network: NetworkSpec, leases: Sequence[Lease]) -> None:
        """Make dnsmasq serve the network and these ports.

        New hosts and options are read again without a restart; new subnets need one.
        """
        served = [subnet for subnet in network.subnets if subnet.dhcp and subnet.dhcp_address]
        if not served:
            self.stop()
            return
        fresh = write(self._folder / "dnsmasq.hosts", "".join(_hosts(served, leases)))
        fresh |= write(self._folder / "dnsmasq.opts", "".join(_options(network, served)))
        moved = write(self._conf, "".join(self._lines(served)))
        pid = self.running()
        if pid and moved:
            self.stop()
            pid = 0
        if not pid:
            self._start()
            return
        if fresh:
            self._release(served, leases)
            os.kill(pid, signal.SIGHUP)

    def running(self) -> int:
        """The pid of the living dnsmasq, else 0."""
        return running(self._pid_file, f"--conf-file={self._conf}")

    def stop(self) -> None:
        """End dnsmasq; nothing if it does not run."""
        pid = self.running()
        if pid:
            stop(pid)
        self._pid_file.unlink(missing_ok=True)

    def _start(self) -> None:
        with namespace.entered(self._space):
            run([self._options.dnsmasq, f"--conf-file={self._conf}"], self._options.timeout_s)

    def _release(self, served: Sequence[Subnet], leases: Sequence[Lease]) -> None:
        """Take back what is lent to a MAC that no longer holds it, so that another may have it."""
        held = {(entry.mac.lower(), address) for entry in leases for _, address in entry.addresses}
        for lent in lease.read(self._folder / "dnsmasq.leases"):
            if (lent.mac, lent.address) not in held:
                server = _server_of(served, lent.address)
                if server:
                    with namespace.entered(self._space):
                        lease.release(lent, server, DEVICE)

    def _lines(self, served: Sequence[Subnet]) -> Iterator[str]:
        yield from ("port=0\n", "no-hosts\n", "no-resolv\n", "no-ping\n", "bind-dynamic\n", "except-interface=lo\n",
                    f"interface={DEVICE}\n", f"user={self._options.dnsmasq_user}\n", "dhcp-authoritative\n",
                    "dhcp-ignore-clid\n", "quiet-dhcp\n", "quiet-dhcp6\n", "quiet-ra\n")
        for key, name in (("dhcp-hostsfile", "hosts"), ("dhcp-optsfile", "opts"), ("dhcp-leasefile", "leases"),
                          ("pid-file", "pid")):
            yield f"{key}={self._folder / f'dnsmasq.{name}'}\n"
        for subnet in served:
            yield _range(subnet, self._options.lease_s)
        if any(subnet.ip_version == 6 for subnet in served):
            yield f"enable-ra\nra-param={DEVICE},0,0\n"


def _tag(subnet: Subnet) -> str:
    return f"s-{subnet.id}"


def _range(subnet: Subnet, lease_s: int) -> str:
    net = ip_network(subnet.cidr)
    size = net.netmask if net.version == 4 else net.prefixlen
    return f"dhcp-range=set:{_tag(subnet)},{net.network_address},static,{size},{lease_s}\n"


def _hosts(served: Sequence[Subnet], leases: Sequence[Lease]) -> Iterator[str]:
    ids = {subnet.id for subnet in served}
    for entry in leases:
        for subnet_id, address in entry.addresses:
            if subnet_id in ids:
                text = f"[{address}]" if ":" in address else address
                # No tag here: dnsmasq 2.90 dies when it reads a tagged line again after having served it.
                name = _name(entry.hostname)
                yield f"{entry.mac},{text},{name}\n" if name else f"{entry.mac},{text}\n"


def _name(hostname: str) -> str:
    """The name in a form that dnsmasq can only take for a name, not for a time or a word of its own."""
    name = UNFIT.sub("-", hostname)[:LONGEST_NAME].strip("-")
    return f"host-{name}" if MISTAKABLE.fullmatch(name) else name


def _options(network: NetworkSpec, served: Sequence[Subnet]) -> Iterator[str]:
    for subnet in served:
        tag = f"tag:{_tag(subnet)}"
        dns = [server for server in subnet.dns_nameservers if ip_address(server).version == subnet.ip_version]
        if subnet.ip_version == 6:
            if dns:
                yield f"{tag},option6:dns-server,{','.join(f'[{server}]' for server in dns)}\n"
            continue
        routes = ",".join(f"{to},{hop}" for to, hop in _routes(network, subnet))
        yield f"{tag},option:classless-static-route,{routes}\n"
        # Windows of old asks for the same routes under a number of its own.
        yield f"{tag},249,{routes}\n"
        yield f"{tag},option:router,{subnet.gateway_ip}\n" if subnet.gateway_ip else f"{tag},option:router\n"
        yield f"{tag},option:mtu,{network.mtu}\n"
        yield f"{tag},option:dns-server,{','.join(dns)}\n" if dns else f"{tag},option:dns-server\n"


def _routes(network: NetworkSpec, subnet: Subnet) -> Iterator[tuple[str, str]]:
    """All IPv4 routes of the subnet's guests: a client that reads option 121 ignores the router option."""
    yield f"{METADATA}/32", subnet.dhcp_address
    for other in network.subnets:
        if other.ip_version == 4 and other.id != subnet.id:
            yield other.cidr, "0.0.0.0"
    yield from ((to, hop) for to, hop in subnet.host_routes if to != "0.0.0.0/0")
    default = next((hop for to, hop in subnet.host_routes if to == "0.0.0.0/0"), subnet.gateway_ip)
    if default:
        yield "0.0.0.0/0", default


def _server_of(served: Sequence[Subnet], address: str) -> str:
    for subnet in served:
        if ip_address(address) in ip_network(subnet.cidr):
            return subnet.dhcp_address
    return ""
