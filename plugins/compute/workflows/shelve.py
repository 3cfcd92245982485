"""Shelving a server: its root disk becomes an image, and it leaves its host; and taking it off the shelf again.

``shelf`` in the server's row names the image, when it was made, and where the server ran. A server with a root
volume needs no image: its volume is what it is made of again.
"""

from __future__ import annotations

import contextlib
import datetime

import msgspec

from ....core.context import Context
from ....core.db.engine import Row, Transaction
from ....core.errors import CloudError, Forbidden, NotFound
from ....core.operations.workflow import Finish, Job, Step, Workflow
from ....core.services.image import ImageRecord, ImageService
from ....core.services.network import NetworkService
from ....core.services.volume import VolumeService
from .. import claims, plans, records, recovery, states
from ..agency import GuestPlan
from ..event import emit
from . import later
from .image import discard, upload_root
from .image import make_image as create_image
from .move import unwire
from .step import Rows, agent_of, connections, fleet_of, kit_of, rows_of, server_of, settle, unlock

SHELVING, OFFLOADING, UNSHELVING = "shelving", "shelving_offloading", "unshelving"


def make_image(job: Job) -> None:
    """Make the image, but for a server whose root disk is a volume."""
    if job.data.get("image"):
        record = msgspec.convert(job.data["image"], ImageRecord)
        create_image(kit_of(job), owner(job.context, rows_of(job).server), record)


def owner(context: Context, server: Row) -> Context:
    """``context`` in the server's project: what an administrator shelves its owner can unshelve."""
    return msgspec.structs.replace(context, project_id=server.project_id)


def discard_image(job: Job) -> None:
    """Delete the image that did not come to be."""
    if job.data.get("image"):
        discard(job)


def stop(job: Job) -> None:
    """Shut the guest down; one that is gone was stopped by an earlier run."""
    server = rows_of(job).server
    with contextlib.suppress(NotFound):
        agent_of(job, server.host).act(job.context, server.id, "stop")


def start(job: Job) -> None:
    """Start the guest again, unless it was stopped before or is about to be deleted.

    On a host that is gone that is left to the comparison when it is back.
    """
    server = server_of(job)
    if server is None or later.gone(job, server.host):
        return
    if server.vm_state == states.ACTIVE and server.task_state == SHELVING:
        unlock(job, rows_of(job))
        agent_of(job, server.host).act(job.context, server.id, "start")


def upload(job: Job) -> Finish:
    """Copy the root disk into the image; the server is on the shelf then."""
    if job.data.get("image"):
        upload_root(job)
    return lambda tx: _shelved(tx, job)


def _shelved(tx: Transaction, job: Job) -> None:
    """Put the server on the shelf, and begin to free its host now or later, as the options say."""
    row, now = records.present(tx, job.subject), job.clock.now()
    if row is None:
        return
    kit = kit_of(job)
    wait_s = kit.options.shelved_offload_time_s if job.data.get("image") else 0.0
    image_id = job.data["image"]["id"] if job.data.get("image") else ""
    shelf = {"image_id": image_id, "at": f"{now:%Y-%m-%dT%H:%M:%SZ}", "host": row.host}
    due = now + datetime.timedelta(seconds=wait_s) if wait_s > 0 else None
    if not states.move(tx, job.subject, SHELVING, vm_state=states.SHELVED, power_state=4, shelf=shelf, due_at=due,
                       task_state=OFFLOADING if wait_s == 0 else None, updated_at=now, fault=None):
        return
    emit(kit, tx, job.context, "instance.shelve.end", row)
    if wait_s == 0:
        kit.engine.start(tx, "compute.shelve_offload", job.subject, job.context, {"again": True})
        emit(kit, tx, job.context, "instance.shelve_offload.start", row)


def shelve_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """The server goes on as it was."""
    settle(tx, job, error, SHELVING, "instance.shelve.error")


SHELVE = Workflow(kind="compute.shelve", title="shelve", failed=shelve_failed,
                  steps=(Step("image", make_image, discard_image), Step("stop", stop, start), Step("upload", upload)))


def destroy(job: Job) -> None:
    """Remove the guest from its host."""
    server = rows_of(job).server
    if server.host:
        agent_of(job, server.host).destroy(job.context, job.subject)


def unbind(job: Job) -> None:
    """Unwire the ports and bind them to no host."""
    rows = rows_of(job)
    if rows.server.nics:
        unwire(job, rows, rows.server.host)
        kit_of(job).peers.of(NetworkService).bind(job.context, job.subject, "")


def close_volumes(job: Job) -> None:
    """Close the volumes to the host; they stay the server's."""
    volumes = kit_of(job).peers.of(VolumeService)
    for one in rows_of(job).devices:
        if one.attachment_id:
            volumes.disconnect(job.context, one.attachment_id)


def release_claim(job: Job) -> Finish:
    """Give the host's resources back and forget the host."""
    claims.release(kit_of(job), job.context, job.subject)
    return lambda tx: _offloaded(tx, job)


def _offloaded(tx: Transaction, job: Job) -> None:
    row = records.present(tx, job.subject)
    if row is not None and states.move(tx, job.subject, OFFLOADING, vm_state=states.OFFLOADED, task_state=None,
                                       host="", node="", provider="", zone=row.pinned_zone, power_state=4, due_at=None,
                                       updated_at=job.clock.now(), fault=None):
        emit(kit_of(job), tx, job.context, "instance.shelve_offload.end", row)


def offload_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """Leave the server in error with the fault."""
    settle(tx, job, error, OFFLOADING, "instance.shelve_offload.error", broken=True)


OFFLOAD = Workflow(kind="compute.shelve_offload", title="shelveOffload", undoes=False, failed=offload_failed,
                   steps=(Step("guest", destroy), Step("ports", unbind), Step("volumes", close_volumes),
                          Step("claim", release_claim)))


def schedule(job: Job) -> Finish | None:
    """Choose a host for a server that has left its own, and claim its resources."""
    kit, rows = kit_of(job), rows_of(job)
    if rows.server.vm_state != states.OFFLOADED:
        return None
    wanted = job.data.get("host", "")
    others = [one.host for one in fleet_of(job).all() if one.host != wanted] if wanted else ()
    with kit.db.read() as tx:
        request = plans.request(kit, tx, rows.server, rows.details, rows.devices, rows.server.flavor, ignored=others)
    # The host that was asked for at the creation bound the first boot alone.
    request = msgspec.structs.replace(request, forced_host="", forced_node="")
    chosen = claims.select(kit, job.context, request, plans.wanted(kit, rows.server.flavor, rows.details))

    def finish(tx: Transaction) -> None:
        states.move(tx, job.subject, UNSHELVING, host=chosen.host, node=chosen.node, provider=chosen.provider,
                    zone=chosen.zone or rows.server.zone)
    return finish


def unschedule(job: Job) -> Finish | None:
    """Give the claim back and forget the host."""
    rows = rows_of(job)
    if rows.server.vm_state != states.OFFLOADED:
        return None
    claims.release(kit_of(job), job.context, job.subject)

    def finish(tx: Transaction) -> None:
        states.leave(tx, job.subject, rows.server.pinned_zone, job.clock.now())
    return finish


def bind(job: Job) -> None:
    """Bind the ports to the host."""
    server = rows_of(job).server
    if server.nics:
        kit_of(job).peers.of(NetworkService).bind(job.context, server.id, server.host, server.zone)


def unbind_again(job: Job) -> None:
    """Bind the ports of a server that stays without a host to none."""
    if rows_of(job).server.vm_state == states.OFFLOADED:
        unbind(job)


def spawn(job: Job) -> Finish:
    """Wire the ports, open the volumes, and make the guest from the shelved image, or start it where it still is."""
    kit, rows = kit_of(job), rows_of(job)
    server = rows.server
    vifs = kit.peers.of(NetworkService).plug(job.context, server.id, server.host) if server.nics else []
    agent = agent_of(job, server.host)
    if server.vm_state == states.OFFLOADED:
        reached = connections(job, rows, server.host)
        plan = plans.guest(kit, job.context, server, rows.details, rows.devices, server.flavor, vifs, reached)
        agent.spawn(job.context, _from_shelf(job, rows, plan))
        for one in rows.devices:
            if one.attachment_id:
                kit.peers.of(VolumeService).complete(job.context, one.attachment_id)
    else:
        unlock(job, rows)
        agent.act(job.context, server.id, "start")
    job.data["image_id"] = (server.shelf or {}).get("image_id", "")
    return lambda tx: _unshelved(tx, job, rows)


def _from_shelf(job: Job, rows: Rows, plan: GuestPlan) -> GuestPlan:
    """``plan`` with the root disk of the shelved image."""
    image_id = (rows.server.shelf or {}).get("image_id", "")
    if not image_id:
        return plan
    image = kit_of(job).peers.of(ImageService).image(job.context, image_id)
    disks = [msgspec.structs.replace(disk, image=image) if disk.kind == "root" else disk for disk in plan.disks]
    return msgspec.structs.replace(plan, disks=disks)


def _unshelved(tx: Transaction, job: Job, rows: Rows) -> None:
    now = job.clock.now()
    if not states.move(tx, job.subject, UNSHELVING, vm_state=states.ACTIVE, task_state=None, power_state=1, shelf=None,
                       due_at=None, launched_at=now, updated_at=now, fault=None):
        return
    fleet_of(job).succeeded(tx, rows.server.host)
    emit(kit_of(job), tx, job.context, "instance.unshelve.end", rows.server)


def destroy_again(job: Job) -> None:
    """Remove the guest that was made and close the volumes, if the server stays without a host."""
    server = server_of(job)
    if server is None or server.vm_state != states.OFFLOADED or not server.host:
        return
    if later.gone(job, server.host) and not recovery.stopped(kit_of(job), server.host):
        # It may run there still, so that there must not be another.
        later.put_off(job, "offload", ["", server.host], emptied=[server.host], before=states.OFFLOADED)
    else:
        agent_of(job, server.host).destroy(job.context, job.subject)
        close_volumes(job)


def forget_image(job: Job) -> None:
    """Delete the shelved image; a protected one, or one that is not the caller's, stays."""
    forget(job, job.data.get("image_id", ""))


def forget(job: Job, image_id: str) -> None:
    """Delete a shelved image, if there is one and the caller may."""
    if not image_id:
        return
    try:
        kit_of(job).peers.of(ImageService).delete(job.context, image_id)
    except Forbidden as refused:
        job.log.warning("the shelved image %s of server %s stays: %s", image_id, job.subject, refused.message)


def unshelve_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """The server stays on the shelf; in error, as long as its guest may be on a host that is gone."""
    later.begin(tx, job)
    settle(tx, job, error, UNSHELVING, "instance.unshelve.error", broken=bool(job.data.get(later.LATER)))


UNSHELVE = Workflow(kind="compute.unshelve", title="unshelve", failed=unshelve_failed,
                    steps=(Step("schedule", schedule, unschedule), Step("ports", bind, unbind_again),
                           Step("spawn", spawn, destroy_again), Step("image", forget_image)))


def shelf_image(job: Job) -> None:
    """Delete the image of a shelved server that is being deleted."""
    server = server_of(job)
    if server is not None and server.shelf:
        forget(job, server.shelf["image_id"])
