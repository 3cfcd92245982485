"""Rescue: a server runs from another disk for a while, so that its own can be repaired.

``rescue`` in the server's details names the image and how its disk is put in: by default before the server's root
disk and with nothing else; with ``device``, a device name, behind all of the server's disks, which stay as they are.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ....core.db.engine import Row, Transaction
from ....core.errors import BackendBusy, CloudError, NotSupported, WrongState
from ....core.operations.workflow import Finish, Job, Step, Wait, Workflow
from ....core.services.image import ImageRecord
from ....core.services.network import NetworkService
from .. import plans, records, states
from ..agency import DiskPlan, GuestPlan
from ..event import emit
from ..passwords import takes_passwords
from ..tables import server_details
from . import later
from .step import Rows, agent_of, connections, kit_of, opened, rows_of, settle

RESCUING, UNRESCUING = "rescuing", "unrescuing"
ADMINISTRATOR = "root"
TELL_S, TELL_AGAIN_S, PATIENCE_S = 20.0, 5.0, 180.0
"""How long an agent inside of a guest gets to answer, when it is asked again, and for how long altogether."""


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
            _delivered(tx, job, wish)
            emit(kit_of(job), tx, job.context, "instance.rescue.end", server)
    return finish


def _delivered(tx: Transaction, job: Job, wish: dict[str, Any]) -> None:
    """The password is on the config drive; an agent inside of the rescue image is told, too, once it runs."""
    if wish.get("password") and takes_passwords(wish["image"]["properties"]):
        # On a subject of its own, so that nothing waits for it that is done to the server.
        kit_of(job).engine.start(tx, TELL.kind, kit_of(job).clock.uuid(), job.context, {"server": job.subject})
    else:
        _keep(tx, job.subject, {**wish, "password": ""})


def back(job: Job) -> None:
    """Boot the guest from its own disks, as it was, unless the driver could not rescue it at all."""
    rows = rows_of(job)
    if rows.server.task_state != RESCUING or not rows.server.host:
        return
    if later.gone(job, rows.server.host):
        later.put_off(job, "unrescue", [rows.server.host])
    else:
        boot_own(job, rows)


def boot_own(job: Job, rows: Rows) -> None:
    """Boot the guest from its own disks; a server that is stopped is stopped again."""
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
    later.begin(tx, job)
    settle(tx, job, error, RESCUING, "instance.rescue.error")


def _forget(tx: Transaction, job: Job) -> None:
    _keep(tx, job.subject, None)


def _keep(tx: Transaction, server_id: str, wish: dict[str, Any] | None) -> None:
    tx.execute(server_details.update().where(server_details.c.server_id == server_id).values(rescue=wish))


def tell(job: Job) -> Finish | None:
    """Tell the agent inside of a rescued guest its administrator's password, as soon as it listens."""
    found = _rescued(job)
    if found is None:
        return None
    server, wish = found
    password = opened(job, wish["password"])
    user = wish["image"]["properties"].get("os_admin_user") or ADMINISTRATOR
    began = job.data.setdefault("began", job.clock.time())
    try:
        agent_of(job, server.host, TELL_S).set_password(job.context, server.id, user, password)
    except (NotSupported, WrongState, BackendBusy) as deaf:
        if job.clock.time() - began < PATIENCE_S:
            raise Wait(f"agent:{server.id}", TELL_AGAIN_S) from deaf
        job.log.warning("the rescued server %s was not told its password: %s", server.id, deaf.message)
    return lambda tx: _told(tx, job)


def _rescued(job: Job) -> tuple[Row, dict[str, Any]] | None:
    """The job's server with the rescue it is in, if there is a password to tell."""
    with kit_of(job).db.read() as tx:
        server = records.present(tx, job.data["server"])
        wish = records.details(tx, server.id).rescue if server is not None else None
    return (server, wish) if server is not None and wish and wish.get("password") else None


def _told(tx: Transaction, job: Job) -> None:
    found = _rescued(job)
    if found is not None:
        _keep(tx, found[0].id, {**found[1], "password": ""})


def tell_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """The password is kept no longer."""
    _told(tx, job)


TELL = Workflow(kind="compute.tell_password", title="tellPassword", undoes=False, attempts=1, failed=tell_failed,
                steps=(Step("tell", tell),))


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
