"""Deleting a server: guest, volumes, ports, claim, then the row."""

from __future__ import annotations

import sqlalchemy as sa

from ....core.db.engine import Row, Transaction
from ....core.drivers.volume import Connector
from ....core.errors import CloudError, WrongState
from ....core.operations.workflow import Job, Step, Wait, Workflow
from ....core.services.network import NetworkService
from ....core.services.volume import VolumeService
from .. import accounting, claims, disk_keys, journeys, records, seats, states
from ..event import emit
from ..tables import block_devices, server_group_members, server_metadata, server_tags, servers
from .move import destroy_at
from .shelve import shelf_image
from .step import forget_password, kit_of, server_of, settle

TRIES = 3


def _hosts(server: Row) -> list[str]:
    """The host of a server, and those that a move of it knows."""
    move = server.move or {}
    return sorted({server.host, move.get("old_host", ""), (move.get("new") or {}).get("host", "")} - {""})


def destroy(job: Job) -> None:
    """Remove the guest on the server's host, and on the other side of a move.

    A host that is down keeps its guest until its agent starts again, or beats again, and is told.
    """
    server = server_of(job)
    for host in _hosts(server) if server is not None else ():
        destroy_at(job, host)


def drop_volumes(job: Job) -> None:
    """End all attachments and delete the volumes that go with the server."""
    kit = kit_of(job)
    with kit.db.read() as tx:
        devices = [one for one in records.devices(tx, job.subject) if one.destination_type == "volume"]
    if not devices:
        return
    volumes, server = kit.peers.of(VolumeService), server_of(job)
    for host in _hosts(server) if server is not None else ():
        for one in devices:
            volumes.close(job.context, one.attachment_id, Connector(host=host))
    for one in devices:
        volumes.detach(job.context, one.attachment_id)
    for one in devices:
        if one.delete_on_termination:
            _delete(job, volumes, one.volume_id)


def _delete(job: Job, volumes: VolumeService, volume_id: str) -> None:
    """Delete a volume; one that still is busy is waited for, an obstinate one (it has snapshots) is left."""
    try:
        volumes.delete(job.context, volume_id)
    except WrongState as exc:
        waited = job.data.setdefault("waited", {})
        waited[volume_id] = waited.get(volume_id, 0) + 1
        if waited[volume_id] < TRIES:
            raise Wait(f"volume:{volume_id}", 1.0) from exc
        job.log.warning("volume %s of the deleted server %s stays: %s", volume_id, job.subject, exc)


def release_ports(job: Job) -> None:
    """Delete the ports that were made and let go of the others."""
    kit_of(job).peers.of(NetworkService).release(job.context, job.subject)


def release_claim(job: Job) -> None:
    """Give the server's resources back, and those of the other side of a resize."""
    claims.release(kit_of(job), job.context, job.subject)
    server = server_of(job)
    if server is not None and server.move:
        claims.release(kit_of(job), job.context, server.move["consumer"])


def gone(tx: Transaction, job: Job) -> None:
    """Mark the row deleted, give the quota back and forget what belonged to the server."""
    row, now = records.present(tx, job.subject), job.clock.now()
    if row is None:
        return
    tx.execute(servers.update().where(servers.c.id == job.subject).values(
        deleted=True, vm_state=states.DELETED, task_state=None, power_state=0, terminated_at=now, updated_at=now,
        move=None, shelf=None, due_at=None))
    journeys.end_all(kit_of(job), tx, job.subject)
    seats.forget(tx, job.subject)
    if row.config_drive:
        forget_password(tx, job.subject)
    disk_keys.forget(tx, job.subject)
    if row.vm_state != states.SOFT_DELETED:
        accounting.charge(tx, row.project_id, -1, -row.vcpus, -row.memory_mib)
    for table in (block_devices, server_tags, server_metadata, server_group_members):
        tx.execute(sa.delete(table).where(table.c.server_id == job.subject))
    emit(kit_of(job), tx, job.context, "instance.delete.end",
         {**row._mapping, "vm_state": states.DELETED, "task_state": None})


def failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """Leave the server in error; it can be deleted again. One that was deleted softly counts again."""
    row = records.present(tx, job.subject)
    if row is not None and row.vm_state == states.SOFT_DELETED and row.task_state == "deleting":
        accounting.charge(tx, row.project_id, 1, row.vcpus, row.memory_mib)
    settle(tx, job, error, "deleting", "instance.delete.error", broken=True)


DELETE = Workflow(
    kind="compute.delete", title="delete", undoes=False, clears=True, attempts=60, done=gone, failed=failed,
    steps=(Step("guest", destroy), Step("volumes", drop_volumes), Step("ports", release_ports),
           Step("claim", release_claim), Step("image", shelf_image)))
