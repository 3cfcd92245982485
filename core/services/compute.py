"""What compute promises the other services."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence

import msgspec

from ..context import Context
from ..drivers.topology import Room
from .base import ServiceInterface
from .scheduler import Host, Request


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A server that nobody asked for yet: flavor and image by id, zone and hints as a boot would have them."""

    flavor: str
    image: str = ""
    zone: str = ""
    hints: dict[str, list[str]] = {}


class Placing(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the scheduler for a server, and what it said when it found no host."""

    request: Request
    said: list[str] = []


class ComputeService(ServiceInterface):
    """Hosts for the scheduler, metadata for guests, and news from the other services."""

    service = "compute"

    @abc.abstractmethod
    def hosts(self, context: Context) -> list[Host]:
        """All compute hosts with their state; ``capacity`` and ``used`` are left empty."""

    @abc.abstractmethod
    def image_counts(self, context: Context) -> Mapping[str, Mapping[str, int]]:
        """How many servers on each host are of images with a property, by host and ``name=value``."""

    @abc.abstractmethod
    def rooms(self, context: Context, providers: Sequence[str]) -> Mapping[str, Room]:
        """What hosts have left of cells, processors and PCI devices, by provider; unknown ones are left out."""

    @abc.abstractmethod
    def placing(self, context: Context, server_id: str) -> Placing:
        """What is asked of the scheduler for a server that the caller may see. :raises NotFound: there is none."""

    @abc.abstractmethod
    def trial(self, context: Context, trial: Trial) -> Request:
        """What would be asked of the scheduler for such a server.

        :raises BadRequest: there is no such flavor, image or zone for the caller.
        """

    @abc.abstractmethod
    def metadata(self, context: Context, server_id: str) -> Mapping[str, bytes]:
        """The files of the server's metadata by path, the same as on its config drive:
        ``openstack/latest/meta_data.json``, ``ec2/latest/meta-data.json``, ...

        :raises NotFound: there is no such server.
        """

    @abc.abstractmethod
    def tell_password(self, context: Context, server_id: str, password: bytes) -> None:
        """Keep the password, encrypted for its owner, that a server's guest tells of itself.

        :raises NotFound: there is no such server. :raises Conflict: it has told one before.
        :raises BadRequest: it is too long, or no text.
        """

    @abc.abstractmethod
    def network_changed(self, context: Context, server_id: str) -> None:
        """A port of this server changed; compute reads the server's addresses anew. Nothing when it is gone."""

    @abc.abstractmethod
    def volume_extended(self, context: Context, server_id: str, volume_id: str) -> None:
        """An attached volume grew; nothing when the server is gone."""
