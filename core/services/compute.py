"""What compute promises the other services."""

from __future__ import annotations

import abc
from collections.abc import Mapping

from ..context import Context
from .base import ServiceInterface
from .scheduler import Host


class ComputeService(ServiceInterface):
    """Hosts for the scheduler, metadata for guests, and news from the other services."""

    service = "compute"

    @abc.abstractmethod
    def hosts(self, context: Context) -> list[Host]:
        """All compute hosts with their state; ``capacity`` and ``used`` are left empty."""

    @abc.abstractmethod
    def metadata(self, context: Context, server_id: str) -> Mapping[str, bytes]:
        """The files of the server's metadata by path, the same as on its config drive:
        ``openstack/latest/meta_data.json``, ``ec2/latest/meta-data.json``, ...

        :raises NotFound: there is no such server.
        """

    @abc.abstractmethod
    def network_changed(self, context: Context, server_id: str) -> None:
        """A port of this server changed; compute reads the server's addresses anew. Nothing when it is gone."""

    @abc.abstractmethod
    def volume_extended(self, context: Context, server_id: str, volume_id: str) -> None:
        """An attached volume grew; nothing when the server is gone."""
