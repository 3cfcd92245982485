"""Live migration: the guest goes to another host while it runs.

The source's agent is told to begin and tells when it has ended; the operation waits for that. Whoever takes the
operation up after a crash asks both hosts where the guest is. Once it has arrived nothing is undone any more: an
operation of its own moves ports, volumes and claim after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ....core.db.engine import Row, Transaction
from ....core.errors import BackendBusy, BackendFailed, CloudError, Interrupted
from ....core.operations.workflow import Finish, Job, Step, Wait, Workflow
from ....core.services.network import NetworkService
from .. import journeys, live_disks, plans, records, recovery, seats, states
from ..agency import ComputeAgent, GuestPlan
from ..event import emit
from ..moves import see_live
from ..moving import live_key
from . import later
from .move import (
    choose,
    chosen_side,
    close_volumes,
    destroy_at,
    drop_claim,
    leave,
    restore_claim,
    unwire,
    wire,
)
from .resize import DAY_S, old_side
from .step import Rows, agent_of, connections, fleet_of, kit_of, patiently, rows_of, settle

TASK = "migrating"
WATCH_S = 5.0
TRIES = 3
ASK_S = 60.0
ABORTED = "The live migration was aborted."
DOUBT_S = 900.0
"""So long nobody can tell where the guest is until the server comes to rest without it."""
IN_DOUBT = ("Both hosts of the live migration are gone. Where the guest is shows once one of them is back, or is "
            "certain to be stopped.")


def _wish(job: Job, move: Mapping[str, Any]) -> str:
    with kit_of(job).db.read() as tx:
        row = journeys.by_uuid(tx, move["consumer"])
    return str(row.wish) if row is not None else ""


def _see_wish(job: Job, move: Mapping[str, Any]) -> None:
    if _wish(job, move) == "abort":
        raise Interrupted(ABORTED)


def check(job: Job) -> Finish:
    """Choose a host and claim there."""
    rows = rows_of(job)
    move = rows.server.move
    _see_wish(job, move)
    fleet, source, local = fleet_of(job), move["old_host"], _local(rows)
    see_live(fleet, job.subject, source, move["wanted"], move["block"], local)
    with kit_of(job).db.read() as tx:
        seats.see_movable(tx, job.subject, move["consumer"])
    unfit = [one.host for one in fleet.all() if live_disks.refused(fleet, source, one.host, move["block"], local)]
    chosen = choose(job, rows, rows.server.flavor, [source, *unfit], move["wanted"], move["force"])
    new = job.data["new"] = chosen_side(chosen, rows.server)

    def finish(tx: Transaction) -> None:
        if states.move(tx, job.subject, TASK, move={**move, "new": new}, updated_at=job.clock.now()):
            emit(kit_of(job), tx, job.context, "instance.live_migration_pre.start", rows.server)
        journeys.note(kit_of(job), tx, move["consumer"], journeys.PREPARING, dest_compute=new["host"],
                      dest_node=new["node"])
    return finish


def give_back(job: Job) -> None:
    """Give the new claim back, unless the guest has arrived."""
    move = rows_of(job).server.move
    if move is not None and not job.data.get("arrived") and not job.data.get("doubt"):
        restore_claim(job, move["consumer"])


def ready(job: Job) -> Finish:
    """Wire the ports on the new host, open the volumes to it, and have its agent expect the guest."""
    rows = rows_of(job)
    move, new = rows.server.move, job.data["new"]
    _see_wish(job, move)
    plan = _plan(job, rows, new)
    block = live_disks.along(fleet_of(job), move["old_host"], new["host"], move["block"], _local(rows))
    job.data["block"] = block
    job.data["offer"] = agent_of(job, new["host"]).prepare_live(job.context, plan, block)

    def finish(tx: Transaction) -> None:
        emit(kit_of(job), tx, job.context, "instance.live_migration_pre.end", rows.server)
        journeys.note(kit_of(job), tx, move["consumer"], journeys.RUNNING)
    return finish


def _plan(job: Job, rows: Rows, new: Mapping[str, str]) -> GuestPlan:
    """The guest as the new host will have it; its ports stay bound to the old one."""
    kit, server = kit_of(job), rows.server
    vifs = kit.peers.of(NetworkService).plug(job.context, job.subject, new["host"]) if server.nics else []
    return plans.guest(kit, job.context, server, rows.details, rows.devices, server.flavor, vifs,
                       connections(job, rows, new["host"]))


def _local(rows: Rows) -> bool:
    return live_disks.has_local(rows.server.flavor, rows.devices)


def unready(job: Job) -> None:
    """Have nothing of the guest on the new host, unless it has arrived; the old one must have it."""
    rows = rows_of(job)
    move, new = rows.server.move, job.data.get("new")
    if move is None or new is None or job.data.get("arrived") or job.data.get("doubt"):
        return
    old = old_side(move, rows.server)
    away = later.gone(job, old["host"])
    if not away and not job.data.get("lost") and not agent_of(job, old["host"], ASK_S).where(job.context, job.subject):
        _missed(job)
    # It never ran on the new host, so that one that is gone need not be waited for.
    destroy_at(job, new["host"])
    unwire(job, rows, new["host"])
    if not away:
        wire(job, rows, old)
    connections(job, rows, old["host"])
    close_volumes(job, rows, new["host"])


def _missed(job: Job) -> None:
    """The guest is not where it must be. :raises BackendBusy: not for long enough to call it lost."""
    job.data["missed"] = job.data.get("missed", 0) + 1
    if job.data["missed"] < TRIES:
        raise BackendBusy("the guest is not on its host")
    job.data["lost"] = True


def carry(job: Job) -> Finish:
    """Have the source's agent move the guest, and wait until it has arrived.

    :raises Interrupted: an administrator aborted it.
    """
    rows = rows_of(job)
    move, new = rows.server.move, job.data["new"]
    source = agent_of(job, move["old_host"], ASK_S)
    report = source.live(job.context, job.subject, move["consumer"])
    if report.state == "running":
        _watch(job, move, source, report.progress)
    if report.state == "interrupted":
        raise Interrupted(ABORTED)
    if report.state == "failed":
        raise BackendFailed(report.message)
    if report.state == "unknown" and not _there(job, source, new):
        if job.data["lost"]:
            raise BackendFailed("The guest is on neither of its hosts.")
        _see_wish(job, move)
        _begin(job, rows, source, new)
    return lambda tx: switch(tx, job)


def _watch(job: Job, move: Mapping[str, Any], source: ComputeAgent, progress: Any) -> None:
    wish = _wish(job, move)
    if wish == "abort":
        source.abort_live(job.context, job.subject)
    elif wish == "force":
        source.force_live(job.context, job.subject)
    if progress is not None:
        with kit_of(job).db.write() as tx:
            journeys.note(kit_of(job), tx, move["consumer"], journeys.RUNNING, progress=msgspec.to_builtins(progress))
    raise Wait(live_key(move["consumer"]), WATCH_S)


def _there(job: Job, source: ComputeAgent, new: Mapping[str, str]) -> bool:
    """Whether the guest has gone over, as both hosts say; ``lost`` is that neither has it."""
    here = source.where(job.context, job.subject)
    there = agent_of(job, new["host"], ASK_S).where(job.context, job.subject)
    job.data["lost"] = not here and not there
    return bool(there) and (not here or (there == "running" and here != "running"))


def _begin(job: Job, rows: Rows, source: ComputeAgent, new: Mapping[str, str]) -> None:
    """Begin, or begin anew what nobody knows of any more. :raises BackendFailed: it was tried often enough."""
    if "begun" not in job.data:
        # Kept before it is done: who finds both hosts gone has to know whether the guest may have gone over.
        job.data["begun"] = 0
        raise Wait(live_key(rows.server.move["consumer"]), 0.0)
    begun = job.data["begun"] = job.data["begun"] + 1
    if begun > TRIES:
        raise BackendFailed("The live migration was lost several times.")
    plan, block = _plan(job, rows, new), bool(job.data["block"])
    if begun > 1 or job.attempt > 1:
        job.data["offer"] = agent_of(job, new["host"]).prepare_live(job.context, plan, block)
    uuid = rows.server.move["consumer"]
    source.begin_live(job.context, plan, job.data["offer"], block, uuid)
    raise Wait(live_key(uuid), WATCH_S)


def halt(job: Job) -> None:
    """See that nothing is on its way any more, and find out where the guest is; leave it in doubt after a time."""
    rows = rows_of(job)
    move, new = rows.server.move, job.data.get("new")
    if move is None or new is None or "begun" not in job.data:
        return
    try:
        job.data["arrived"] = arrived(job, move, new)
    except BackendBusy:
        since = job.data.setdefault("silent_since", job.clock.time())
        if job.clock.time() - since < DOUBT_S:
            raise
        job.data["doubt"] = True


def arrived(job: Job, move: Mapping[str, Any], new: Mapping[str, str]) -> bool:
    """Whether the guest has gone over.

    :raises BackendBusy: nobody can tell. :raises BackendFailed: it is still on its way.
    """
    try:
        source = agent_of(job, move["old_host"], ASK_S)
        if source.live(job.context, job.subject, move["consumer"]).state == "running":
            source.abort_live(job.context, job.subject)
            raise BackendFailed("the guest is still on its way")
        return _there(job, source, new)
    except BackendBusy:
        found = _presumed(job, move["old_host"], new["host"])
        if found is None:
            raise
        return found


def _presumed(job: Job, old: str, new: str) -> bool | None:
    """Whether the guest has gone over, as one of the hosts tells while the other is gone; none if nobody can tell.

    Of two that are gone, the one that may run it still.
    """
    away = later.gone(job, old), later.gone(job, new)
    if not any(away):
        return None
    if all(away):
        if recovery.stopped(kit_of(job), new):
            return False
        return True if recovery.stopped(kit_of(job), old) else None
    if later.gone(job, old):
        return bool(agent_of(job, new, ASK_S).where(job.context, job.subject))
    return not agent_of(job, old, ASK_S).where(job.context, job.subject)


def switch(tx: Transaction, job: Job) -> None:
    """The server is on the new host; what belongs to it follows by an operation of its own."""
    row, kit = records.present(tx, job.subject), kit_of(job)
    if row is None or row.move is None:
        return
    new = job.data["new"]
    job.data.pop("offer", None)
    states.move(tx, job.subject, row.task_state, updated_at=job.clock.now(), **new)
    kit.engine.start(tx, SETTLE.kind, job.subject, job.context, {"again": True})
    emit(kit, tx, job.context, "instance.live_migration_post.start", row)


def failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """The server runs where it did; or it has arrived after all, and goes on there."""
    row = records.present(tx, job.subject)
    if row is None or row.move is None:
        return
    if job.data.get("arrived"):
        switch(tx, job)
        return
    if job.data.get("doubt"):
        _leave_in_doubt(tx, job, row)
        return
    stopped = error.code == "interrupted"
    kit = kit_of(job)
    journeys.note(kit, tx, row.move["consumer"], "cancelled" if stopped else "error")
    if not job.data.get("abandoned"):
        states.move(tx, job.subject, row.task_state, move=None)
    if stopped and row.task_state == TASK:
        emit(kit, tx, job.context, "instance.live_migration_abort.end", row)
    settle(tx, job, error, TASK, "instance.live_migration_rollback.end", broken=bool(job.data.get("lost")))


def _leave_in_doubt(tx: Transaction, job: Job, row: Row) -> None:
    """The server is in error, with both sides kept, until one of its hosts can be asked or is stopped for certain."""
    kit, hosts = kit_of(job), [row.move["old_host"], row.move["new"]["host"]]
    journeys.note(kit, tx, row.move["consumer"], "error")
    settle(tx, job, BackendFailed(IN_DOUBT), TASK, "instance.live_migration_rollback.end", broken=True)
    states.move(tx, job.subject, None, move={**row.move, "doubt": True})
    kit.engine.start(tx, later.AWAIT, kit.clock.uuid(), job.context, {
        "server": job.subject, "verb": "find", "hosts": hosts, "before": row.vm_state})


def find(job: Job) -> Finish | None:
    """Have a server that was left in doubt where its guest is."""
    server = rows_of(job).server
    if not states.in_doubt(server):
        return None
    new = job.data["new"] = server.move["new"]
    job.data["arrived"] = arrived(job, server.move, new)
    if job.data["arrived"]:
        def gone_over(tx: Transaction) -> None:
            if states.move(tx, job.subject, None, task_state=TASK, vm_state=job.data["before"], fault=None):
                switch(tx, job)
        return gone_over
    unready(job)
    give_back(job)
    after = {"vm_state": states.ERROR} if job.data.get("lost") else {"vm_state": job.data["before"], "fault": None}
    job.data.pop("before")
    return lambda tx: _at_home(tx, job, after)


def _at_home(tx: Transaction, job: Job, after: Mapping[str, Any]) -> None:
    states.move(tx, job.subject, None, move=None, updated_at=job.clock.now(), **after)


LIVE = Workflow(
    kind="compute.live_migrate", title="live-migration", failed=failed, deadline_s=7 * DAY_S,
    steps=(Step("check_can_live_migrate_destination", check, give_back), Step("pre_live_migration", ready, unready),
           Step("live_migration", carry, halt)))


@patiently
def follow(job: Job) -> None:
    """Have ports, volumes and claim where the guest is, and nothing where it was."""
    rows = rows_of(job)
    move = rows.server.move
    if move is None:
        return
    if later.gone(job, move["new"]["host"]):
        later.put_off(job, "plug")
        if rows.server.nics:
            network = kit_of(job).peers.of(NetworkService)
            network.bind(job.context, job.subject, move["new"]["host"], move["new"]["zone"])
    else:
        wire(job, rows, move["new"])
    connections(job, rows, move["new"]["host"])
    leave(job, rows, move["old_host"])
    drop_claim(job, move["consumer"])


def followed(tx: Transaction, job: Job) -> None:
    """The server is on its new host."""
    row = records.present(tx, job.subject)
    if row is None or row.move is None:
        return
    end(tx, job, row)
    later.begin(tx, job)
    states.move(tx, job.subject, TASK, task_state=None, move=None, updated_at=job.clock.now())
    emit(kit_of(job), tx, job.context, "instance.live_migration_post.end", row)


def end(tx: Transaction, job: Job, row: Row) -> None:
    """Write down that the guest has gone over."""
    journeys.note(kit_of(job), tx, row.move["consumer"], "completed", progress=None)


def follow_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """The guest runs on its new host, though not all has followed it."""
    row = records.present(tx, job.subject)
    if row is not None and row.move is not None:
        end(tx, job, row)
        if error.code != "interrupted":
            states.move(tx, job.subject, row.task_state, move=None)
    settle(tx, job, error, TASK, "instance.live_migration_post.error")


SETTLE = Workflow(kind="compute.live_settle", title="live-migration", undoes=False, attempts=60, deadline_s=DAY_S,
                  done=followed, failed=follow_failed,
                  steps=(Step("post_live_migration_at_destination", follow),))
