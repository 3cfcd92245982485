"""Rebuilding a server: the guest is made anew, from the same image or another; ports and volumes stay."""

from __future__ import annotations

from ....core.db.engine import Transaction
from ....core.errors import BackendFailed, CloudError
from ....core.operations.workflow import Finish, Job, Step, Wait, Workflow
from ....core.services.network import NetworkService
from ....core.services.volume import VolumeService
from .. import plans, records, states
from ..event import emit
from .step import agent_of, connections, forget_password, kit_of, password_of, rows_of, settle

TASK = "rebuild_spawning"


def destroy(job: Job) -> Finish:
    """Remove the guest with its local disks."""
    server = rows_of(job).server
    agent_of(job, server.host).destroy(job.context, job.subject)

    def finish(tx: Transaction) -> None:
        states.move(tx, job.subject, "rebuilding", task_state=TASK, power_state=0, updated_at=job.clock.now())
    return finish


def fill_volume(job: Job) -> None:
    """Begin to fill the root volume anew from the image, which nobody may have open meanwhile."""
    volume_id = job.data.get("volume", "")
    if not volume_id:
        return
    rows, volumes = rows_of(job), kit_of(job).peers.of(VolumeService)
    for one in rows.devices:
        if one.volume_id == volume_id:
            volumes.disconnect(job.context, one.attachment_id)
    volumes.reimage(job.context, volume_id, plans.image_of(rows.details).id)


def filled(job: Job) -> None:
    """Wait until the root volume is filled."""
    volume_id = job.data.get("volume", "")
    if not volume_id:
        return
    found = kit_of(job).peers.of(VolumeService).volume(job.context, volume_id)
    if found.status == "downloading":
        raise Wait(f"volume:{volume_id}")
    if found.status.startswith("error"):
        raise BackendFailed(f"Volume {volume_id} could not be filled anew: its status is {found.status}.")


def spawn(job: Job) -> Finish:
    """Make the guest again; a server that was stopped is stopped afterwards."""
    kit, rows = kit_of(job), rows_of(job)
    server = rows.server
    vifs = kit.peers.of(NetworkService).plug(job.context, server.id, server.host) if server.nics else []
    plan = plans.guest(kit, job.context, server, rows.details, rows.devices, server.flavor, vifs,
                       connections(job, rows, server.host), password_of(job, rows))
    agent = agent_of(job, server.host)
    agent.spawn(job.context, plan)
    for one in rows.devices:
        if one.volume_id and one.volume_id == job.data.get("volume"):
            kit.peers.of(VolumeService).complete(job.context, one.attachment_id)
    stopped = job.data.get("before") == states.STOPPED
    if stopped:
        agent.act(job.context, server.id, "stop")
    return lambda tx: _done(tx, job, stopped)


def _done(tx: Transaction, job: Job, stopped: bool) -> None:
    now = job.clock.now()
    if states.move(tx, job.subject, TASK, vm_state=states.STOPPED if stopped else states.ACTIVE, task_state=None,
                   power_state=4 if stopped else 1, updated_at=now, launched_at=now, fault=None):
        forget_password(tx, job.subject)
        row = records.present(tx, job.subject)
        if row is not None:
            emit(kit_of(job), tx, job.context, "instance.rebuild.end", row)


def failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """Leave the server in error, unless another operation interrupted this one."""
    if error.code != "interrupted":
        forget_password(tx, job.subject)
    for task in ("rebuilding", TASK):
        settle(tx, job, error, task, "instance.rebuild.error", broken=True)


REBUILD = Workflow(kind="compute.rebuild", title="rebuild", undoes=False, failed=failed,
                   steps=(Step("guest", destroy), Step("volume", fill_volume), Step("filled", filled),
                          Step("spawn", spawn)))
