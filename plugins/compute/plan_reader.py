"""What the control side plans, in the words of a host's driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...core.context import Context
from ...core.drivers.base import require
from ...core.drivers.hypervisor import Disk, DiskEncryption, GuestSpec, Hypervisor, HypervisorFacts, Image
from ...core.drivers.topology import cpu_list
from ...core.process.slice import Kit
from ...core.services.image import ImageRecord, ImageService
from .agency import DiskPlan, GuestPlan

CHUNK = 1 << 20


class PlanReader:
    """Reads the plans for one host; ``facts`` tells what that offers."""

    def __init__(self, kit: Kit, driver: Hypervisor, facts: Callable[[], HypervisorFacts]) -> None:
        self._kit = kit
        self._driver = driver
        self._facts = facts
        self._hosted = frozenset(kit.peers.local())
        self._shared: tuple[int, ...] | None = None

    def spec(self, context: Context, plan: GuestPlan) -> GuestSpec:
        """A guest. :raises NotSupported: its disks are to be encrypted, and the driver encrypts none."""
        if plan.encryption is not None:
            require(self._driver, DiskEncryption)
        return GuestSpec(
            guest=plan.guest, name=plan.name, vcpus=plan.vcpus, memory_mib=plan.memory_mib,
            disks=[self.disk(context, disk) for disk in plan.disks], vifs=plan.vifs,
            config_drive=plan.config_drive, metadata=plan.metadata, extra_specs=plan.extra_specs,
            project_id=plan.project_id, boot_device=plan.boot_device, seat=plan.seat, shared_cpus=self._shared_cpus(),
            encryption=plan.encryption)

    def _shared_cpus(self) -> tuple[int, ...]:
        """The processors that guests share; the host is asked once."""
        if self._shared is None:
            self._shared = cpu_list(self._facts().shared_cpus)
        return self._shared

    def disk(self, context: Context, plan: DiskPlan) -> Disk:
        """A disk of one."""
        image = self.image(context, plan.image) if plan.image is not None else None
        return Disk(device=plan.device, size_gib=plan.size_gib, image=image, connection=plan.connection,
                    volume_id=plan.volume_id, kind=plan.kind, size_mib=plan.size_mib, bus=plan.bus, type=plan.type)

    def image(self, context: Context, record: ImageRecord) -> Image:
        """An image, whose bytes are fetched when they are read."""
        return Image(id=record.id, disk_format=record.disk_format, size_bytes=record.size,
                     virtual_size_bytes=record.virtual_size, hash_algorithm=record.hash_algorithm,
                     hash_value=record.hash_value, chunks=lambda: self._image_data(context, record.id),
                     properties=record.properties)

    def _image_data(self, context: Context, image_id: str) -> Iterator[bytes]:
        """The image's bytes: streamed in this process, else fetched piece by piece."""
        images = self._kit.peers.of(ImageService)
        if ImageService.service in self._hosted:
            yield from images.chunks(context, image_id)
            return
        offset = 0
        while piece := images.read(context, image_id, offset, CHUNK):
            offset += len(piece)
            yield piece
