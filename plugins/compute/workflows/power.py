"""The power verbs: start, stop, reboot, pause, suspend and back. One step each."""

from __future__ import annotations

import dataclasses

from ....core.db.engine import Transaction
from ....core.drivers.hypervisor import Power
from ....core.errors import CloudError
from ....core.operations.workflow import Finish, Job, Step, Workflow
from ....core.services.network import NetworkService
from .. import records, states
from ..event import emit
from .step import agent_of, kit_of, rows_of, settle, unlock


@dataclasses.dataclass(frozen=True)
class Verb:
    """One power verb: the task while it runs, the state after it, its event, and whether ports are wired first."""

    name: str
    task: str
    after: str
    event: str
    wires: bool = False
    breaks: bool = False
    """A server that cannot do it is in error."""
    title: str = ""

    @property
    def starts(self) -> bool:
        """Whether it may start a guest, so that the host needs the key of its disks."""
        return self.name in ("start", "reboot", "reboot_hard", "resume")


VERBS = (
    Verb("start", "powering-on", states.ACTIVE, "instance.power_on", wires=True),
    Verb("stop", "powering-off", states.STOPPED, "instance.power_off"),
    Verb("reboot", "rebooting", states.ACTIVE, "instance.reboot", breaks=True),
    Verb("reboot_hard", "rebooting_hard", states.ACTIVE, "instance.reboot", wires=True, breaks=True, title="reboot"),
    Verb("pause", "pausing", states.PAUSED, "instance.pause"),
    Verb("unpause", "unpausing", states.ACTIVE, "instance.unpause"),
    Verb("suspend", "suspending", states.SUSPENDED, "instance.suspend"),
    Verb("resume", "resuming", states.ACTIVE, "instance.resume", wires=True),
)


def _workflow(verb: Verb) -> Workflow:
    def do(job: Job) -> Finish:
        rows = rows_of(job)
        server = rows.server
        if verb.starts:
            unlock(job, rows)
        if verb.wires and server.nics:
            kit_of(job).peers.of(NetworkService).plug(job.context, server.id, server.host)
        power = states.POWER[Power(agent_of(job, server.host).act(job.context, server.id, verb.name))]

        def finish(tx: Transaction) -> None:
            if states.move(tx, job.subject, verb.task, vm_state=verb.after, task_state=None, power_state=power,
                           updated_at=job.clock.now(), fault=None):
                row = records.present(tx, job.subject)
                if row is not None:
                    emit(kit_of(job), tx, job.context, verb.event + ".end", row)
        return finish

    def failed(tx: Transaction, job: Job, error: CloudError) -> None:
        broken = verb.breaks or error.code == "not-found"
        settle(tx, job, error, verb.task, verb.event + ".error", broken=broken)

    return Workflow(kind=f"compute.{verb.name}", title=verb.title or verb.name, undoes=False, failed=failed,
                    steps=(Step(verb.name, do),))


POWER = tuple(_workflow(verb) for verb in VERBS)
