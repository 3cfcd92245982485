"""The block storage service: what the API and compute may ask."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.context import Context
from ...core.db.engine import Row
from ...core.drivers.volume import Connection, Connector
from ...core.errors import NotFound, WrongState
from ...core.process.slice import Kit
from ...core.services.volume import SnapshotRecord, VolumeDetail, VolumeRecord, VolumeService
from . import access, listing, states, types
from .adoptions import Adoptions
from .attachments import Attachments
from .backends import Backends
from .backups import Backups
from .contents import Contents
from .group_snapshots import GroupSnapshotSet
from .groups import Groups
from .hosts import Hosts
from .images import VolumeImages
from .messages import Messages
from .moves import Moves
from .snapshots import SnapshotSet
from .sources import NewVolume
from .stores import BackupStore
from .transfers import Transfers
from .volumes import Volumes, detail, record


class BlockStorage(VolumeService):
    """Volumes for servers; each noun has an object of its own."""

    def __init__(self, kit: Kit, backends: Backends) -> None:
        self.kit = kit
        self.backends = backends
        self.store = BackupStore(kit, backends)
        self.messages = Messages(kit, backends)
        self.volumes = Volumes(kit, backends)
        self.snapshots = SnapshotSet(kit, backends)
        self.attachments = Attachments(kit, backends, self.messages)
        self.images = VolumeImages(kit, backends)
        self.hosts = Hosts(kit, backends, self.store)
        self.transfers = Transfers(kit, backends)
        self.contents = Contents(kit, backends)
        self.moves = Moves(kit, backends, self.hosts)
        self.adoptions = Adoptions(kit, backends, self.hosts, self.volumes, self.snapshots)
        self.backups = Backups(kit, backends, self.store, self.volumes)
        self.groups = Groups(kit, backends, self.volumes, self.messages)
        self.group_snapshots = GroupSnapshotSet(kit, backends)

    def _find(self, context: Context, volume_id: str) -> Row:
        with self.kit.db.read() as tx:
            return access.volume(tx, context, volume_id)

    def type_of(self, type_id: str) -> Row | None:
        """The type of a volume, whoever may use it; none when it is gone."""
        with self.kit.db.read() as tx:
            return tx.row(types.BY_ID, {"id": type_id})

    def volume(self, context: Context, volume_id: str) -> VolumeRecord:
        """A volume by id. :raises NotFound: there is none that the caller may see."""
        return record(self._find(context, volume_id))

    def volume_details(self, context: Context, volume_id: str = "", limit: int = 1000,
                       offset: int = 0) -> list[VolumeDetail]:
        """The project's volumes, the newest first, or the one of an id."""
        if volume_id:
            row, attached, kind = self.volumes.show(context, volume_id)
            return [detail(row, attached, kind)]
        rows, attachments, kinds = self.volumes.listed(_own(context, "volumes", limit, offset))
        return [detail(row, attachments.get(row.id, ()), kinds.get(row.type_id, "")) for row in rows]

    def snapshots_of(self, context: Context, snapshot_id: str = "", limit: int = 1000,
                     offset: int = 0) -> list[SnapshotRecord]:
        """The project's snapshots, the newest first, or the one of an id."""
        rows = ([self.snapshots.show(context, snapshot_id)] if snapshot_id
                else self.snapshots.listed(_own(context, "snapshots", limit, offset)))
        return [SnapshotRecord(id=row.id, volume_id=row.volume_id, name=row.name, description=row.description,
                               status=row.status, size=row.size, created_at=row.created_at) for row in rows]

    def delete_snapshot(self, context: Context, snapshot_id: str) -> None:
        """Begin to delete a snapshot."""
        self.snapshots.delete(context, snapshot_id)

    def create(self, context: Context, volume_id: str, size_gib: int, name: str, image_id: str, snapshot_id: str,
               source_id: str, volume_type: str, zone: str, description: str = "",
               metadata: Mapping[str, str] | None = None) -> VolumeRecord:
        """Begin to make a volume with a given id; the same id again is the same volume."""
        with self.kit.db.read() as tx:
            known = tx.row(access.VOLUME, {"id": volume_id})
        if known is not None:
            return self.volume(context, volume_id)
        new = NewVolume(id=volume_id, size=size_gib or None, name=name, image_id=image_id, snapshot_id=snapshot_id,
                        source_id=source_id, volume_type=volume_type, zone=zone, description=description,
                        metadata=dict(metadata or {}))
        return record(self.volumes.create(context, new)[0])

    def see_type(self, context: Context, volume_type: str) -> None:
        """See that the caller may have volumes of a type."""
        with self.kit.db.read() as tx:
            types.named(tx, context, volume_type)

    def snapshot(self, context: Context, snapshot_id: str, volume_id: str, name: str, description: str = "",
                 force: bool = True) -> str:
        """Begin to snapshot a volume, attached too with ``force``, under a given id; return the snapshot's status."""
        with self.kit.db.read() as tx:
            known = tx.row(access.SNAPSHOT, {"id": snapshot_id})
        if known is not None:
            return str(known.status)
        made = self.snapshots.create(context, volume_id, name, description, {}, force=force, snapshot_id=snapshot_id)
        return str(made.status)

    def reserve(self, context: Context, volume_id: str, server_id: str, attachment_id: str) -> str:
        """Reserve a volume for a server under a given attachment id; the same again is the same."""
        return str(self.attachments.reserve(context, volume_id, server_id, attachment_id, by_compute=True).id)

    def connect(self, context: Context, attachment_id: str, connector: Connector, device: str) -> Connection:
        """Open the reserved volume to a host and say how to reach it."""
        return self.attachments.connect(context, attachment_id, connector, device)

    def complete(self, context: Context, attachment_id: str) -> None:
        """The guest has the volume: it is ``in-use``."""
        self.attachments.complete(context, attachment_id)

    def disconnect(self, context: Context, attachment_id: str) -> None:
        """Close the volume to the host; the attachment stays, reserved."""
        self.attachments.disconnect(context, attachment_id)

    def close(self, context: Context, attachment_id: str, connector: Connector) -> None:
        """Close the volume to a host that the attachment has left."""
        self.attachments.leave(context, attachment_id, connector)

    def detach(self, context: Context, attachment_id: str) -> None:
        """Close the volume to the host and end the attachment; nothing when it is gone."""
        self.attachments.detach(context, attachment_id)

    def begin_detach(self, context: Context, volume_id: str, server_id: str) -> None:
        """Say that a detach is under way, of a volume with several attachments, too, as Cinder does.

        :raises WrongState: the server does not have the volume, or a detach is under way already.
        """
        with self.kit.db.write() as tx:
            volume = access.volume(tx, context, volume_id)
            if not any(one.server_id == server_id for one in access.attached(tx, volume_id)):
                raise WrongState(f"Invalid volume: Volume {volume_id} is not attached to server {server_id}")
            states.step(self.kit, tx, volume, "detach")
            self.volumes.emit(tx, context, "volume.detach.start", volume)

    def roll_back_detach(self, context: Context, volume_id: str) -> None:
        """The detach did not happen: the volume is in use again."""
        self.attachments.roll_back_detach(context, volume_id)

    def reimage(self, context: Context, volume_id: str, image_id: str, reserved: bool = True) -> None:
        """Begin to fill a volume anew from an image; nothing while that is under way."""
        if self._find(context, volume_id).status != "downloading":
            self.contents.reimage(context, volume_id, image_id, reserved)

    def delete(self, context: Context, volume_id: str) -> None:
        """Begin to delete a volume; nothing when it is gone. :raises WrongState: it is attached."""
        try:
            if self._find(context, volume_id).status != "deleting":
                self.volumes.delete(context, volume_id)
        except NotFound:
            return


def _own(context: Context, table: str, limit: int, offset: int) -> listing.Question:
    question = listing.Question(table, limit=limit, offset=offset)
    question.add("project_id", "eq", context.project_id)
    return question
