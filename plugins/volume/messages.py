"""Messages: what went wrong behind an accepted request, told to the project's users for a while."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import CloudError, NoSpace, NotFound, NoValidHost
from . import access, listing
from .base import Base
from .tables import messages

ACTIONS = {
    "allocate": ("001", "schedule allocate volume"),
    "upload": ("003", "copy volume to image"),
    "image": ("005", "copy image to volume"),
    "extend": ("007", "extend volume"),
    "create": ("008", "create volume from backend storage"),
    "snapshot_create": ("009", "create snapshot"),
    "snapshot_delete": ("010", "delete snapshot"),
    "backup_create": ("013", "create backup"),
    "backup_delete": ("014", "delete backup"),
    "backup_restore": ("015", "restore backup"),
    "reimage": ("016", "reimage volume"),
    "attach": ("002", "attach volume"),
    "update_attachment": ("004", "update attachment"),
    "migrate": ("901", "migrate volume"),
    "delete": ("902", "delete volume"),
    "revert": ("903", "revert volume to snapshot"),
    "manage": ("904", "manage existing storage"),
    "group": ("905", "create group"),
}
"""Numbers and words of what was being done: OpenStack's, and from 901 on our own."""
DETAILS = {
    "unknown": ("001", "An unknown error occurred."),
    "no_backend": ("003", "Could not find any available weighted backend."),
    "upload": ("004", "Failed to upload volume to image at backend."),
    "room": ("007", "Image used for creating volume exceeds available space."),
    "notify": ("009", "Compute service failed to extend volume."),
    "extend": ("010", "Driver failed to extend volume."),
    "create": ("012", "Driver failed to create the volume."),
    "snapshot_create": ("013", "Snapshot failed to create."),
    "snapshot_busy": ("015", "Snapshot is busy."),
    "snapshot_delete": ("016", "Snapshot failed to delete."),
    "backup_create": ("020", "Backup driver failed to create backup."),
    "backup_delete": ("024", "Backup driver failed to delete backup."),
    "backup_restore": ("027", "Backup failed to restore."),
    "reimage": ("028", "Failed to reimage the volume."),
    "full": ("901", "The back end has no room left."),
    "migrate": ("902", "The volume could not be copied to the other back end."),
    "delete": ("903", "Driver failed to delete the volume."),
    "revert": ("904", "Driver failed to revert the volume."),
    "manage": ("905", "The storage that was named could not be taken over."),
    "connect": ("906", "Driver failed to open the volume to the host."),
}
"""Numbers and words of what went wrong: OpenStack's, and from 901 on our own."""
ACTION_WORDS = dict(ACTIONS.values())
DETAIL_WORDS = dict(DETAILS.values())


def detail_of(error: CloudError, otherwise: str) -> str:
    """The detail that fits an error, by default ``otherwise``."""
    # An error that waited for the undo of its operation is of the common class: its code says what it was.
    return {NoValidHost.code: "no_backend", NoSpace.code: "full"}.get(error.code, otherwise)


def words(row: Row) -> str:
    """A message as users read it."""
    return f"{ACTION_WORDS.get(row.action, row.action)}:{DETAIL_WORDS.get(row.detail, row.detail)}"


class Messages(Base):
    """The messages of all projects."""

    def add(self, tx: Transaction, context: Context, action: str, detail: str, kind: str, resource_id: str,
            project_id: str) -> None:
        """Tell the users of a project that ``action`` on a resource failed, and why."""
        now = self.kit.clock.now()
        first, last = ACTIONS[action][0], DETAILS[detail][0]
        tx.insert(messages, {
            "id": self.kit.clock.uuid(), "project_id": project_id, "request_id": context.request_id,
            "resource_type": kind, "resource_uuid": resource_id, "event_id": f"VOLUME_{kind}_{first}_{last}",
            "action": first, "detail": last, "message_level": "ERROR", "created_at": now,
            "expires_at": now + datetime.timedelta(seconds=self.kit.options.message_ttl_s)})

    def show(self, context: Context, message_id: str) -> Row:
        """A message by id. :raises NotFound: there is none that the caller may see."""
        with self.kit.db.read() as tx:
            return access.message(tx, context, message_id)

    def listed(self, question: listing.Question) -> Sequence[Row]:
        """A page of messages that have not expired."""
        question.add("expires_at", "gt", self.kit.clock.now())
        with self.kit.db.read() as tx:
            return listing.rows(tx, question)

    def delete(self, context: Context, message_id: str) -> None:
        """Remove a message. :raises NotFound: there is none that the caller may see."""
        with self.kit.db.write() as tx:
            access.message(tx, context, message_id)
            if not tx.delete(messages, message_id):
                raise NotFound(f"Message {message_id} could not be found.")

    def reap(self) -> None:
        """Remove what has expired."""
        with self.kit.db.write() as tx:
            tx.execute(messages.delete().where(messages.c.expires_at <= self.kit.clock.now()))
