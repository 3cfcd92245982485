"""Making, deleting, extending and uploading volumes. Each step may run twice."""

from __future__ import annotations

from ....core.db.engine import Row, Transaction
from ....core.errors import BackendBusy, CloudError, NoValidHost
from ....core.operations.workflow import Finish, Job, Step, Wait, Workflow
from ....core.services.compute import ComputeService
from ....core.services.image import ImageService
from .. import access, states
from ..images import raw_chunks, upload_chunks
from ..messages import detail_of
from .backups import backup_of, fill, release, remember
from .subjects import service_of, volume_of

UPLOAD_WAIT_S = 30.0


# Making a volume.

def _make(job: Job) -> Finish | None:
    row = volume_of(job)
    if row is None or row.status != "creating":
        return None
    service, data = service_of(job), job.data
    if not row.backend:
        raise NoValidHost("No valid backend was found. No weighed backends available")
    _fill(job, row)

    def finish(tx: Transaction) -> None:
        states.step(service.kit, tx, row, "created", bootable=bool(data["bootable"]))
        kept = backup_of(tx, job) if data["source"] == "backup" else None
        if kept is not None:
            remember(tx, job, kept)
            release(tx, job)
        service.volumes.emit(tx, job.context, "volume.create.end", row)
    return finish


def _fill(job: Job, row: Row) -> None:
    backends, data = service_of(job).backends, job.data
    if data["source"] == "snapshot":
        backends.create_from_snapshot(row.backend, row.id, row.size, data["volume"], data["snapshot"])
    elif data["source"] == "volume":
        with service_of(job).kit.db.read() as tx:
            source = access.volume(tx, job.context, data["volume"])
        backends.clone(row.backend, row.id, row.size, source.backend, source.id)
    else:
        backends.create(row.backend, row.id, row.size)
        if data["source"] == "backup":
            with service_of(job).kit.db.read() as tx:
                kept = access.backup(tx, job.context, data["backup"])
            fill(job, row, kept)
        if data["source"] == "image":
            images = service_of(job).kit.peers.of(ImageService)
            image = images.image(job.context, data["image"])
            with backends.holding(row.id):
                backends.driver(row.backend).write(row.id, raw_chunks(images, job.context, image))


def _unmake(job: Job) -> Finish | None:
    row = volume_of(job)
    if row is not None:
        service_of(job).backends.delete(row.backend, row.id)
    return None


def _create_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    if job.data["source"] == "backup":
        release(tx, job)
    row = tx.row(access.VOLUME, {"id": job.subject})
    if row is not None and row.status == "creating":
        states.step(service_of(job).kit, tx, row, "failed")
        service_of(job).volumes.emit(tx, job.context, "volume.create.error", row)
        action = "allocate" if error.code == NoValidHost.code else {
            "image": "image", "backup": "backup_restore"}.get(job.data["source"], "create")
        otherwise = "backup_restore" if action == "backup_restore" else "create"
        service_of(job).messages.add(tx, job.context, action, detail_of(error, otherwise), "VOLUME", row.id,
                                     row.project_id)


# Deleting a volume.

def _remove(job: Job) -> Finish | None:
    row = volume_of(job)
    if row is None:
        return None
    service = service_of(job)
    with service.kit.db.read() as tx:
        frozen = tx.rows(access.SNAPSHOTS_OF, {"volume_id": row.id})
    for one in frozen:
        service.backends.delete_snapshot(row.backend, row.id, one.id)
    for left in service.backends.snapshots_left(row.backend, row.id):
        # It was let go of (unmanaged), and lives only as long as its volume.
        service.backends.delete_snapshot(row.backend, row.id, left)
    service.backends.delete(row.backend, row.id)
    return lambda tx: service.volumes.erase(tx, job.context, row)


def _delete_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    row = tx.row(access.VOLUME, {"id": job.subject})
    if row is not None and row.status == "deleting":
        states.step(service_of(job).kit, tx, row, "failed")
        service_of(job).volumes.emit(tx, job.context, "volume.delete.error", row)
        service_of(job).messages.add(tx, job.context, "delete", "delete", "VOLUME", row.id, row.project_id)


# Extending a volume.

def _extend(job: Job) -> Finish | None:
    row = volume_of(job)
    if row is None or row.status != "extending":
        return None
    service, size = service_of(job), int(job.data["size"])
    with service.backends.holding(row.id):
        service.backends.driver(row.backend).extend(row.id, size)

    def finish(tx: Transaction) -> None:
        service.attachments.settle(tx, row, size=size, growing=0)
        service.volumes.emit(tx, job.context, "volume.resize.end", row)
    return finish


def _tell(job: Job) -> Finish | None:
    """Tell compute of each guest that has the volume."""
    service = service_of(job)
    with service.kit.db.read() as tx:
        servers = [row.server_id for row in access.attached(tx, job.subject) if row.server_id and row.by_compute]
    for server_id in servers:
        try:
            service.kit.peers.of(ComputeService).volume_extended(job.context, server_id, job.subject)
        except BackendBusy:
            job.log.warning("compute could not be told that volume %s grew", job.subject)
    return None


def _extend_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    row = tx.row(access.VOLUME, {"id": job.subject})
    if row is not None and row.status == "extending":
        states.step(service_of(job).kit, tx, row, "failed", growing=0)
        service_of(job).volumes.emit(tx, job.context, "volume.resize.error", row)
        service_of(job).messages.add(tx, job.context, "extend", detail_of(error, "extend"), "VOLUME", row.id,
                                     row.project_id)


# Making an image from a volume.

def _upload(job: Job) -> Finish | None:
    row = volume_of(job)
    service = service_of(job)
    images = service.kit.peers.of(ImageService)
    if row is None or row.status != "uploading":
        return None
    image = images.image(job.context, job.data["image"])
    if image.status == "saving":
        # An earlier run died with its upload; the image service gives that up before long.
        raise Wait(f"image:{image.id}", UPLOAD_WAIT_S)
    if image.status == "queued":
        with service.backends.holding(row.id):
            chunks = upload_chunks(service.backends.driver(row.backend), row.id, job.data["format"])
            images.upload(job.context, image.id, chunks)
    return lambda tx: service.attachments.settle(tx, row)


def _drop_image(job: Job) -> Finish | None:
    service_of(job).kit.peers.of(ImageService).delete(job.context, job.data["image"])
    return None


def _upload_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    row = tx.row(access.VOLUME, {"id": job.subject})
    if row is not None and row.status == "uploading":
        service_of(job).attachments.settle(tx, row)
        service_of(job).messages.add(tx, job.context, "upload", "upload", "VOLUME", row.id, row.project_id)


WORKFLOWS = (
    Workflow("volume.create", (Step("make", _make, _unmake),), failed=_create_failed, title="create",
             deadline_s=6 * 3600.0),
    Workflow("volume.delete", (Step("remove", _remove),), failed=_delete_failed, undoes=False, title="delete"),
    Workflow("volume.extend", (Step("extend", _extend), Step("tell", _tell)), failed=_extend_failed, undoes=False,
             title="extend"),
    Workflow("volume.upload", (Step("upload", _upload, _drop_image),), failed=_upload_failed, title="upload",
             deadline_s=6 * 3600.0),
)
