"""The end of a cold move: it is confirmed, by people or by time, or taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.db.engine import Row, Transaction
from ....core.errors import CloudError
from ....core.operations.workflow import Finish, Job, Step, Wait, Workflow
from .. import journeys, records, states
from ..agency import GuestPlan
from ..event import emit
from .move import drop_claim, leave, restore_claim
from .resize import at_home, charge_back, come_back, flavor_columns, old_side, shrink, stays
from .step import agent_of, kit_of, rows_of, settle

FOREVER_S = 100 * 365 * 24 * 3600.0
BUSY_S = 30.0


def forget(job: Job) -> None:
    """Let the old host forget what it kept, and placement the old claim."""
    rows = rows_of(job)
    move = rows.server.move
    if move is None:
        return
    if stays(move):
        flavor = rows.server.flavor
        plan = GuestPlan(guest=job.subject, name=rows.server.name, vcpus=flavor["vcpus"],
                         memory_mib=flavor["memory_mib"], disks=[])
        agent_of(job, rows.server.host).resize(job.context, plan, "confirm")
    else:
        leave(job, rows, move["old_host"])
    drop_claim(job, move["consumer"])


def confirmed(tx: Transaction, job: Job) -> None:
    """The server has its new size and place for good."""
    row = records.present(tx, job.subject)
    if row is None or row.move is None:
        return
    after = states.STOPPED if row.power_state == 4 else states.ACTIVE
    states.move(tx, job.subject, "resize_confirming", vm_state=after, task_state=None, move=None,
                updated_at=job.clock.now())
    journeys.note(kit_of(job), tx, row.move["consumer"], "confirmed")
    emit(kit_of(job), tx, job.context, "instance.resize_confirm.end", row)


def confirm_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """Leave the server in error with the fault."""
    _failed(tx, job)
    settle(tx, job, error, "resize_confirming", "instance.resize_confirm.error", broken=True)


def _failed(tx: Transaction, job: Job) -> None:
    row = records.present(tx, job.subject)
    if row is not None and row.move is not None:
        journeys.note(kit_of(job), tx, row.move["consumer"], "error")


CONFIRM = Workflow(kind="compute.confirm_resize", title="confirmResize", undoes=False, done=confirmed,
                   failed=confirm_failed, steps=(Step("confirm_resize", forget),))


def go_back(job: Job) -> None:
    """Give the guest its old size, on its old host, and the server its old claim.

    Nothing starts on the old host before the new one has nothing of the guest.
    """
    rows = rows_of(job)
    move = rows.server.move
    if move is None:
        return
    if stays(move):
        shrink(job, rows, move)
    else:
        come_back(job, rows, move, move["new"])
        at_home(job, rows, move)
    restore_claim(job, move["consumer"])


def reverted(tx: Transaction, job: Job) -> None:
    """The server has its old size and place again, and the quota what was charged."""
    row = records.present(tx, job.subject)
    if row is None or row.move is None:
        return
    stopped = row.move["before"] == states.STOPPED
    if states.move(tx, job.subject, "resize_reverting", vm_state=states.STOPPED if stopped else states.ACTIVE,
                   task_state=None, power_state=4 if stopped else 1, move=None, updated_at=job.clock.now(),
                   **_before(row, row.move)):
        charge_back(tx, row.project_id, row.move)
    journeys.note(kit_of(job), tx, row.move["consumer"], "reverted")
    emit(kit_of(job), tx, job.context, "instance.resize_revert.end", row)


def _before(row: Row, move: Mapping[str, Any]) -> dict[str, Any]:
    return {**flavor_columns(move["old_flavor"]), **old_side(move, row)}


def revert_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """Leave the server in error with the fault."""
    _failed(tx, job)
    settle(tx, job, error, "resize_reverting", "instance.resize_revert.error", broken=True)


REVERT = Workflow(kind="compute.revert_resize", title="revertResize", undoes=False, done=reverted, attempts=20,
                  failed=revert_failed, steps=(Step("revert_resize", go_back),))


def time_is_up(job: Job) -> Finish | None:
    """Begin to confirm the move that the operation is about, if it still waits for that."""
    kit, server_id = kit_of(job), job.data["server"]
    with kit.db.read() as tx:
        row = records.present(tx, server_id)
    if row is None or row.vm_state != states.RESIZED or (row.move or {}).get("consumer") != job.subject:
        return None
    if row.task_state is not None:
        raise Wait(f"server:{server_id}", BUSY_S)

    def finish(tx: Transaction) -> None:
        states.begin(tx, row, "confirmResize", kit.context(), job.clock.now())
        kit.engine.start(tx, CONFIRM.kind, server_id, job.context)
        journeys.note(kit, tx, job.subject, "confirming")
        emit(kit, tx, job.context, "instance.resize_confirm.start", row)
    return finish


AUTO_CONFIRM = Workflow(kind="compute.auto_confirm", title="confirmResize", undoes=False, deadline_s=FOREVER_S,
                        steps=(Step("confirm", time_is_up),))
