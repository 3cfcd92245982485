"""Making and deleting snapshots. The subject is the volume, so that they wait for one another."""

from __future__ import annotations

from ....core.db.engine import Transaction
from ....core.errors import CloudError, InUse
from ....core.operations.workflow import Finish, Job, Step, Workflow
from .. import access, states
from ..messages import detail_of
from .subjects import service_of, snapshot_of, volume_of


def _freeze(job: Job) -> Finish | None:
    service = service_of(job)
    with service.kit.db.read() as tx:
        row, volume = snapshot_of(tx, job), tx.row(access.VOLUME, {"id": job.subject})
    if row is None or volume is None or row.status != "creating":
        return None
    service.backends.snapshot(volume.backend, volume.id, row.id)

    def finish(tx: Transaction) -> None:
        states.step_snapshot(service.kit, tx, row, "created", progress="100%")
        service.snapshots.emit(tx, job.context, "snapshot.create.end", row)
    return finish


def _thaw(job: Job) -> Finish | None:
    volume = volume_of(job)
    if volume is not None:
        service_of(job).backends.delete_snapshot(volume.backend, volume.id, job.data["snapshot"])
    return None


def _freeze_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    row = snapshot_of(tx, job)
    if row is not None and row.status == "creating":
        states.step_snapshot(service_of(job).kit, tx, row, "failed")
        service_of(job).snapshots.emit(tx, job.context, "snapshot.create.error", row)
        service_of(job).messages.add(tx, job.context, "snapshot_create", detail_of(error, "snapshot_create"),
                                     "VOLUME_SNAPSHOT", row.id, row.project_id)


def _remove_snapshot(job: Job) -> Finish | None:
    service = service_of(job)
    with service.kit.db.read() as tx:
        row = snapshot_of(tx, job)
    if row is None:
        return None
    _thaw(job)
    return lambda tx: service.snapshots.erase(tx, job.context, row)


def _remove_snapshot_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    row = snapshot_of(tx, job)
    if row is not None and row.status == "deleting":
        states.step_snapshot(service_of(job).kit, tx, row, "failed")
        service_of(job).snapshots.emit(tx, job.context, "snapshot.delete.error", row)
        detail = "snapshot_busy" if error.code == InUse.code else "snapshot_delete"
        service_of(job).messages.add(tx, job.context, "snapshot_delete", detail, "VOLUME_SNAPSHOT", row.id,
                                     row.project_id)


WORKFLOWS = (
    Workflow("volume.snapshot", (Step("freeze", _freeze, _thaw),), failed=_freeze_failed, title="snapshot"),
    Workflow("volume.delete_snapshot", (Step("remove", _remove_snapshot),), failed=_remove_snapshot_failed,
             undoes=False, title="delete"),
)
