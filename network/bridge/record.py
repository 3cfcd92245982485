"""What the driver writes down: one folder for each network, in the run folder.

The kernel holds the wiring. These files hold what is needed to write DHCP's configuration
anew when a single port changes, and they are the programs' working files.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from ...core.drivers.network import NetworkSpec, PortSpec, Subnet


def write(path: Path, text: str) -> bool:
    """Replace the file at once; say whether it changed."""
    if path.exists() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    os.replace(fresh, path)
    return True


@dataclasses.dataclass(frozen=True)
class Lease:
    """What DHCP must know of a port."""

    port_id: str
    mac: str
    addresses: tuple[tuple[str, str], ...]
    hostname: str
    security: str = ""
    """A digest of what the filter was told."""


def lease_of(port: PortSpec) -> Lease:
    """What is written down of the port."""
    told = repr((port.mac, port.addresses, port.allowed_pairs, port.rules, port.filtered, port.admin_up))
    return Lease(port.id, port.mac, tuple((subnet, address) for subnet, address in port.addresses), port.hostname,
                 hashlib.sha256(told.encode()).hexdigest())


class Records:
    """The folders of all networks of this host."""

    def __init__(self, root: Path) -> None:
        self.root = root / "networks"

    def folder(self, network_id: str) -> Path:
        """The folder of one network."""
        return self.root / network_id

    def save_network(self, network: NetworkSpec) -> None:
        """Write the network down."""
        write(self.folder(network.id) / "network.json", json.dumps(dataclasses.asdict(network), indent=1))

    def network(self, network_id: str) -> NetworkSpec | None:
        """The network as last written, None when it never was."""
        found = _read(self.folder(network_id) / "network.json")
        if found is None:
            return None
        subnets = tuple(Subnet(**{**subnet, "host_routes": tuple((to, hop) for to, hop in subnet["host_routes"])})
                        for subnet in found.pop("subnets"))
        return NetworkSpec(subnets=subnets, **found)

    def save_port(self, port: PortSpec) -> None:
        """Write down what DHCP must know of the port."""
        write(self._port(port.network_id, port.id), json.dumps(dataclasses.asdict(lease_of(port))))

    def lease(self, network_id: str, port_id: str) -> Lease | None:
        """One port of the network, None when it was never written down."""
        return _lease(self._port(network_id, port_id))

    def leases(self, network_id: str) -> list[Lease]:
        """All ports of the network, by id."""
        found = (_lease(path) for path in sorted((self.folder(network_id) / "ports").glob("*.json")))
        return [lease for lease in found if lease is not None]

    def network_of(self, port_id: str) -> str:
        """The network that has the port, empty when none has."""
        return next((path.parent.parent.name for path in self.root.glob(f"*/ports/{port_id}.json")), "")

    def forget_port(self, network_id: str, port_id: str) -> None:
        """Remove the port's file; nothing if there is none."""
        self._port(network_id, port_id).unlink(missing_ok=True)

    def forget_network(self, network_id: str) -> None:
        """Remove the network's folder; nothing if there is none."""
        if self.folder(network_id).exists():
            shutil.rmtree(self.folder(network_id))

    def _port(self, network_id: str, port_id: str) -> Path:
        return self.folder(network_id) / "ports" / f"{port_id}.json"


def _lease(path: Path) -> Lease | None:
    entry = _read(path)
    if entry is None:
        return None
    return Lease(**{**entry, "addresses": tuple((subnet, address) for subnet, address in entry["addresses"])})


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None
