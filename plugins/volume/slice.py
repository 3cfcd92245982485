"""The block storage slice: API v3 over several volume drivers at once."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.process.slice import Belonging, Kit, Slice
from ...core.services.base import ServiceInterface
from ...core.services.volume import VolumeService
from . import group_types, purge, types
from .api import API
from .backends import Backends
from .hosts import BEAT_S
from .operations import WORKFLOWS
from .options import VolumeOptions
from .rules import RULES
from .service import BlockStorage
from .tables import SCHEMA

REAP_S = 3600.0


class Volume(Slice):
    """The block storage service."""

    name = "volume"
    interface = VolumeService
    namespace = "cinder"
    Options = VolumeOptions
    schema = SCHEMA
    face = API
    rules = RULES
    workflows = WORKFLOWS
    catalog = (("block-storage", "cinder", "/v3"), ("volumev3", "cinderv3", "/v3"))

    def service(self, kit: Kit) -> ServiceInterface:
        """The service over the back ends that ``[volume] backends`` names."""
        return BlockStorage(kit, Backends(kit))

    def start(self, service: BlockStorage, kit: Kit) -> None:
        """Begin to beat."""
        service.hosts.beat()
        kit.executor.every(BEAT_S, service.hosts.beat)
        kit.executor.every(REAP_S, service.messages.reap)

    def seed(self, service: BlockStorage, kit: Kit) -> None:
        """Make the default volume type, and the group type of consistency groups."""
        types.seed(kit)
        group_types.seed(kit)

    def belongings(self, service: BlockStorage, kit: Kit) -> Iterator[Belonging]:
        """What lies in the pools and in the store of backups."""
        return purge.data(kit, service.backends, service.store)
