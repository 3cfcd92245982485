"""Recovering a host: first it is made certain that nothing runs there, then its servers move out."""

from __future__ import annotations

from ....core.db.engine import Transaction
from ....core.errors import BackendBusy, CloudError
from ....core.operations.workflow import Job, Step, Wait, Workflow
from .. import exodus, recovery
from .step import fleet_of, kit_of

AGAIN_S = 5.0
DEADLINE_S = 86400.0


def fence(job: Job) -> None:
    """Wait until the fence vouches that nothing runs on the host. :raises CloudError: it never will."""
    if job.data["confirmed"]:
        _ask_once(job)
    elif not job.service.fence.fence(job.data["host"]):
        raise Wait(f"fence:{job.data['host']}", AGAIN_S)
    job.data["stopped"] = True


def _still(job: Job) -> bool:
    try:
        return bool(job.service.fence.fence(job.data["host"]))
    except BackendBusy as busy:
        job.log.warning("host %s: the fence cannot tell whether it is still stopped: %s", job.data["host"], busy)
        return False


def _ask_once(job: Job) -> None:
    """Somebody vouches, so the fence's word does not count; but who errs is not to pay with a disk if it can help."""
    try:
        job.service.fence.fence(job.data["host"])
    except CloudError as error:
        job.log.info("host %s is recovered on somebody's word alone: %s", job.data["host"], error)


def move_out(job: Job) -> None:
    """Evacuate its servers, an operation each, and wait for their end.

    Before more begin, the fence is asked again: somebody may have switched the host on by hand.
    """
    if not job.data["confirmed"] and not _still(job):
        raise Wait(f"fence:{job.data['host']}", AGAIN_S)
    if not exodus.go_on(kit_of(job), fleet_of(job), job.context, job.data):
        raise Wait(exodus.ENDED, AGAIN_S)


def failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """A host that nobody is certain of is down only by its own word again; one that was stopped stays down."""
    if not job.data.get("stopped"):
        recovery.force_down(tx, job.data["host"], False)
    tx.after_commit(fleet_of(job).changed)


RECOVER = Workflow(kind=recovery.KIND, title="recover", undoes=False, attempts=60, deadline_s=DEADLINE_S,
                   failed=failed, steps=(Step("fence", fence), Step("move_out", move_out)))
