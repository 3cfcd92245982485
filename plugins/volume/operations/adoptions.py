"""Taking over volumes and snapshots that lie in pools: each gets its record's id."""

from __future__ import annotations

from ....core.db.engine import Transaction
from ....core.drivers.base import require
from ....core.drivers.volume import Adoptions
from ....core.errors import CloudError, NotFound
from ....core.operations.workflow import Finish, Job, Step, Workflow
from .. import access, states
from .subjects import service_of, snapshot_of, volume_of


def _adopt(job: Job) -> Finish | None:
    row, service = volume_of(job), service_of(job)
    if row is None or row.status != "creating":
        return None
    facet = require(service.backends.driver(job.data["backend"]), Adoptions)
    with service.backends.holding(row.id, job.data["name"]):
        facet.adopt(row.id, job.data["name"])

    def finish(tx: Transaction) -> None:
        states.step(service.kit, tx, row, "created", bootable=bool(job.data["bootable"]))
        service.volumes.emit(tx, job.context, "volume.manage.end", row)
    return finish


def _give_back(job: Job) -> Finish | None:
    backends = service_of(job).backends
    facet = require(backends.driver(job.data["backend"]), Adoptions)
    with backends.holding(job.subject, job.data["name"]):
        try:
            facet.adopt(job.data["name"], job.subject)
        except NotFound:
            job.log.warning("%s vanished from its pool while it was taken over", job.data["name"])
    return None


def _adopt_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    service, row = service_of(job), tx.row(access.VOLUME, {"id": job.subject})
    if row is not None and row.status == "creating":
        # Without a back end its deletion leaves alone what lies in the pool.
        states.step(service.kit, tx, row, "unmanaged", backend="", host="")
        service.volumes.emit(tx, job.context, "volume.manage.error", row)
        service.messages.add(tx, job.context, "manage", "manage", "VOLUME", row.id, row.project_id)


def _adopt_snapshot(job: Job) -> Finish | None:
    volume, service = volume_of(job), service_of(job)
    with service.kit.db.read() as tx:
        row = snapshot_of(tx, job)
    if volume is None or row is None or row.status != "creating":
        return None
    facet = require(service.backends.driver(volume.backend), Adoptions)
    with service.backends.holding(volume.id):
        facet.adopt_snapshot(volume.id, row.id, job.data["name"])

    def finish(tx: Transaction) -> None:
        states.step_snapshot(service.kit, tx, row, "created", progress="100%")
        service.snapshots.emit(tx, job.context, "snapshot.manage.end", row)
    return finish


def _give_snapshot_back(job: Job) -> Finish | None:
    volume, backends = volume_of(job), service_of(job).backends
    if volume is not None:
        facet = require(backends.driver(volume.backend), Adoptions)
        with backends.holding(volume.id):
            if job.data["snapshot"] in facet.snapshot_sizes(volume.id):
                facet.adopt_snapshot(volume.id, job.data["name"], job.data["snapshot"])
    return None


def _adopt_snapshot_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    service, row = service_of(job), snapshot_of(tx, job)
    if row is not None and row.status == "creating":
        states.step_snapshot(service.kit, tx, row, "unmanaged")
        service.snapshots.emit(tx, job.context, "snapshot.manage.error", row)
        service.messages.add(tx, job.context, "manage", "manage", "VOLUME_SNAPSHOT", row.id, row.project_id)


WORKFLOWS = (
    Workflow("volume.manage", (Step("adopt", _adopt, _give_back),), failed=_adopt_failed, title="manage"),
    Workflow("volume.manage_snapshot", (Step("adopt", _adopt_snapshot, _give_snapshot_back),),
             failed=_adopt_snapshot_failed, title="manage"),
)
