"""Moving volumes between back ends: a copy there, a switch, and the end of what was here."""

from __future__ import annotations

from ....core.db.engine import Transaction
from ....core.errors import AlreadyExists, CloudError
from ....core.operations.workflow import Finish, Job, Step, Workflow
from .. import access
from ..messages import detail_of
from .subjects import service_of, volume_of


def _look(job: Job) -> Finish | None:
    """See that nobody's volume of this id is there: what is there later is the copy's own."""
    there = service_of(job).backends.driver(job.data["to"]).observe().volumes
    if job.subject in there:
        raise AlreadyExists(f"back end {job.data['to']} has a volume {job.subject}")
    job.data["clear"] = True
    return None


def _copy(job: Job) -> Finish | None:
    row, service = volume_of(job), service_of(job)
    if row is None or row.backend != job.data["from"]:
        return None
    source, target = job.data["from"], job.data["to"]
    service.backends.clone(target, row.id, row.size, source, row.id)

    def finish(tx: Transaction) -> None:
        values = {"type_id": job.data["type"]} if job.data["type"] else {}
        service.moves.ended(tx, job.context, row, "success", backend=target, host=service.backends.host(target),
                            **values)
        service.volumes.emit(tx, job.context, "volume.migrate.end", row)
        if values:
            service.volumes.emit(tx, job.context, "volume.retype", row)
        service.kit.engine.start(tx, "volume.leave", row.id, job.context, {"backend": source})
    return finish


def _drop_copy(job: Job) -> Finish | None:
    if job.data.get("clear"):
        backends = service_of(job).backends
        with backends.holding(job.subject):
            backends.driver(job.data["to"]).delete(job.subject)
    return None


def _move_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    service, row = service_of(job), tx.row(access.VOLUME, {"id": job.subject})
    if row is not None and row.backend == job.data["from"]:
        service.moves.ended(tx, job.context, row, "error")
        service.volumes.emit(tx, job.context, "volume.migrate.error", row)
        service.messages.add(tx, job.context, "migrate", detail_of(error, "migrate"), "VOLUME", row.id,
                             row.project_id)


def _leave(job: Job) -> Finish | None:
    backends = service_of(job).backends
    with backends.holding(job.subject):
        backends.driver(job.data["backend"]).delete(job.subject)
    return None


def _leave_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    job.log.error("back end %s keeps the old copy of volume %s: %s", job.data["backend"], job.subject, error)


WORKFLOWS = (
    Workflow("volume.migrate", (Step("look", _look), Step("copy", _copy, _drop_copy)), failed=_move_failed,
             title="migrate", deadline_s=24 * 3600.0),
    Workflow("volume.leave", (Step("leave", _leave),), failed=_leave_failed, undoes=False, title="leave"),
)
