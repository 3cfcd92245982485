"""What the steps of all of compute's operations need: the kit, the rows, the agent and the fault."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

import sqlalchemy as sa

from ....core.db.engine import Row, Transaction
from ....core.drivers.volume import Connection, Connector
from ....core.errors import BackendBusy, CloudError, NotFound
from ....core.operations.workflow import Job
from ....core.process.slice import Kit
from ....core.services.volume import VolumeService
from .. import disk_keys, records, recovery, states
from ..agency import ComputeAgent, agent_queue
from ..event import emit
from ..fleet import Fleet
from ..tables import server_details

SPAWN_S = 600.0
FORGET = server_details.update().where(server_details.c.server_id == sa.bindparam("server"),
                                       server_details.c.sealed_password != "").values(sealed_password="")


@dataclasses.dataclass(frozen=True)
class Rows:
    """A server with what belongs to it, as a step found it."""

    server: Row
    details: Row
    devices: Sequence[Row]


def kit_of(job: Job) -> Kit:
    """The slice's kit."""
    kit: Kit = job.service.kit
    return kit


def fleet_of(job: Job) -> Fleet:
    """The list of hosts."""
    fleet: Fleet = job.service.fleet
    return fleet


def rows_of(job: Job) -> Rows:
    """The rows of the job's server. :raises NotFound: it is gone."""
    with kit_of(job).db.read() as tx:
        server = records.find(tx, kit_of(job).context(), job.subject)
        return Rows(server, records.details(tx, job.subject), records.devices(tx, job.subject))


def patiently(work: Callable[[Job], None]) -> Callable[[Job], None]:
    """``work``, whose failures of any kind may pass: nothing else does what it has to do."""
    @functools.wraps(work)
    def tried(job: Job) -> None:
        try:
            work(job)
        except NotFound:
            raise
        except CloudError as error:
            if error.retry:
                raise
            job.log.warning("%s of %s failed, trying again: %s", job.kind, job.subject, error)
            raise BackendBusy(error.message) from error
    return tried


def server_of(job: Job) -> Row | None:
    """The row of the job's server, or none when it is gone."""
    with kit_of(job).db.read() as tx:
        return records.present(tx, job.subject)


def agent_of(job: Job, host: str, timeout_s: float = SPAWN_S) -> ComputeAgent:
    """The agent of a host, which may take so long to answer."""
    if not fleet_of(job).up(host) and recovery.stopped(kit_of(job), host):
        return cast(ComputeAgent, Stopped(host))
    return kit_of(job).mesh.reach(agent_queue(host), ComputeAgent, timeout_s)


class Stopped:
    """Stands for the agent of a host that certainly runs nothing: what takes away is done, the rest has to wait.

    Once the host is back, its agent is told what it shall have.
    """

    TAKES_AWAY = ("destroy", "detach_volume", "detach_interface")

    def __init__(self, host: str) -> None:
        self._host = host

    def __getattr__(self, verb: str) -> Callable[..., None]:
        def answer(*arguments: Any, **named: Any) -> None:
            if verb not in self.TAKES_AWAY:
                raise BackendBusy(f"The host {self._host} has been stopped.")
        return answer


def unlock(job: Job, rows: Rows) -> None:
    """Let the server's host know the key of its disks, which it may have forgotten, if they are encrypted."""
    encryption = disk_keys.of(kit_of(job), rows.server.flavor, rows.details)
    if encryption is not None:
        agent_of(job, rows.server.host).unlock(job.context, job.subject, encryption)


def connections(job: Job, rows: Rows, host: str) -> dict[str, Connection]:
    """How ``host`` reaches the server's volumes, by volume id; opens them to it where they are not."""
    wanted = [one for one in rows.devices if one.destination_type == "volume"]
    if not wanted:
        return {}
    volumes = kit_of(job).peers.of(VolumeService)
    connector = Connector(host=host)
    return {one.volume_id: volumes.connect(job.context, one.attachment_id, connector, one.device) for one in wanted}


def password_of(job: Job, rows: Rows) -> str:
    """The password that the server's guest is to be told, or nothing."""
    return opened(job, rows.details.sealed_password)


def opened(job: Job, sealed: str) -> str:
    """A password that was sealed for the job's server, or nothing; one that no key opens any more is lost."""
    if not sealed:
        return ""
    try:
        return str(job.service.seal.open(sealed))
    except NotFound as lost:
        job.log.warning("server %s gets no password: %s", job.subject, lost.message)
        return ""


def forget_password(tx: Transaction, server_id: str) -> None:
    """Remove the password that was to be told to a guest."""
    tx.execute(FORGET, {"server": server_id})


def fault(job: Job, error: CloudError) -> dict[str, Any]:
    """``error`` as a server's row keeps it, with what the scheduler said of it; details are for administrators."""
    said = [str(line) for line in cast(Sequence[str], error.facts.get("explanation", ()))]
    return {"code": error.status if error.status >= 400 else 500, "message": error.message,
            "created": f"{job.clock.now():%Y-%m-%dT%H:%M:%SZ}",
            "details": "\n".join([f"{job.kind}: {error.code}: {error.message}", *said]), "explanation": said}


def settle(tx: Transaction, job: Job, error: CloudError, task: str, event: str, *, broken: bool = False) -> None:
    """End an operation that failed: the task is over, the fault is kept, and a ``broken`` server is in error.

    An interrupted operation leaves the server to the one that interrupted it.
    """
    values: dict[str, Any] = {"task_state": None, "updated_at": job.clock.now(), "fault": fault(job, error)}
    if broken:
        values["vm_state"] = states.ERROR
    if error.code == "interrupted":
        values = {"task_state": None}
    if not states.move(tx, job.subject, task, **values):
        return
    row = records.present(tx, job.subject)
    if row is not None:
        emit(kit_of(job), tx, job.context, event, row, fault(job, error))
