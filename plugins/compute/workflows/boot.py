"""Booting a server: schedule, ports, volumes, guest. Undo runs the other way."""

from __future__ import annotations

from typing import Any

import msgspec

from ....core.db.engine import Transaction
from ....core.errors import BackendFailed, CloudError, ConcurrentUpdate
from ....core.operations.workflow import Finish, Job, Step, Wait, Workflow
from ....core.services.network import NetworkService, Nic, NicRequest
from ....core.services.volume import VolumeService
from .. import claims, plans, records, recovery, states
from ..event import emit
from ..tables import block_devices, servers
from .step import (
    Rows,
    agent_of,
    connections,
    fault,
    fleet_of,
    forget_password,
    kit_of,
    password_of,
    rows_of,
    server_of,
)

TRIES = 3
RETRIED = ("backend-failed", "no-space", "internal", "backend-busy", "not-supported")
EXHAUSTED = "Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures."


def schedule(job: Job) -> Finish:
    """Choose a host and claim its resources."""
    kit, rows = kit_of(job), rows_of(job)
    if job.data.pop("crowded", False):
        claims.release(kit, job.context, job.subject)
    with kit.db.read() as tx:
        request = plans.request(kit, tx, rows.server, rows.details, rows.devices, rows.server.flavor,
                                ignored=job.data.get("failed_hosts", ()))
    chosen = claims.select(kit, job.context, request, plans.wanted(kit, rows.server.flavor, rows.details))
    job.data["host"] = chosen.host

    def finish(tx: Transaction) -> None:
        if plans.crowded(tx, rows.server, chosen.host):
            job.data["crowded"] = True
            raise ConcurrentUpdate("Another member of the server's group was faster.")
        _went_on(tx, job, "scheduling", "networking", host=chosen.host, node=chosen.node,
                 provider=chosen.provider, zone=chosen.zone or rows.server.zone)
    return finish


def _went_on(tx: Transaction, job: Job, before: str, after: str, **values: Any) -> None:
    states.move(tx, job.subject, before, task_state=after, updated_at=job.clock.now(), **values)


def unschedule(job: Job) -> Finish:
    """Give the claim back and forget the host."""
    claims.release(kit_of(job), job.context, job.subject)
    zone = rows_of(job).details.placement["zone"]

    def finish(tx: Transaction) -> None:
        states.leave(tx, job.subject, zone, job.clock.now())
    return finish


def take_ports(job: Job) -> Finish:
    """Make or take the server's ports and bind them to its host."""
    rows = rows_of(job)
    server, details = rows.server, rows.details
    requests = msgspec.convert(details.nic_requests or [], list[NicRequest])
    nics: list[Nic] = []
    groups: list[str] = []
    if requests:
        network = kit_of(job).peers.of(NetworkService)
        nics = network.allocate(job.context, server.id, server.project_id, server.host, server.zone,
                                server.hostname, requests, details.group_requests)
        groups = names_of_groups(job, network, requests, details.group_requests)
    after = "block_device_mapping" if rows.devices else "spawning"
    return lambda tx: _went_on(tx, job, "networking", after, **nic_columns(nics), security_groups=groups)


def names_of_groups(job: Job, network: NetworkService, requests: list[NicRequest], asked: list[str]) -> list[str]:
    """The names of the server's security groups; network is asked only where they are not plain."""
    if not asked and not any(one.port_id for one in requests):
        return ["default"]
    return network.security_groups(job.context, job.subject)


def nic_columns(nics: list[Nic]) -> dict[str, Any]:
    """What a server's row repeats of its interfaces."""
    addresses = "".join(f" {one.address}" for nic in nics for one in nic.addresses)
    return {"nics": msgspec.to_builtins(nics), "ips": addresses[:2000]}


def release_ports(job: Job) -> Finish:
    """Delete the ports that were made and let go of the others."""
    kit_of(job).peers.of(NetworkService).release(job.context, job.subject)

    def finish(tx: Transaction) -> None:
        tx.execute(servers.update().where(servers.c.id == job.subject).values(nics=[], ips="", security_groups=[]))
    return finish


def take_volumes(job: Job) -> Finish | None:
    """Make the volumes that are asked for, wait until they can be used, and reserve all."""
    rows = rows_of(job)
    wanted = [one for one in rows.devices if one.destination_type == "volume"]
    if not rows.devices:
        return None
    volumes = kit_of(job).peers.of(VolumeService)
    for one in wanted:
        if one.made:
            size = one.size_gib or 0
            volumes.create(job.context, one.volume_id, size, "", one.image_id, one.snapshot_id, "", one.volume_type,
                           "")
    for one in wanted:
        _wait_for(job, volumes, one.volume_id)
    for one in wanted:
        volumes.reserve(job.context, one.volume_id, job.subject, one.attachment_id)
    return lambda tx: _went_on(tx, job, "block_device_mapping", "spawning", volumes=records.volumes_of(wanted))


def _wait_for(job: Job, volumes: VolumeService, volume_id: str) -> None:
    found = volumes.volume(job.context, volume_id)
    if found.status in ("creating", "downloading"):
        raise Wait(f"volume:{volume_id}")
    if found.status.startswith("error"):
        raise BackendFailed(f"Volume {volume_id} did not finish being created: its status is {found.status}.")


def drop_volumes(job: Job) -> Finish | None:
    """End the attachments, delete the volumes that go with the server, and name new ones for another try."""
    rows = rows_of(job)
    kit, context = kit_of(job), job.context
    wanted = [one for one in rows.devices if one.destination_type == "volume"]
    if not wanted:
        return None
    volumes = kit.peers.of(VolumeService)
    for one in wanted:
        volumes.detach(context, one.attachment_id)
        if one.made and one.delete_on_termination:
            volumes.delete(context, one.volume_id)
    fresh = {one.id: {"attachment_id": kit.clock.uuid(),
                      "volume_id": kit.clock.uuid() if one.made and one.delete_on_termination else one.volume_id}
             for one in wanted}

    def finish(tx: Transaction) -> None:
        for device_id, ids in fresh.items():
            tx.update(block_devices, device_id, **ids)
    return finish


def spawn(job: Job) -> Finish:
    """Wire the ports, open the volumes and make the guest."""
    kit, rows = kit_of(job), rows_of(job)
    server = rows.server
    vifs = kit.peers.of(NetworkService).plug(job.context, server.id, server.host) if server.nics else []
    reached = connections(job, rows, server.host)
    plan = plans.guest(kit, job.context, server, rows.details, rows.devices, server.flavor, vifs, reached,
                       password_of(job, rows))
    agent_of(job, server.host).spawn(job.context, plan)
    if reached:
        volumes = kit.peers.of(VolumeService)
        for one in rows.devices:
            if one.attachment_id:
                volumes.complete(job.context, one.attachment_id)
    return lambda tx: _active(tx, job, rows)


def _active(tx: Transaction, job: Job, rows: Rows) -> None:
    now = job.clock.now()
    if not states.move(tx, job.subject, "spawning", vm_state=states.ACTIVE, task_state=None, power_state=1,
                       launched_at=now, updated_at=now, progress=0, fault=None):
        return
    if rows.details.sealed_password:
        forget_password(tx, job.subject)
    if rows.devices:
        tx.execute(block_devices.update().where(block_devices.c.server_id == job.subject).values(state="attached"))
    fleet_of(job).succeeded(tx, rows.server.host)
    emit(kit_of(job), tx, job.context, "instance.create.end",
         {**rows.server._mapping, "vm_state": states.ACTIVE, "task_state": None})


def destroy(job: Job) -> None:
    """Remove the guest, if there is one. One on a host that has gone is removed once that is back."""
    server = server_of(job)
    host = server.host if server is not None and server.host else job.data.get("host", "")
    if not host or recovery.stopped(kit_of(job), host):
        return
    if fleet_of(job).up(host):
        agent_of(job, host).destroy(job.context, job.subject)
    else:
        # It may run there still, so that there must not be another.
        job.data["left_on"] = host


def failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """Try another host, or leave the server in error with its fault."""
    row = records.present(tx, job.subject)
    if row is None or error.code == "interrupted" or row.task_state == "deleting":
        return
    host, tried = job.data.get("host", ""), list(job.data.get("failed_hosts", ()))
    if host and error.code in RETRIED and not job.data.get("left_on"):
        fleet_of(job).failed(tx, host)
        if len(tried) + 1 < TRIES:
            states.move(tx, job.subject, row.task_state, task_state="scheduling")
            kit_of(job).engine.start(tx, job.kind, job.subject, job.context,
                                     {"failed_hosts": [*tried, host], "error": error.message, "again": True})
            return
    known = fault(job, error)
    if tried and error.code == "no-valid-host":
        known["message"] = EXHAUSTED
        known["details"] = f"{job.kind}: {job.data.get('error', '')}"
    forget_password(tx, job.subject)
    states.move(tx, job.subject, row.task_state, vm_state=states.ERROR, task_state=None, fault=known,
                updated_at=job.clock.now())
    emit(kit_of(job), tx, job.context, "instance.create.error", row, known)


BOOT = Workflow(
    kind="compute.boot", title="create", failed=failed,
    steps=(Step("schedule", schedule, unschedule), Step("ports", take_ports, release_ports),
           Step("volumes", take_volumes, drop_volumes), Step("spawn", spawn, destroy)))
