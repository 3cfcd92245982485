"""What the block storage service promises the other services."""

from __future__ import annotations

import abc
import datetime
from collections.abc import Mapping

import msgspec

from ..context import Context
from ..drivers.volume import Connection, Connector
from .base import ServiceInterface


class VolumeRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A volume, as compute needs it."""

    id: str
    name: str = ""
    status: str = "creating"
    size: int = 0
    """GiB."""
    bootable: bool = False
    multiattach: bool = False
    encrypted: bool = False
    zone: str = ""
    image_metadata: Mapping[str, str] = {}


class AttachmentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A server that has a volume."""

    server_id: str
    device: str = ""


class VolumeDetail(VolumeRecord, frozen=True, kw_only=True):
    """A volume with all that a list tells of it."""

    description: str | None = None
    volume_type: str = ""
    snapshot_id: str | None = None
    metadata: Mapping[str, str] = {}
    attachments: list[AttachmentRecord] = []
    created_at: datetime.datetime


class SnapshotRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of a volume. ``size`` is in GiB."""

    id: str
    volume_id: str
    name: str | None = None
    description: str | None = None
    status: str = "creating"
    size: int = 0
    created_at: datetime.datetime


class VolumeService(ServiceInterface):
    """Volumes for servers."""

    service = "volume"

    @abc.abstractmethod
    def volume(self, context: Context, volume_id: str) -> VolumeRecord:
        """A volume by id. :raises NotFound: there is none that the caller may see."""

    @abc.abstractmethod
    def volume_details(self, context: Context, volume_id: str = "", limit: int = 1000,
                       offset: int = 0) -> list[VolumeDetail]:
        """The project's volumes, the newest first, or the one of an id. :raises NotFound: there is none of this id."""

    @abc.abstractmethod
    def snapshots_of(self, context: Context, snapshot_id: str = "", limit: int = 1000,
                     offset: int = 0) -> list[SnapshotRecord]:
        """The project's snapshots, the newest first, or the one of an id. :raises NotFound: there is none."""

    @abc.abstractmethod
    def delete_snapshot(self, context: Context, snapshot_id: str) -> None:
        """Begin to delete a snapshot. :raises NotFound: there is none. :raises WrongState: it cannot go now."""

    @abc.abstractmethod
    def create(self, context: Context, volume_id: str, size_gib: int, name: str, image_id: str, snapshot_id: str,
               source_id: str, volume_type: str, zone: str, description: str = "",
               metadata: Mapping[str, str] | None = None) -> VolumeRecord:
        """Begin to make a volume with a given id; the same id again is the same volume. See ``volume`` for
        when it is ``available`` or ``error``. :raises QuotaExceeded: the project may not have it."""

    @abc.abstractmethod
    def see_type(self, context: Context, volume_type: str) -> None:
        """See that the caller may have volumes of a type, named by id or name. :raises NotFound: there is none."""

    @abc.abstractmethod
    def snapshot(self, context: Context, snapshot_id: str, volume_id: str, name: str, description: str = "",
                 force: bool = True) -> str:
        """Begin to snapshot a volume, attached too with ``force``, under a given id; return the snapshot's status.

        Asked again with the same id it gives the present status.
        """

    @abc.abstractmethod
    def reserve(self, context: Context, volume_id: str, server_id: str, attachment_id: str) -> str:
        """Reserve a volume for a server under a given attachment id; the same again is the same.

        Returns the attachment id. :raises WrongState: the volume is not available.
        """

    @abc.abstractmethod
    def connect(self, context: Context, attachment_id: str, connector: Connector, device: str) -> Connection:
        """Open the reserved volume to a host and say how to reach it. :raises NotFound: no such attachment."""

    @abc.abstractmethod
    def complete(self, context: Context, attachment_id: str) -> None:
        """The guest has the volume: it is ``in-use``."""

    @abc.abstractmethod
    def disconnect(self, context: Context, attachment_id: str) -> None:
        """Close the volume to the host; the attachment stays, reserved, until it is connected again or ended.

        Nothing when it is gone or closed.
        """

    @abc.abstractmethod
    def close(self, context: Context, attachment_id: str, connector: Connector) -> None:
        """Close the volume to a host that the attachment has left for another; nothing while it is connected there."""

    @abc.abstractmethod
    def detach(self, context: Context, attachment_id: str) -> None:
        """Close the volume to the host and end the attachment; nothing when it is gone."""

    @abc.abstractmethod
    def begin_detach(self, context: Context, volume_id: str, server_id: str) -> None:
        """Say that a detach is under way. :raises WrongState: the volume is not in use."""

    @abc.abstractmethod
    def roll_back_detach(self, context: Context, volume_id: str) -> None:
        """The detach did not happen: the volume is in use again."""

    @abc.abstractmethod
    def reimage(self, context: Context, volume_id: str, image_id: str, reserved: bool = True) -> None:
        """Begin to fill a volume anew from an image, a ``reserved`` one too; nothing while that is under way.

        It is ``downloading`` until it is reserved (or available) again, or in ``error``; who waits for
        ``volume:<id>`` is woken then. :raises WrongState: it is in another state.
        :raises BadRequest: the image is of no use or too large.
        """

    @abc.abstractmethod
    def delete(self, context: Context, volume_id: str) -> None:
        """Begin to delete a volume; nothing when it is gone. :raises WrongState: it is attached."""
