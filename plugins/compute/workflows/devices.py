"""Volumes and interfaces put into servers and taken out again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import msgspec

from ....core.db.engine import Row, Transaction
from ....core.drivers.volume import Connector
from ....core.errors import CloudError, NotFound, WrongState
from ....core.operations.workflow import Finish, Job, Step, Workflow
from ....core.services.network import NetworkService, NicRequest
from ....core.services.volume import VolumeService
from .. import plans, records, recovery
from ..event import emit
from ..tables import block_devices, servers
from . import later
from .boot import nic_columns
from .step import agent_of, fault, kit_of, rows_of, server_of


def _named(job: Job) -> dict[str, str]:
    """What names the device in a job's data."""
    return {name: job.data[name] for name in ("volume_id", "port_id") if name in job.data}


def _device(job: Job) -> Row | None:
    """The attachment's row, or none when it is gone."""
    with kit_of(job).db.read() as tx:
        return tx.row(records.DEVICE, {"id": job.subject, "volume": job.data["volume_id"]})


def note_volumes(tx: Transaction, server_id: str) -> None:
    """Repeat in the server's row which volumes it has."""
    tx.execute(servers.update().where(servers.c.id == server_id)
               .values(volumes=records.volumes_of(records.devices(tx, server_id))))


def attach_volume(job: Job) -> Finish | None:
    """Open the volume to the host and plug it in; a server without a host finds it plugged in once it has one."""
    device, server = _device(job), rows_of(job).server
    if device is None:
        return None
    kit = kit_of(job)
    volumes = kit.peers.of(VolumeService)
    volumes.reserve(job.context, device.volume_id, server.id, device.attachment_id)
    if server.host:
        connection = volumes.connect(job.context, device.attachment_id, Connector(host=server.host), device.device)
        agent_of(job, server.host).attach_volume(job.context, server.id, plans.disk(device, connection))
    volumes.complete(job.context, device.attachment_id)

    def finish(tx: Transaction) -> None:
        tx.update(block_devices, device.id, state="attached")
        emit(kit, tx, job.context, "instance.volume_attach.end", server)
    return finish


def undo_attach(job: Job) -> Finish | None:
    """Take the volume out again and forget the attachment; where its host is gone, once there is one again."""
    server = rows_of(job).server
    if later.gone(job, server.host) and not recovery.stopped(kit_of(job), server.host):
        later.put_off(job, "take_out", volume_id=job.data["volume_id"])
        return None
    return take_out(job)


def take_out(job: Job) -> Finish | None:
    """Take the volume of the job's data out of the guest, and forget the attachment; nothing when there is none."""
    device, server = _device(job), rows_of(job).server
    if device is None:
        return None
    if server.host:
        agent_of(job, server.host).detach_volume(job.context, server.id, device.volume_id)
        _again_once_back(job, server)
    kit_of(job).peers.of(VolumeService).detach(job.context, device.attachment_id)

    def finish(tx: Transaction) -> None:
        tx.delete(block_devices, device.id)
        note_volumes(tx, job.subject)
        emit(kit_of(job), tx, job.context, "instance.volume_detach.end", server)
    return finish


def _again_once_back(job: Job, server: Row) -> None:
    """Have a device taken from the guest of a host that has been stopped: one that is suspended has it still."""
    if later.gone(job, server.host):
        later.put_off(job, "take_away", **_named(job))


def take_away(job: Job) -> None:
    """Take the device of the job's data out of the guest, unless the server has got it again."""
    server = rows_of(job).server
    if not server.host:
        return
    if "volume_id" in job.data and _device(job) is None:
        agent_of(job, server.host).detach_volume(job.context, server.id, job.data["volume_id"])
    nics = kit_of(job).peers.of(NetworkService).nics(job.context, [server.id]).get(server.id, [])
    if "port_id" in job.data and job.data["port_id"] not in {nic.port_id for nic in nics}:
        agent_of(job, server.host).detach_interface(job.context, server.id, job.data["port_id"])


def detach_volume(job: Job) -> Finish | None:
    """Say that a detach is under way, then take the volume out."""
    # A volume that is detaching already was met by an earlier run of this step.
    with contextlib.suppress(WrongState, NotFound):
        kit_of(job).peers.of(VolumeService).begin_detach(job.context, job.data["volume_id"], job.subject)
    return take_out(job)


def keep_volume(job: Job) -> Finish:
    """The volume stays attached."""
    if _device(job) is not None:
        kit_of(job).peers.of(VolumeService).roll_back_detach(job.context, job.data["volume_id"])

    def finish(tx: Transaction) -> None:
        tx.execute(block_devices.update().where(
            block_devices.c.server_id == job.subject, block_devices.c.volume_id == job.data["volume_id"],
            block_devices.c.state == "detaching").values(state="attached"))
    return finish


def extend_volume(job: Job) -> Finish | None:
    """Open the volume anew, with its new size, and let the guest see it."""
    device, server = _device(job), rows_of(job).server
    if device is None or device.state != "attached":
        return None
    volumes = kit_of(job).peers.of(VolumeService)
    size_gib = volumes.volume(job.context, device.volume_id).size
    if server.host:
        volumes.connect(job.context, device.attachment_id, Connector(host=server.host), device.device)
        agent_of(job, server.host).grow_volume(job.context, server.id, device.volume_id, size_gib)

    def finish(tx: Transaction) -> None:
        tx.update(block_devices, device.id, size_gib=size_gib)
    return finish


def put_back_volume(job: Job) -> None:
    """See that the guest has the volume of the job's data, whose detachment failed and may have been done all the same.
    """
    device, server = _device(job), rows_of(job).server
    if device is not None and device.state == "attached" and server.host:
        connection = kit_of(job).peers.of(VolumeService).connect(
            job.context, device.attachment_id, Connector(host=server.host), device.device)
        agent_of(job, server.host).attach_volume(job.context, server.id, plans.disk(device, connection))


def _error(verb: str, kept: str = "") -> Callable[[Transaction, Job, CloudError], None]:
    """What tells of an attachment or detachment that failed; the server itself is well.

    ``kept`` is the verb that has the guest keep what was not taken from it, though its host may have done so.
    """
    def failed(tx: Transaction, job: Job, error: CloudError) -> None:
        row = records.present(tx, job.subject)
        if row is not None:
            if kept and error.code != "interrupted":
                later.put_off(job, kept, **_named(job))
            emit(kit_of(job), tx, job.context, f"instance.{verb}.error", row, fault(job, error))
            later.begin(tx, job)
    return failed


ATTACH_VOLUME = Workflow(kind="compute.attach_volume", title="attach_volume",
                         steps=(Step("attach", attach_volume, undo_attach),), failed=_error("volume_attach"))
DETACH_VOLUME = Workflow(kind="compute.detach_volume", title="detach_volume",
                         steps=(Step("detach", detach_volume, keep_volume),), done=later.begin,
                         failed=_error("volume_detach", "put_back_volume"))
EXTEND_VOLUME = Workflow(kind="compute.extend_volume", title="extend_volume", undoes=False,
                         steps=(Step("extend_volume", extend_volume),))


def attach_interface(job: Job) -> Finish:
    """Make the port where the request did not, wire it and plug it in."""
    kit, server = kit_of(job), rows_of(job).server
    network = kit.peers.of(NetworkService)
    request, port_id = msgspec.convert(job.data["request"], NicRequest), job.data["port_id"]
    network.attach(job.context, server.id, server.project_id, server.host, server.zone, server.hostname, request,
                   port_id)
    for vif in network.plug(job.context, server.id, server.host):
        if vif.port_id == port_id:
            agent_of(job, server.host).attach_interface(job.context, server.id, vif)
    return _noted(job, "instance.interface_attach.end", server)


def undo_interface(job: Job) -> Finish | None:
    """Take out and delete what was attached; where the host is gone, once there is one again."""
    server = rows_of(job).server
    if later.gone(job, server.host) and not recovery.stopped(kit_of(job), server.host):
        later.put_off(job, "give_back_interface", port_id=job.data["port_id"])
        return None
    return give_back_interface(job)


def give_back_interface(job: Job) -> Finish:
    """Take the card of the job's data out of the guest, and delete its port or let go of it."""
    kit, server = kit_of(job), rows_of(job).server
    port_id: str = job.data["port_id"]
    if server.host:
        agent_of(job, server.host).detach_interface(job.context, server.id, port_id)
    kit.peers.of(NetworkService).release(job.context, server.id, [port_id])
    return _noted(job, "instance.interface_attach.error", server)


def remove_interface(job: Job) -> Finish:
    """Unplug the port, and delete it or let go of it."""
    kit, server = kit_of(job), rows_of(job).server
    port_id: str = job.data["port_id"]
    agent_of(job, server.host).detach_interface(job.context, server.id, port_id)
    _again_once_back(job, server)
    kit.peers.of(NetworkService).release(job.context, server.id, [port_id])
    return _noted(job, "instance.interface_detach.end", server)


def put_back_interface(job: Job) -> None:
    """See that the guest has the card of the job's data, if its port is the server's still: see the volume's."""
    server = rows_of(job).server
    if server.host:
        for vif in kit_of(job).peers.of(NetworkService).plug(job.context, server.id, server.host):
            if vif.port_id == job.data["port_id"]:
                agent_of(job, server.host).attach_interface(job.context, server.id, vif)


def drop_interface(job: Job) -> None:
    """Take the card of a port that is gone out of the guest, where its host is gone once there is one again."""
    server = server_of(job)
    if server is None or not server.host:
        return
    _again_once_back(job, server)
    if not later.gone(job, server.host):
        agent_of(job, server.host).detach_interface(job.context, server.id, job.data["port_id"])


def drop_later(tx: Transaction, job: Job, error: CloudError) -> None:
    """A host that fails, or is gone for long, is asked again: nobody else knows of the card."""
    if error.code != "interrupted":
        later.put_off(job, "take_away", **_named(job))
        later.begin(tx, job)


def _noted(job: Job, event: str, server: Row) -> Finish:
    kit = kit_of(job)
    nics = kit.peers.of(NetworkService).nics(job.context, [job.subject]).get(job.subject, [])

    def finish(tx: Transaction) -> None:
        tx.execute(servers.update().where(servers.c.id == job.subject)
                   .values(updated_at=job.clock.now(), **nic_columns(nics)))
        emit(kit, tx, job.context, event, server)
    return finish


ATTACH_INTERFACE = Workflow(kind="compute.attach_interface", title="attach_interface",
                            steps=(Step("attach", attach_interface, undo_interface),),
                            failed=_error("interface_attach"))
DROP_INTERFACE = Workflow(kind="compute.drop_interface", title="detach_interface", undoes=False, attempts=60,
                          steps=(Step("detach", drop_interface),), done=later.begin, failed=drop_later)
DETACH_INTERFACE = Workflow(kind="compute.detach_interface", title="detach_interface", undoes=False,
                            steps=(Step("detach", remove_interface),), done=later.begin,
                            failed=_error("interface_detach", "put_back_interface"))
