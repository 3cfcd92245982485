"""Evacuation: a server whose host is down is made anew on another.

Its local disks are made from the image again; volumes stay as they are. The old host, once it is back, is told to
remove what it still has.
"""

from __future__ import annotations

from ....core.db.engine import Transaction
from ....core.errors import CloudError, Conflict
from ....core.operations.workflow import Finish, Job, Step, Workflow
from ....core.services.network import NetworkService
from .. import exodus, journeys, records, recovery, states
from ..event import emit
from . import later
from .move import (
    choose,
    chosen_side,
    close_volumes,
    destroy_for_good,
    drop_claim,
    leave,
    plan_at,
    restore_claim,
    unwire_for_good,
)
from .resize import DAY_S, old_side
from .step import agent_of, connections, fleet_of, forget_password, kit_of, password_of, patiently, rows_of, settle

TASK, SPAWNING = "rebuilding", "rebuild_spawning"
BACK = "The server's host is up again."


def find(job: Job) -> Finish:
    """Choose a host and claim there."""
    rows = rows_of(job)
    move = rows.server.move
    if fleet_of(job).up(move["old_host"]):
        raise Conflict(BACK)
    chosen = choose(job, rows, rows.server.flavor, [move["old_host"]], move["wanted"], move["force"])
    new = job.data["new"] = chosen_side(chosen, rows.server)

    def finish(tx: Transaction) -> None:
        states.move(tx, job.subject, TASK, task_state=SPAWNING, move={**move, "new": new},
                    updated_at=job.clock.now())
        journeys.note(kit_of(job), tx, move["consumer"], "pre-migrating", dest_compute=new["host"],
                      dest_node=new["node"])
    return finish


def give_back(job: Job) -> None:
    """Give the new claim back; the old one of a guest that may be on a new host that is gone."""
    move = rows_of(job).server.move
    if move is not None and job.data.get("left_on"):
        drop_claim(job, move["consumer"])
    elif move is not None:
        restore_claim(job, move["consumer"])


def rebuild(job: Job) -> Finish:
    """Make the guest on the new host. :raises Conflict: the old one is up again, and may run it."""
    rows = rows_of(job)
    move, new = rows.server.move, job.data["new"]
    if fleet_of(job).up(move["old_host"]):
        raise Conflict(BACK)
    plan = plan_at(job, rows, rows.server.flavor, new, password_of(job, rows))
    close_volumes(job, rows, move["old_host"])
    agent = agent_of(job, new["host"])
    agent.spawn(job.context, plan)
    stopped = bool(move["stop"])
    if stopped:
        agent.act(job.context, job.subject, "stop")
    leave(job, rows, move["old_host"])
    drop_claim(job, move["consumer"])

    def finish(tx: Transaction) -> None:
        now = job.clock.now()
        if states.move(tx, job.subject, SPAWNING, vm_state=states.STOPPED if stopped else states.ACTIVE,
                       task_state=None, power_state=4 if stopped else 1, updated_at=now, launched_at=now, fault=None,
                       move=None, **new):
            forget_password(tx, job.subject)
            emit(kit_of(job), tx, job.context, "instance.rebuild.end", rows.server)
        journeys.note(kit_of(job), tx, move["consumer"], "done")
    return finish


def remove(job: Job) -> None:
    """Have nothing of the server on the new host."""
    rows = rows_of(job)
    move, new = rows.server.move, job.data.get("new")
    if move is None or new is None:
        return
    if later.gone(job, new["host"]) and not recovery.stopped(kit_of(job), new["host"]):
        # It may run there, so that it is there, and nowhere else before somebody says that this host is down, too.
        job.data["left_on"] = True
        if rows.server.nics:
            kit_of(job).peers.of(NetworkService).bind(job.context, job.subject, new["host"], new["zone"])
        close_volumes(job, rows, move["old_host"])
        return
    destroy_for_good(job, new["host"])
    unwire_for_good(job, rows, new["host"])
    old = old_side(move, rows.server)
    if rows.server.nics:
        kit_of(job).peers.of(NetworkService).bind(job.context, job.subject, old["host"], old["zone"])
    connections(job, rows, old["host"])
    close_volumes(job, rows, new["host"])


def failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """The server stays where it was, in error; as it was when its host came back by itself."""
    ended(tx, job)
    row = records.present(tx, job.subject)
    if row is None or row.move is None:
        return
    journeys.note(kit_of(job), tx, row.move["consumer"], "error")
    if not job.data.get("abandoned"):
        states.move(tx, job.subject, row.task_state, move=None, updated_at=job.clock.now(),
                    **(job.data["new"] if job.data.get("left_on") else {}))
    forget_password(tx, job.subject)
    for task in (TASK, SPAWNING):
        settle(tx, job, error, task, "instance.rebuild.error", broken=error.message != BACK)


def ended(tx: Transaction, job: Job) -> None:
    """Tell a recovery that waits for it."""
    tx.after_commit(lambda: kit_of(job).wake(exodus.ENDED))


EVACUATE = Workflow(kind=exodus.KIND, title="evacuate", done=ended, failed=failed, attempts=20, deadline_s=DAY_S,
                    steps=(Step("check", find, give_back), Step("rebuild_instance", rebuild, remove)))


@patiently
def clean_up(job: Job) -> None:
    """Remove what a host still has of a server that is elsewhere, and what a move that was given up has claimed."""
    rows, host = rows_of(job), job.data["host"]
    if host not in (rows.server.host, (rows.server.move or {}).get("old_host")):
        leave(job, rows, host)
    if "consumer" in job.data:
        drop_claim(job, job.data["consumer"])


CLEAN_UP = Workflow(kind="compute.clean_up", title="cleanUp", undoes=False, attempts=20,
                    steps=(Step("clean_up", clean_up),))
