"""Cold moves: a server gets another size, or goes to another host, or both; until then it is stopped.

Both sides keep the guest until the move is confirmed or taken back: the old host what it offered, the new one what
runs. ``move`` in the server's row names both sides, both flavors, and the consumer that holds the old claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.db.engine import Row, Transaction
from ....core.errors import CloudError, NotFound, NotSupported
from ....core.operations.workflow import Finish, Job, Step, Workflow
from ....core.services.network import NetworkService
from .. import accounting, journeys, records, recovery, states
from ..event import emit
from . import later
from .move import (
    MOVE_S,
    choose,
    chosen_side,
    close_volumes,
    destroy_for_good,
    plan_at,
    restore_claim,
    unwire,
    unwire_for_good,
)
from .step import Rows, agent_of, connections, fleet_of, kit_of, rows_of, settle

TRIES = 3
RETRIED = ("backend-failed", "no-space", "internal", "backend-busy")
DAY_S = 24 * 3600.0


def stays(move: Mapping[str, Any]) -> bool:
    """Whether the move changes the size only."""
    new = move.get("new")
    return new is None or new["host"] == move["old_host"]


def old_side(move: Mapping[str, Any], row: Row) -> dict[str, str]:
    """Where the server was before the move."""
    found: dict[str, str] = move.get("old") or {"host": row.host, "node": row.node, "provider": row.provider,
                                                "zone": row.zone}
    return found


def _resizes(move: Mapping[str, Any]) -> bool:
    return bool(move.get("kind", journeys.RESIZE) == journeys.RESIZE)


def _left_out(job: Job, move: Mapping[str, Any]) -> list[str]:
    """Hosts that are none for this move: the present one, unless a resize may stay or there is no other."""
    may_stay = _resizes(move) and (kit_of(job).options.allow_resize_to_same_host or len(fleet_of(job).all()) == 1
                                   or job.data.get("stay"))
    return [*([] if may_stay else [move["old_host"]]), *job.data.get("failed_hosts", ())]


def prepare(job: Job) -> Finish:
    """Choose a host and claim the new size there."""
    rows = rows_of(job)
    move = rows.server.move
    wanted = move["old_host"] if job.data.get("stay") else move.get("wanted", "")
    chosen = choose(job, rows, move["new_flavor"], _left_out(job, move), wanted)
    new = job.data["new"] = chosen_side(chosen, rows.server)

    def finish(tx: Transaction) -> None:
        if states.move(tx, job.subject, "resize_prep", task_state="resize_migrating", move={**move, "new": new},
                       updated_at=job.clock.now()):
            emit(kit_of(job), tx, job.context, "instance.resize_prep.end", rows.server)
        journeys.note(kit_of(job), tx, move["consumer"], "migrating", dest_compute=new["host"], dest_node=new["node"])
    return finish


def give_back(job: Job) -> None:
    """Give the new claim back and put the old one where it was."""
    move = rows_of(job).server.move
    if move is not None:
        restore_claim(job, move["consumer"])


def _target(job: Job, move: Mapping[str, Any]) -> dict[str, str] | None:
    """The side chosen by an earlier step, when the server goes to another host."""
    new: dict[str, str] | None = job.data.get("new")
    return None if new is None or new["host"] == move["old_host"] else new


def depart(job: Job) -> Finish:
    """Shut the guest down and have its host offer it; a server that stays goes on."""
    rows = rows_of(job)
    move = rows.server.move
    away = _target(job, move) is not None
    if away:
        job.data["offer"] = agent_of(job, move["old_host"], MOVE_S).depart(job.context, job.subject)

    def finish(tx: Transaction) -> None:
        if states.move(tx, job.subject, "resize_migrating", task_state="resize_finish", updated_at=job.clock.now(),
                       **({"power_state": 4} if away else {})):
            emit(kit_of(job), tx, job.context, "instance.resize.end", rows.server)
        journeys.note(kit_of(job), tx, move["consumer"], "post-migrating")
    return finish


def stay(job: Job) -> None:
    """Have the guest on its old host as it was."""
    rows = rows_of(job)
    move = rows.server.move
    if move is None or _target(job, move) is None:
        return
    if job.data.get(later.LATER) or later.gone(job, move["old_host"]):
        _stay_later(job, rows, move)
        return
    try:
        at_home(job, rows, move)
    except (NotSupported, NotFound) as error:
        # Nothing was offered, or the guest is lost: the next comparison with the host tells.
        job.log.warning("server %s did not leave its host: %s", job.subject, error)


def _stay_later(job: Job, rows: Rows, move: Mapping[str, Any]) -> None:
    """Bind the ports to the old host, and have the guest there once that is back."""
    old = old_side(move, rows.server)
    if not job.data.get(later.LATER):
        later.put_off(job, "stay", [old["host"]])
    if rows.server.nics:
        kit_of(job).peers.of(NetworkService).bind(job.context, job.subject, old["host"], old["zone"])


def at_home(job: Job, rows: Rows, move: Mapping[str, Any]) -> None:
    """Have the guest run, or be stopped, on its old host as before the move."""
    old = old_side(move, rows.server)
    plan = plan_at(job, rows, move["old_flavor"], old, consumer=move["consumer"])
    agent_of(job, old["host"], MOVE_S).stay(job.context, plan, move["before"] != states.STOPPED)


def arrive(job: Job) -> Finish:
    """Have the guest, with its new size, on the new host; it runs unless it was stopped before."""
    rows = rows_of(job)
    move = rows.server.move
    new, stopped = _target(job, move), move["before"] == states.STOPPED
    if new is None:
        _grow(job, rows, move, stopped)
    else:
        plan = plan_at(job, rows, move["new_flavor"], new)
        agent_of(job, new["host"], MOVE_S).arrive(job.context, plan, job.data["offer"], not stopped)
        unwire(job, rows, move["old_host"])
    return lambda tx: _resized(tx, job, rows.server, new or {}, stopped)


def _grow(job: Job, rows: Rows, move: Mapping[str, Any], stopped: bool) -> None:
    agent = agent_of(job, rows.server.host)
    agent.resize(job.context, plan_at(job, rows, move["new_flavor"], old_side(move, rows.server)), "resize")
    if stopped:
        agent.act(job.context, job.subject, "stop")


def _resized(tx: Transaction, job: Job, row: Row, new: Mapping[str, str], stopped: bool) -> None:
    kit, move, now = kit_of(job), row.move, job.clock.now()
    if states.move(tx, job.subject, "resize_finish", vm_state=states.RESIZED, task_state=None, fault=None,
                   power_state=4 if stopped else 1, updated_at=now, launched_at=now, **new,
                   **flavor_columns(move["new_flavor"])):
        emit(kit, tx, job.context, "instance.resize_finish.end", row)
        if kit.options.resize_confirm_window_s > 0:
            kit.engine.start(tx, "compute.auto_confirm", move["consumer"], job.context, {"server": job.subject},
                             delay_s=kit.options.resize_confirm_window_s)
    journeys.note(kit, tx, move["consumer"], "finished")
    job.data.pop("offer", None)


def flavor_columns(flavor: Mapping[str, Any]) -> dict[str, Any]:
    """What a server's row says of its flavor."""
    return {"flavor": flavor, "flavor_id": flavor["id"], "vcpus": flavor["vcpus"], "memory_mib": flavor["memory_mib"],
            "root_gib": flavor["root_gib"], "ephemeral_gib": flavor["ephemeral_gib"]}


def leave_target(job: Job) -> None:
    """Remove the guest from the new host, or take the new size back."""
    rows = rows_of(job)
    move = rows.server.move
    if move is None or "new" not in job.data:
        return
    new = _target(job, move)
    if new is not None and later.gone(job, new["host"]) and not recovery.stopped(kit_of(job), new["host"]):
        # It may run there, so that it must not run here.
        later.put_off(job, "stay", [move["old_host"], new["host"]], new=new["host"], emptied=[new["host"]],
                      before=move["before"])
        job.data["broken"] = True
    elif new is not None:
        come_back(job, rows, move, new)
    elif later.gone(job, move["old_host"]):
        later.put_off(job, "shrink", [move["old_host"]])
    else:
        shrink(job, rows, move)


def shrink(job: Job, rows: Rows, move: Mapping[str, Any]) -> None:
    """Take the new size back on the same host."""
    agent = agent_of(job, rows.server.host)
    old = old_side(move, rows.server)
    agent.resize(job.context, plan_at(job, rows, move["old_flavor"], old, consumer=move["consumer"]), "revert")
    if move["before"] == states.STOPPED:
        agent.act(job.context, job.subject, "stop")


def come_back(job: Job, rows: Rows, move: Mapping[str, Any], new: Mapping[str, str]) -> None:
    """Have nothing of the server on the new host any more, and its volumes open to the old one."""
    destroy_for_good(job, new["host"])
    unwire_for_good(job, rows, new["host"])
    connections(job, rows, old_side(move, rows.server)["host"])
    close_volumes(job, rows, new["host"])


def resize_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """Try another host, or leave the server as it was before, with the fault kept and the quota given back."""
    row = records.present(tx, job.subject)
    if row is None or row.move is None:
        return
    if _again(tx, job, row, error):
        return
    later.begin(tx, job)
    charge_back(tx, row.project_id, row.move)
    journeys.note(kit_of(job), tx, row.move["consumer"], "error")
    task = row.task_state if row.task_state in states.RESIZES else "resize_prep"
    stopped = row.move["before"] == states.STOPPED
    # A delete that goes on with what is left has to know both sides.
    states.move(tx, job.subject, row.task_state, power_state=4 if stopped else 1,
                **({} if job.data.get("abandoned") else {"move": None}))
    settle(tx, job, error, task, "instance.resize.error", broken=bool(job.data.get("broken")))


def _again(tx: Transaction, job: Job, row: Row, error: CloudError) -> bool:
    """Begin the move anew without the host that failed, unless it was asked for or others failed before.

    A resize stays where it is when the hypervisors cannot hand guests over.
    """
    tried, new = list(job.data.get("failed_hosts", ())), job.data.get("new")
    if row.task_state not in states.RESIZES or new is None or new["host"] == row.move["old_host"]:
        return False
    if job.data.get(later.LATER):
        return False
    more: dict[str, Any] = {"failed_hosts": [*tried, new["host"]]}
    if error.code == "not-supported" and _resizes(row.move):
        more = {"stay": True}
    elif error.code not in RETRIED or len(tried) + 1 >= TRIES or row.move.get("wanted"):
        return False
    if not states.move(tx, job.subject, row.task_state, task_state="resize_prep", move={**row.move, "new": None}):
        return False
    kit_of(job).engine.start(tx, job.kind, job.subject, job.context, {**more, "error": error.message, "again": True})
    return True


def charge_back(tx: Transaction, project_id: str, move: Mapping[str, Any]) -> None:
    """Give the quota back that the new size was charged."""
    old, new = move["old_flavor"], move["new_flavor"]
    accounting.charge(tx, project_id, 0, old["vcpus"] - new["vcpus"], old["memory_mib"] - new["memory_mib"])


STEPS = (Step("prep_resize", prepare, give_back), Step("resize_instance", depart, stay),
         Step("finish_resize", arrive, leave_target))
RESIZE = Workflow(kind="compute.resize", title="resize", failed=resize_failed, steps=STEPS, attempts=20,
                  deadline_s=DAY_S)
MIGRATE = Workflow(kind="compute.migrate", title="migrate", failed=resize_failed, steps=STEPS, attempts=20,
                   deadline_s=DAY_S)
