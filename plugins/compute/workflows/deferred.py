"""Deleting a server softly: it stops, no longer counts, and can be restored until its time is over."""

from __future__ import annotations

import contextlib
import datetime

from ....core.db.engine import Transaction
from ....core.errors import CloudError, NotFound
from ....core.operations.workflow import Finish, Job, Step, Workflow
from ....core.services.network import NetworkService
from .. import accounting, journeys, records, states
from ..event import emit
from .confirm import forget
from .step import agent_of, kit_of, rows_of, server_of, settle

DELETING, RESTORING = "soft-deleting", "restoring"


def confirm(job: Job) -> None:
    """Let the other side of a move that waits to be confirmed forget the guest."""
    forget(job)


def stop(job: Job) -> Finish:
    """Shut the guest down; the server counts no longer."""
    server = rows_of(job).server
    with contextlib.suppress(NotFound):
        if server.host:
            agent_of(job, server.host).act(job.context, server.id, "stop")
    return lambda tx: _deleted(tx, job)


def _deleted(tx: Transaction, job: Job) -> None:
    kit, row, now = kit_of(job), records.present(tx, job.subject), job.clock.now()
    due = now + datetime.timedelta(seconds=kit.options.reclaim_instance_interval_s)
    if row is not None and states.move(tx, job.subject, DELETING, vm_state=states.SOFT_DELETED, task_state=None,
                                       power_state=4, due_at=due, updated_at=now, move=None):
        if row.move is not None:
            journeys.note(kit, tx, row.move["consumer"], "confirmed")
        accounting.charge(tx, row.project_id, -1, -row.vcpus, -row.memory_mib)
        emit(kit, tx, job.context, "instance.soft_delete.end", row)


def delete_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """Leave the server in error; it can be deleted again."""
    settle(tx, job, error, DELETING, "instance.soft_delete.error", broken=True)


SOFT_DELETE = Workflow(kind="compute.soft_delete", title="delete", undoes=False, failed=delete_failed,
                       steps=(Step("confirm", confirm), Step("stop", stop)))


def start(job: Job) -> Finish:
    """Wire the ports and start the guest."""
    server = rows_of(job).server
    if server.nics:
        kit_of(job).peers.of(NetworkService).plug(job.context, server.id, server.host)
    agent_of(job, server.host).act(job.context, server.id, "start")

    def finish(tx: Transaction) -> None:
        if states.move(tx, job.subject, RESTORING, vm_state=states.ACTIVE, task_state=None, power_state=1, due_at=None,
                       updated_at=job.clock.now(), fault=None):
            emit(kit_of(job), tx, job.context, "instance.restore.end", server)
    return finish


def stop_again(job: Job) -> None:
    """Shut the guest down that did not come back properly."""
    server = server_of(job)
    if server is not None and server.vm_state == states.SOFT_DELETED:
        with contextlib.suppress(NotFound):
            agent_of(job, server.host).act(job.context, server.id, "stop")


def restore_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """The server stays deleted softly; its quota is given back."""
    row = records.present(tx, job.subject)
    if row is not None and row.vm_state == states.SOFT_DELETED:
        accounting.charge(tx, row.project_id, -1, -row.vcpus, -row.memory_mib)
    settle(tx, job, error, RESTORING, "instance.restore.error")


RESTORE = Workflow(kind="compute.restore", title="restore", failed=restore_failed,
                   steps=(Step("start", start, stop_again),))
