"""What was put off until hosts are back: see ``later.py``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence

from ....core.db.engine import Transaction
from ....core.errors import CloudError, NotFound, NotSupported
from ....core.operations.workflow import Finish, Job, Step, Wait, Workflow
from ....core.services.network import NetworkService
from .. import records, recovery, states
from . import later, live, rescue, shelve, tending
from .confirm import FOREVER_S
from .devices import give_back_interface, put_back_interface, put_back_volume, take_away, take_out
from .move import MOVE_S, close_volumes, destroy_for_good, plan_at, side, unwire_for_good
from .step import Rows, agent_of, fleet_of, kit_of, rows_of

LOOK_S = 30.0
SELDOM_S = 3600.0
ROUNDS = 20
"""So often what was put off is tried shortly after it failed, and seldom from then on."""
MEND_KIND = "compute.mend_guest"


def await_hosts(job: Job) -> Finish | None:
    """Wait until the hosts are back and nothing else is done to the server, then begin what was put off."""
    kit, server_id, hosts = kit_of(job), job.data["server"], job.data["hosts"]
    with kit.db.read() as tx:
        server = records.present(tx, server_id)
        busy = kit.engine.unfinished(tx, server_id) is not None
    if server is None and job.data["verb"] in DELETED:
        DELETED[job.data["verb"]](job)
    if server is None or (hosts and server.host != hosts[0]):
        return None
    if missing := _missing(job, hosts or [server.host]):
        raise Wait(f"host:{missing}", LOOK_S)
    if busy or server.task_state is not None:
        raise Wait(f"server:{server_id}", LOOK_S)

    def finish(tx: Transaction) -> None:
        kit.engine.start(tx, MEND_KIND, server_id, job.context, {**job.data, "again": True})
    return finish


def _missing(job: Job, hosts: Sequence[str]) -> str:
    """A host that has to be waited for; one of the hosts of a guest that is looked for is enough to tell."""
    if job.data["verb"] == "find":
        known = any(fleet_of(job).up(one) or recovery.stopped(kit_of(job), one) for one in hosts)
        return "" if known else hosts[0]
    return next((one for one in hosts if not _back(job, one)), "")


def _back(job: Job, host: str) -> bool:
    """Whether a host is up; one that guests have only to be taken from may also be stopped for certain."""
    if not host or fleet_of(job).up(host):
        return True
    return host in job.data.get("emptied", ()) and recovery.stopped(kit_of(job), host)


AWAIT = Workflow(kind=later.AWAIT, title="awaitHost", undoes=False, deadline_s=FOREVER_S,
                 steps=(Step("await_host", await_hosts),))


def _unrescue(job: Job, rows: Rows) -> None:
    if rows.server.vm_state in (states.ACTIVE, states.STOPPED):
        rescue.boot_own(job, rows)


def _stay(job: Job, rows: Rows) -> None:
    """Have nothing of the guest on the host that it did not reach, and have it at home."""
    new, server = job.data.get("new", ""), rows.server
    if new and new != server.host:
        destroy_for_good(job, new)
        unwire_for_good(job, rows, new)
        close_volumes(job, rows, new)
    # Who is in error for another reason is not started, but its guest is no longer held for the other host.
    before = job.data.get("before", states.STOPPED) if server.vm_state == states.ERROR else server.vm_state
    if before not in (states.ACTIVE, states.STOPPED):
        return
    # A guest that is lost, or was never offered: the next comparison with the host tells.
    with contextlib.suppress(NotFound, NotSupported):
        plan = plan_at(job, rows, server.flavor, side(server))
        agent_of(job, server.host, MOVE_S).stay(job.context, plan, before == states.ACTIVE)


def _shrink(job: Job, rows: Rows) -> None:
    agent, server = agent_of(job, rows.server.host), rows.server
    agent.resize(job.context, plan_at(job, rows, server.flavor, side(server)), "revert")
    if server.vm_state == states.STOPPED:
        agent.act(job.context, server.id, "stop")


def _offload(job: Job, rows: Rows) -> None:
    """Have nothing of a server that stays on the shelf on the host that it was to get."""
    host = job.data["emptied"][0]
    destroy_for_good(job, host)
    unwire_for_good(job, rows, host)
    shelve.close_volumes(job)


def _plug(job: Job, rows: Rows) -> None:
    if rows.server.nics and rows.server.host:
        kit_of(job).peers.of(NetworkService).plug(job.context, rows.server.id, rows.server.host)


def _put_back(put: Callable[[Job], None]) -> Callable[[Job, Rows], None]:
    def work(job: Job, rows: Rows) -> None:
        # A guest that is lost needs nothing; the next comparison with the host tells.
        with contextlib.suppress(NotFound):
            put(job)
    return work


VERBS: Mapping[str, Callable[[Job, Rows], Finish | None]] = {
    "unrescue": _unrescue, "stay": _stay, "shrink": _shrink, "offload": _offload, "plug": _plug,
    "put_back_volume": _put_back(put_back_volume), "put_back_interface": _put_back(put_back_interface),
    "swap_back": lambda job, rows: tending.swap_back(job), "find": lambda job, rows: live.find(job),
    "take_away": lambda job, rows: take_away(job),
    "take_out": lambda job, rows: take_out(job), "give_back_interface": lambda job, rows: give_back_interface(job)}


DELETED: Mapping[str, Callable[[Job], None]] = {"swap_back": tending.let_go_of_new}
"""What is left to be done where the server is gone meanwhile."""


def mend(job: Job) -> Finish | None:
    """Do what was put off."""
    return VERBS[job.data["verb"]](job, rows_of(job))


def mended(tx: Transaction, job: Job) -> None:
    """A server that is in error only because of what was put off is what it was."""
    row, before = records.present(tx, job.subject), job.data.get("before")
    if row is not None and before and row.vm_state == states.ERROR:
        states.move(tx, job.subject, None, vm_state=before, updated_at=job.clock.now())


def failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """The hosts are waited for again, unless somebody has interrupted this."""
    kit, rounds = kit_of(job), job.data.get("rounds", 0) + 1
    if error.code not in ("interrupted", "not-found"):
        facts = {**{name: value for name, value in job.data.items() if name != "again"}, "rounds": rounds}
        kit.engine.start(tx, later.AWAIT, kit.clock.uuid(), job.context, facts,
                         delay_s=LOOK_S if rounds < ROUNDS else SELDOM_S)


MEND_GUEST = Workflow(kind=MEND_KIND, title="mendGuest", undoes=False, attempts=20, done=mended, failed=failed,
                      steps=(Step("mend", mend),))
