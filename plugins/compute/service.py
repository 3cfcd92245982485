"""Compute as the other services and the HTTP tables see it: the kit, and the nouns behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ...core.context import Context
from ...core.drivers.topology import Room
from ...core.errors import NotFound
from ...core.process.slice import Kit
from ...core.services.compute import ComputeService, Placing, Trial
from ...core.services.network import NetworkService, Nic
from ...core.services.scheduler import Host, Request
from . import flavors, metadata, passwords, pci, placing, records, recovery, seats
from .fleet import ControlSide, Fleet
from .image_counts import ImageCounts
from .sealing import seal
from .tables import servers
from .vigil import Vigil


class Service(ComputeService):
    """The service of compute. Nouns are modules of functions over its ``kit``; ``fleet`` is its list of hosts."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.fleet = Fleet(kit)
        self.images = ImageCounts(kit)
        pci.aliases(kit.configuration.section("pci", pci.PciOptions))
        self.seal = seal(kit.state_dir, kit.options, kit.clock)
        self.control = ControlSide(kit, self.fleet, self.seal)
        self.fence = recovery.fence(kit)
        self.vigil = Vigil(kit, self.fleet, self.fence)

    def bootstrap(self, context: Context, demo_project_id: str) -> None:
        """Give a new cloud its customary flavors."""
        flavors.bootstrap(self.kit, context)

    def hosts(self, context: Context) -> list[Host]:
        return self.fleet.all()

    def image_counts(self, context: Context) -> Mapping[str, Mapping[str, int]]:
        return self.images.all()

    def rooms(self, context: Context, providers: Sequence[str]) -> Mapping[str, Room]:
        return seats.rooms(self.kit, providers)

    def placing(self, context: Context, server_id: str) -> Placing:
        return placing.of_server(self.kit, context, server_id)

    def trial(self, context: Context, trial: Trial) -> Request:
        return placing.of_trial(self.kit, self.fleet, context, trial)

    def metadata(self, context: Context, server_id: str) -> Mapping[str, bytes]:
        with self.kit.db.read() as tx:
            row, details = records.present(tx, server_id), records.details(tx, server_id)
            devices = records.devices(tx, server_id)
        if row is None:
            raise NotFound(f"Instance {server_id} could not be found.")
        network = self.kit.peers.of(NetworkService).network_data(context, server_id)
        return {**metadata.files(row, details, network, disks=devices), **metadata.password_files(details)}

    def tell_password(self, context: Context, server_id: str, password: bytes) -> None:
        passwords.tell(self.kit, server_id, password)

    def network_changed(self, context: Context, server_id: str) -> None:
        with self.kit.db.read() as tx:
            row = records.present(tx, server_id)
        if row is None:
            return
        network = self.kit.peers.of(NetworkService)
        nics = network.nics(context, [server_id]).get(server_id, [])
        groups = network.security_groups(context, server_id) if nics else []
        with self.kit.db.write() as tx:
            tx.update(servers, server_id, nics=msgspec.to_builtins(nics), ips=_addresses(nics),
                      security_groups=groups)
            if row.host and row.task_state != "deleting":
                for port_id in sorted({one["port_id"] for one in row.nics} - {one.port_id for one in nics}):
                    self.kit.engine.start(tx, "compute.drop_interface", server_id, context, {
                        "port_id": port_id, "again": True})

    def volume_extended(self, context: Context, server_id: str, volume_id: str) -> None:
        with self.kit.db.read() as tx:
            row = records.present(tx, server_id)
            device = tx.row(records.DEVICE, {"id": server_id, "volume": volume_id})
        if row is not None and device is not None:
            with self.kit.db.write() as tx:
                self.kit.engine.start(tx, "compute.extend_volume", server_id, context, {"volume_id": volume_id})


def _addresses(nics: list[Nic]) -> str:
    return "".join(f" {one.address}" for nic in nics for one in nic.addresses)[:2000]
