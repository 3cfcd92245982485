"""Compute as the other services and the HTTP tables see it: the kit, and the nouns behind it."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.context import Context
from ...core.process.slice import Kit
from ...core.services.compute import ComputeService
from ...core.services.scheduler import Host
from . import flavors


class Service(ComputeService):
    """The service of compute. Nouns are modules of functions over its ``kit``."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit

    def hosts(self, context: Context) -> list[Host]:
        return []

    def metadata(self, context: Context, server_id: str) -> Mapping[str, bytes]:
        return {}

    def network_changed(self, context: Context, server_id: str) -> None:
        return None

    def volume_extended(self, context: Context, server_id: str, volume_id: str) -> None:
        return None

    def bootstrap(self, context: Context, demo_project_id: str) -> None:
        """Give a new cloud its customary flavors."""
        flavors.bootstrap(self.kit, context)
