"""Resizing a server on its host, and keeping or taking back the new size.

While a resize is not confirmed, a consumer of its own in placement holds the old size's claim.
``move`` in the server's row names that consumer and both flavors.
"""

from __future__ import annotations

from typing import Any

from ....core.db.engine import Transaction
from ....core.errors import CloudError
from ....core.operations.workflow import Finish, Job, Step, Workflow
from ....core.services.network import NetworkService
from ....core.services.placement import PlacementService
from ....core.services.scheduler import SchedulerService
from .. import accounting, plans, records, states
from ..agency import GuestPlan
from ..event import emit
from .step import Rows, agent_of, connections, kit_of, rows_of, settle


def claim(job: Job) -> Finish:
    """Put the old claim on the resize's own consumer and claim the new size for the server."""
    kit, rows = kit_of(job), rows_of(job)
    move = rows.server.move
    placement = kit.peers.of(PlacementService)
    if not placement.allocations(job.context, move["consumer"]):
        placement.move(job.context, job.subject, move["consumer"])
    with kit.db.read() as tx:
        request = plans.request(tx, rows.server, rows.details, rows.devices, move["new_flavor"],
                                forced_host=rows.server.host)
    kit.peers.of(SchedulerService).select(job.context, request)

    def finish(tx: Transaction) -> None:
        states.move(tx, job.subject, "resize_prep", task_state="resize_finish", updated_at=job.clock.now())
    return finish


def unclaim(job: Job) -> None:
    """Give the new claim back and put the old one where it was."""
    move = rows_of(job).server.move
    if move is not None:
        _restore(job, move["consumer"])


def _restore(job: Job, consumer: str) -> None:
    placement = kit_of(job).peers.of(PlacementService)
    if placement.allocations(job.context, consumer):
        placement.release(job.context, job.subject)
        placement.move(job.context, consumer, job.subject)


def _plan(job: Job, rows: Rows, flavor: dict[str, Any]) -> GuestPlan:
    kit, server = kit_of(job), rows.server
    vifs = kit.peers.of(NetworkService).plug(job.context, server.id, server.host) if server.nics else []
    return plans.guest(kit, job.context, server, rows.details, rows.devices, flavor, vifs,
                       connections(job, rows, server.host))


def grow(job: Job) -> Finish:
    """Give the guest its new size; it runs again afterwards unless it was stopped before."""
    rows = rows_of(job)
    server, move = rows.server, rows.server.move
    agent = agent_of(job, server.host)
    agent.resize(job.context, _plan(job, rows, move["new_flavor"]), "resize")
    stopped = move["before"] == states.STOPPED
    if stopped:
        agent.act(job.context, server.id, "stop")

    def finish(tx: Transaction) -> None:
        if states.move(tx, job.subject, "resize_finish", vm_state=states.RESIZED, task_state=None, fault=None,
                       power_state=4 if stopped else 1, updated_at=job.clock.now(), launched_at=job.clock.now(),
                       **flavor_columns(move["new_flavor"])):
            emit(kit_of(job), tx, job.context, "instance.resize_finish.end", server)
    return finish


def flavor_columns(flavor: dict[str, Any]) -> dict[str, Any]:
    """What a server's row says of its flavor."""
    return {"flavor": flavor, "flavor_id": flavor["id"], "vcpus": flavor["vcpus"], "memory_mib": flavor["memory_mib"],
            "root_gib": flavor["root_gib"], "ephemeral_gib": flavor["ephemeral_gib"]}


def shrink(job: Job) -> None:
    """Go back to the guest as it was."""
    rows = rows_of(job)
    if rows.server.move is not None:
        agent = agent_of(job, rows.server.host)
        agent.resize(job.context, _plan(job, rows, rows.server.move["old_flavor"]), "revert")
        if rows.server.move["before"] == states.STOPPED:
            agent.act(job.context, job.subject, "stop")


def resize_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """The server is what it was before, with the fault kept; the quota is given back."""
    row = records.present(tx, job.subject)
    if row is None or row.move is None:
        return
    _charge_back(tx, row.project_id, row.move)
    task = row.task_state if row.task_state in states.RESIZES else "resize_prep"
    states.move(tx, job.subject, row.task_state, move=None)
    settle(tx, job, error, task, "instance.resize.error")


def _charge_back(tx: Transaction, project_id: str, move: dict[str, Any]) -> None:
    old, new = move["old_flavor"], move["new_flavor"]
    accounting.charge(tx, project_id, 0, old["vcpus"] - new["vcpus"], old["memory_mib"] - new["memory_mib"])


RESIZE = Workflow(kind="compute.resize", title="resize", failed=resize_failed,
                  steps=(Step("claim", claim, unclaim), Step("guest", grow, shrink)))


def forget(job: Job) -> None:
    """Let the host forget the way back, and placement the old claim."""
    rows = rows_of(job)
    if rows.server.move is None:
        return
    flavor = rows.server.flavor
    plan = GuestPlan(guest=job.subject, name=rows.server.name, vcpus=flavor["vcpus"],
                     memory_mib=flavor["memory_mib"], disks=[])
    agent_of(job, rows.server.host).resize(job.context, plan, "confirm")
    kit_of(job).peers.of(PlacementService).release(job.context, rows.server.move["consumer"])


def confirmed(tx: Transaction, job: Job) -> None:
    """The server has its new size for good."""
    row = records.present(tx, job.subject)
    if row is None or row.move is None:
        return
    after = states.STOPPED if row.power_state == 4 else states.ACTIVE
    states.move(tx, job.subject, "resize_confirming", vm_state=after, task_state=None, move=None,
                updated_at=job.clock.now())
    emit(kit_of(job), tx, job.context, "instance.resize_confirm.end", row)


def confirm_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """Leave the server in error with the fault."""
    settle(tx, job, error, "resize_confirming", "instance.resize_confirm.error", broken=True)


CONFIRM = Workflow(kind="compute.confirm_resize", title="confirmResize", undoes=False, done=confirmed,
                   failed=confirm_failed, steps=(Step("forget", forget),))


def go_back(job: Job) -> None:
    """Give the guest its old size and the server its old claim."""
    shrink(job)
    move = rows_of(job).server.move
    if move is not None:
        _restore(job, move["consumer"])


def reverted(tx: Transaction, job: Job) -> None:
    """The server has its old size again, and the quota what was charged."""
    row = records.present(tx, job.subject)
    if row is None or row.move is None:
        return
    stopped = row.move["before"] == states.STOPPED
    if states.move(tx, job.subject, "resize_reverting", vm_state=states.STOPPED if stopped else states.ACTIVE,
                   task_state=None, power_state=4 if stopped else 1, move=None, updated_at=job.clock.now(),
                   **flavor_columns(row.move["old_flavor"])):
        _charge_back(tx, row.project_id, row.move)
    emit(kit_of(job), tx, job.context, "instance.resize_revert.end", row)


def revert_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """Leave the server in error with the fault."""
    settle(tx, job, error, "resize_reverting", "instance.resize_revert.error", broken=True)


REVERT = Workflow(kind="compute.revert_resize", title="revertResize", undoes=False, done=reverted,
                  failed=revert_failed, steps=(Step("revert", go_back),))
