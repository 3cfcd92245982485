"""Rescue: a server runs from another disk for a while, so that its own can be repaired.

``rescue`` in the server's details names the image and how its disk is put in: by default before the server's root
disk and with nothing else; with ``device``, a device name, behind all of the server's disks, which stay as they are.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ....core.db.engine import Transaction
from ....core.errors import CloudError, NotSupported
from ....core.operations.workflow import Finish, Job, Step, Workflow
from ....core.services.image import ImageRecord
from ....core.services.network import NetworkService
from .. import plans, records, states
from ..agency import DiskPlan, GuestPlan
from ..event import emit
from ..tables import server_details
from .step import Rows, agent_of, connections, kit_of, opened, rows_of, settle

RESCUING, UNRESCUING = "rescuing", "unrescuing"


def plan_of(job: Job, rows: Rows, password: str = "") -> GuestPlan:
    """The guest as it is without any rescue, its ports wired; ``password`` is on its config drive."""
    kit, server = kit_of(job), rows.server
    vifs = kit.peers.of(NetworkService).plug(job.context, server.id, server.host) if server.nics else []
    return plans.guest(kit, job.context, server, rows.details, rows.devices, server.flavor, vifs,
                       connections(job, rows, server.host), password)


def with_rescue(plan: GuestPlan, image: ImageRecord, device: str) -> GuestPlan:
    """``plan`` with a disk made from ``image`` to boot from."""
    if device:
        rescue = DiskPlan(device=device, kind="rescue", image=image)
        return msgspec.structs.replace(plan, disks=[*plan.disks, rescue], boot_device=device)
    first = plan.disks[0]
    rescue = DiskPlan(device=first.device, kind="rescue", image=image)
    root = msgspec.structs.replace(first, device=first.device[:-1] + "b")
    return msgspec.structs.replace(plan, disks=[rescue, root], boot_device=first.device)


def rescue(job: Job) -> Finish:
    """Boot the guest from the rescue disk."""
    rows = rows_of(job)
    server, wish = rows.server, rows.details.rescue
    plain = plan_of(job, rows, opened(job, wish.get("password", "")))
    plan = with_rescue(plain, msgspec.convert(wish["image"], ImageRecord), wish["device"])
    agent_of(job, server.host).rescue(job.context, plan)

    def finish(tx: Transaction) -> None:
        now = job.clock.now()
        if states.move(tx, job.subject, RESCUING, vm_state=states.RESCUED, task_state=None, power_state=1,
                       launched_at=now, updated_at=now, fault=None):
            _keep(tx, job, {**wish, "password": ""})
            emit(kit_of(job), tx, job.context, "instance.rescue.end", server)
    return finish


def back(job: Job) -> None:
    """Boot the guest from its own disks, as it was, unless the driver could not rescue it at all."""
    rows = rows_of(job)
    if rows.server.task_state == RESCUING and rows.server.host:
        agent = agent_of(job, rows.server.host)
        try:
            agent.unrescue(job.context, plan_of(job, rows))
        except NotSupported:
            return
        if rows.server.vm_state == states.STOPPED:
            agent.act(job.context, job.subject, "stop")


def rescue_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """The server is as it was, with the fault kept."""
    _forget(tx, job)
    settle(tx, job, error, RESCUING, "instance.rescue.error")


def _forget(tx: Transaction, job: Job) -> None:
    _keep(tx, job, None)


def _keep(tx: Transaction, job: Job, wish: dict[str, Any] | None) -> None:
    tx.execute(server_details.update().where(server_details.c.server_id == job.subject).values(rescue=wish))


RESCUE = Workflow(kind="compute.rescue", title="rescue", failed=rescue_failed, steps=(Step("rescue", rescue, back),))


def unrescue(job: Job) -> Finish:
    """Boot the guest from its own disks again."""
    rows = rows_of(job)
    agent_of(job, rows.server.host).unrescue(job.context, plan_of(job, rows))

    def finish(tx: Transaction) -> None:
        now = job.clock.now()
        if states.move(tx, job.subject, UNRESCUING, vm_state=states.ACTIVE, task_state=None, power_state=1,
                       launched_at=now, updated_at=now, fault=None):
            _forget(tx, job)
            row = records.present(tx, job.subject)
            if row is not None:
                emit(kit_of(job), tx, job.context, "instance.unrescue.end", row)
    return finish


def unrescue_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """Leave the server in error with the fault."""
    settle(tx, job, error, UNRESCUING, "instance.unrescue.error", broken=True)


UNRESCUE = Workflow(kind="compute.unrescue", title="unrescue", undoes=False, failed=unrescue_failed,
                    steps=(Step("unrescue", unrescue),))
