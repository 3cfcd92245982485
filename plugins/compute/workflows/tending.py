"""Small things done to a guest by its host: a crash dump, ports wired anew, one volume in the place of another."""

from __future__ import annotations

import contextlib

from ....core.db.engine import Row, Transaction
from ....core.drivers.volume import Connector
from ....core.errors import CloudError, NotFound, NotSupported, WrongState
from ....core.operations.workflow import Finish, Job, Step, Workflow
from ....core.services.network import NetworkService
from ....core.services.volume import VolumeService
from .. import plans, records
from ..event import emit
from ..tables import block_devices
from . import later
from .devices import note_volumes
from .step import agent_of, fault, kit_of, rows_of

BACK_TRIES = 30
"""So often, ten seconds apart, a guest is given its old volume back before that is put off."""


def crash_dump(job: Job) -> Finish:
    """Make the guest's kernel dump its memory."""
    server = rows_of(job).server
    agent_of(job, server.host).crash_dump(job.context, server.id)
    return lambda tx: emit(kit_of(job), tx, job.context, "instance.trigger_crash_dump.end", server)


CRASH_DUMP = Workflow(kind="compute.trigger_crash_dump", title="trigger_crash_dump", undoes=False, attempts=1,
                      steps=(Step("dump", crash_dump),))


def inject_network(job: Job) -> None:
    """Wire the server's ports anew, as the network service has them now; guests ask the metadata service themselves."""
    server = rows_of(job).server
    if server.nics and server.host:
        kit_of(job).peers.of(NetworkService).plug(job.context, server.id, server.host)


INJECT_NETWORK = Workflow(kind="compute.inject_network_info", title="inject_network_info", undoes=False,
                          steps=(Step("wire", inject_network),))


def _device(job: Job) -> Row | None:
    """The attachment's row, under the old volume or already the new, or none when it is gone."""
    with kit_of(job).db.read() as tx:
        return (tx.row(records.DEVICE, {"id": job.subject, "volume": job.data["old"]})
                or tx.row(records.DEVICE, {"id": job.subject, "volume": job.data["new"]}))


def reserve(job: Job) -> None:
    """Keep the new volume for the server, and say that the old one is on its way out."""
    volumes = kit_of(job).peers.of(VolumeService)
    volumes.reserve(job.context, job.data["new"], job.subject, job.data["attachment"])
    # A volume that is detaching already was met by an earlier run of this step.
    with contextlib.suppress(WrongState, NotFound):
        volumes.begin_detach(job.context, job.data["old"], job.subject)


def let_go(job: Job) -> Finish | None:
    """Let go of the new volume, unless the guest may use it; the old one stays.

    Once the guest uses the new one for certain there is no way back.
    """
    device = _device(job)
    if device is not None and device.volume_id == job.data["new"]:
        return None
    volumes = kit_of(job).peers.of(VolumeService)
    if not job.data.get(later.LATER):
        volumes.detach(job.context, job.data["attachment"])
    with contextlib.suppress(NotFound):
        volumes.roll_back_detach(job.context, job.data["old"])

    def finish(tx: Transaction) -> None:
        tx.execute(block_devices.update().where(
            block_devices.c.server_id == job.subject, block_devices.c.volume_id == job.data["old"],
            block_devices.c.state == "detaching").values(state="attached"))
    return finish


def copy(job: Job) -> Finish | None:
    """Open the new volume to the host and have the guest use it in the old one's place."""
    device, server = _device(job), rows_of(job).server
    if device is None:
        return None
    kit, attachment = kit_of(job), job.data["attachment"]
    volumes = kit.peers.of(VolumeService)
    connection = volumes.connect(job.context, attachment, Connector(host=server.host), device.device)
    disk = plans.disk(device, connection, job.data["new"])
    agent_of(job, server.host).swap_volume(job.context, server.id, job.data["old"], disk)
    volumes.complete(job.context, attachment)
    size_gib = volumes.volume(job.context, job.data["new"]).size
    job.data["old_attachment"] = device.attachment_id

    def finish(tx: Transaction) -> None:
        tx.update(block_devices, device.id, volume_id=job.data["new"], attachment_id=attachment, size_gib=size_gib,
                  state="attached", source_type="volume", made=False)
        note_volumes(tx, job.subject)
        emit(kit, tx, job.context, "instance.volume_swap.end", server)
    return finish


def copy_back(job: Job) -> None:
    """Have the guest use the old volume, whether or not it came to use the new one; later where its host is gone, or
    fails again and again."""
    device, server = _device(job), rows_of(job).server
    if device is None or device.volume_id == job.data["new"] or not server.host:
        return
    try:
        _use_old(job, device, server)
    except CloudError:
        tries = job.data["tries"] = job.data.get("tries", 0) + 1
        if tries < BACK_TRIES and not later.gone(job, server.host):
            raise
        later.put_off(job, "swap_back", **{name: job.data[name] for name in ("old", "new", "attachment")})


def _use_old(job: Job, device: Row, server: Row) -> None:
    volumes = kit_of(job).peers.of(VolumeService)
    connection = volumes.connect(job.context, device.attachment_id, Connector(host=server.host), device.device)
    # A host that cannot swap has swapped nothing, and a guest with neither volume needs neither.
    with contextlib.suppress(NotSupported, NotFound):
        agent_of(job, server.host).swap_volume(job.context, server.id, job.data["new"], plans.disk(device, connection))


def swap_back(job: Job) -> None:
    """Have the guest use the old volume after all, and let go of the new one."""
    device, server = _device(job), rows_of(job).server
    if device is not None and device.volume_id == job.data["new"]:
        return
    if device is not None and server.host:
        _use_old(job, device, server)
    elif server.host:
        agent_of(job, server.host).detach_volume(job.context, server.id, job.data["new"])
    let_go_of_new(job)


def let_go_of_new(job: Job) -> None:
    """Let go of the new volume: no guest uses it."""
    with contextlib.suppress(NotFound):
        kit_of(job).peers.of(VolumeService).detach(job.context, job.data["attachment"])


def end_old(job: Job) -> None:
    """End the old volume's attachment: nothing of the guest is on it any more."""
    if job.data.get("old_attachment"):
        kit_of(job).peers.of(VolumeService).detach(job.context, job.data["old_attachment"])


def swap_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """The server is well, and uses the old volume."""
    row = records.present(tx, job.subject)
    if row is not None:
        emit(kit_of(job), tx, job.context, "instance.volume_swap.error", row, fault(job, error))
    later.begin(tx, job)


SWAP = Workflow(kind="compute.swap_volume", title="swap_volume", failed=swap_failed,
                steps=(Step("reserve", reserve, let_go), Step("copy", copy, copy_back), Step("release", end_old)))
