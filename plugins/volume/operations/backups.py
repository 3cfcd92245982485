"""Making, restoring, importing and deleting backups.

Making and restoring wait for what else is done to the volume, which is their subject.
"""

from __future__ import annotations

from ....core.db.engine import Row, Transaction
from ....core.drivers.backup import Stored
from ....core.errors import BackendFailed, CloudError
from ....core.operations.workflow import Finish, Job, Step, Workflow
from .. import access, listing, states
from ..backups import SHARED
from ..messages import detail_of
from ..tables import backups, volumes
from .subjects import service_of

REASON_CHARACTERS = 255


def backup_of(tx: Transaction, job: Job) -> Row | None:
    """The backup that the operation is about, or none when it is gone."""
    return tx.row(access.BACKUP, {"id": job.data.get("backup") or job.subject})


def _rows(job: Job) -> tuple[Row | None, Row | None]:
    with service_of(job).kit.db.read() as tx:
        return backup_of(tx, job), tx.row(access.VOLUME, {"id": job.subject})


# Making a backup.

def _store(job: Job) -> Finish | None:
    row, volume = _rows(job)
    if row is None or volume is None or row.status != "creating":
        return None
    service = service_of(job)
    stored = _streamed(job, row, volume)

    def finish(tx: Transaction) -> None:
        states.step_backup(service.kit, tx, row, "created", object_count=stored.pieces)
        _let_go(tx, job)
        service.backups.told(tx, job.context, "backup.create.end", row)
    return finish


def _streamed(job: Job, row: Row, volume: Row) -> Stored:
    """Store the content. What a guest may write to, and a snapshot, is copied first: the copy bears the backup's id."""
    backends, store = service_of(job).backends, service_of(job).store
    parent, copied = job.data["parent"], True
    if job.data["snapshot"]:
        backends.create_from_snapshot(volume.backend, row.id, row.size, volume.id, job.data["snapshot"])
    elif job.data["online"]:
        backends.clone(volume.backend, row.id, volume.size, volume.backend, volume.id)
    else:
        copied = False
    source = row.id if copied else volume.id
    driver = backends.driver(volume.backend)
    with backends.holding(source):
        stored = store.store(row.driver, row.id, driver.read(source), parent)
    if copied:
        backends.delete(volume.backend, row.id)
    return stored


def _forget(job: Job) -> Finish | None:
    row, volume = _rows(job)
    service = service_of(job)
    if volume is not None and (job.data["snapshot"] or job.data["online"]):
        service.backends.delete(volume.backend, job.data["backup"])
    if row is not None:
        service.store.delete(row.driver, row.id)
    return None


def _let_go(tx: Transaction, job: Job) -> None:
    """Put the volume or the snapshot that was backed up into the state that it had."""
    service = service_of(job)
    if job.data["snapshot"]:
        frozen = tx.row(access.SNAPSHOT, {"id": job.data["snapshot"]})
        if frozen is not None and frozen.status == "backing-up":
            states.step_snapshot(service.kit, tx, frozen, "release")
        return
    volume = tx.row(access.VOLUME, {"id": job.subject})
    if volume is not None and volume.status == "backing-up":
        service.attachments.settle(tx, volume)


def _store_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    service, row = service_of(job), backup_of(tx, job)
    _let_go(tx, job)
    if row is not None and row.status == "creating":
        states.step_backup(service.kit, tx, row, "failed", fail_reason=str(error)[:REASON_CHARACTERS])
        service.backups.told(tx, job.context, "backup.create.error", row)
        service.messages.add(tx, job.context, "backup_create", detail_of(error, "backup_create"), "VOLUME_BACKUP",
                             row.id, row.project_id)


# Restoring a backup over a volume.

def _restore(job: Job) -> Finish | None:
    row, volume = _rows(job)
    if row is None or volume is None or volume.status != "restoring-backup":
        return None
    service = service_of(job)
    fill(job, volume, row)

    def finish(tx: Transaction) -> None:
        service.attachments.settle(tx, volume)
        remember(tx, job, row)
        release(tx, job)
        service.backups.told(tx, job.context, "backup.restore.end", row)
    return finish


def fill(job: Job, volume: Row, row: Row) -> None:
    """Lay a backup over a volume."""
    service = service_of(job)
    with service.backends.holding(volume.id):
        service.backends.driver(volume.backend).write(volume.id, service.store.read(row.driver, row.data_id))


def remember(tx: Transaction, job: Job, row: Row) -> None:
    """Give a restored volume what its backup remembers besides the content."""
    service, volume = service_of(job), tx.row(access.VOLUME, {"id": job.subject})
    if volume is None:
        return
    metadata = {**volume.metadata, **(row.origin.get("metadata") or {})}
    image = row.origin.get("image_metadata")
    tx.update(volumes, volume.id, bootable=bool(row.origin.get("bootable")), image_metadata=image, metadata=metadata)
    service.volumes.mark(tx, volume.id, metadata)
    service.volumes.mark(tx, listing.IMAGE + volume.id, image or {})


def release(tx: Transaction, job: Job) -> None:
    """The backup is free again."""
    row = backup_of(tx, job)
    if row is not None and row.status == "restoring":
        states.step_backup(service_of(job).kit, tx, row, "release")


def _restore_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    service, volume = service_of(job), tx.row(access.VOLUME, {"id": job.subject})
    row = backup_of(tx, job)
    release(tx, job)
    if volume is not None and volume.status == "restoring-backup":
        states.step(service.kit, tx, volume, "failed")
        service.messages.add(tx, job.context, "backup_restore", detail_of(error, "backup_restore"), "VOLUME_BACKUP",
                             job.data["backup"], volume.project_id)
    if row is not None:
        service.backups.told(tx, job.context, "backup.restore.error", row)


# Taking over a backup by its record.

def _import(job: Job) -> Finish | None:
    row, _ = _rows(job)
    if row is None or row.status != "creating":
        return None
    service = service_of(job)
    stored = service.store.stored(row.driver, row.data_id)

    def finish(tx: Transaction) -> None:
        states.step_backup(service.kit, tx, row, "created", object_count=stored.pieces)
        service.backups.told(tx, job.context, "backup.import.end", row)
    return finish


def _import_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    row = backup_of(tx, job)
    if row is not None and row.status == "creating":
        states.step_backup(service_of(job).kit, tx, row, "failed", fail_reason=str(error)[:REASON_CHARACTERS])
        service_of(job).backups.told(tx, job.context, "backup.import.error", row)


# Deleting a backup; it is the subject.

def _remove(job: Job) -> Finish | None:
    row, _ = _rows(job)
    if row is None:
        return None
    service = service_of(job)
    if row.driver != service.store.name:
        raise BackendFailed(f"the backup lies in {row.driver}, which this cloud does not use now")
    with service.kit.db.read() as tx:
        shared = tx.row(SHARED, {"id": row.id, "data_id": row.data_id}) is not None
    if not shared:
        service.store.delete(row.driver, row.data_id)
    return lambda tx: service.backups.erase(tx, job.context, row)


def _remove_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    service, row = service_of(job), backup_of(tx, job)
    if row is not None and row.status == "deleting":
        tx.update(backups, row.id, status="error_deleting", fail_reason=str(error)[:REASON_CHARACTERS])
        service.backups.told(tx, job.context, "backup.delete.error", row)
        service.messages.add(tx, job.context, "backup_delete", "backup_delete", "VOLUME_BACKUP", row.id,
                             row.project_id)


WORKFLOWS = (
    Workflow("volume.backup", (Step("store", _store, _forget),), failed=_store_failed, title="backup",
             deadline_s=24 * 3600.0),
    Workflow("volume.restore", (Step("restore", _restore),), failed=_restore_failed, undoes=False, title="restore",
             deadline_s=24 * 3600.0),
    Workflow("volume.import_backup", (Step("import", _import),), failed=_import_failed, undoes=False, title="import"),
    Workflow("volume.delete_backup", (Step("remove", _remove),), failed=_remove_failed, undoes=False, title="delete"),
)
