"""The slice's durable operations: each one step that wires from the rows of the moment."""

from __future__ import annotations

import functools
from collections.abc import Callable

from ...core.errors import BackendBusy, CloudError
from ...core.operations.workflow import Finish, Job, Step, Wait, Workflow
from ...core.services.compute import ComputeService

PATIENT = 1_000_000
"""Attempts: a host that is away or fails is tried again until the deadline."""
SILENT_S = 30.0
"""Between two looks at whether a silent host is heard again."""
Work = Callable[[Job], Finish | None]


def patiently(work: Work) -> Work:
    """``work``, whose failures of any kind may pass: the rows stay as they are, so the host must follow."""
    @functools.wraps(work)
    def tried(job: Job) -> Finish | None:
        try:
            return work(job)
        except CloudError as error:
            if error.retry:
                raise
            job.log.warning("%s of %s failed, trying again: %s", job.kind, job.subject, error)
            raise BackendBusy(error.message) from error
    return tried


def _await(job: Job) -> None:
    """Wait for a host that is silent, as it restores what should be there when it is back. :raises Wait: it is."""
    host = job.data["host"]
    if job.service.agents.silent(host):
        raise Wait(f"network:{host}", SILENT_S)


@patiently
def _apply(job: Job) -> Finish:
    failed = job.service.wiring.apply_network(job.subject)
    return lambda tx: job.service.wiring.apply_later(tx, job.subject, failed)


@patiently
def _apply_at(job: Job) -> None:
    _await(job)
    job.service.wiring.apply_at(job.data["network_id"], job.data["host"])


@patiently
def _remove(job: Job) -> None:
    job.service.wiring.remove_network(job.subject, job.data["hosts"])


@patiently
def _unplug(job: Job) -> None:
    _await(job)
    job.service.wiring.unplug_one(job.data.get("port", job.subject), job.data["network_id"], job.data["host"])


@patiently
def _route(job: Job) -> None:
    job.service.wiring.route(job.subject)


@patiently
def _unroute(job: Job) -> None:
    job.service.wiring.unroute(job.subject, job.data["host"])


def _tell(job: Job) -> None:
    """Tell compute that the addresses of a server changed."""
    job.service.kit.peers.of(ComputeService).network_changed(job.context, job.data["server"])


WORKFLOWS = (
    Workflow("network.tell", (Step("tell", _tell),), undoes=False, attempts=60, deadline_s=600.0, title="tell"),
    Workflow("network.apply", (Step("apply", _apply),), undoes=False, attempts=PATIENT, title="apply"),
    Workflow("network.apply_at", (Step("apply", _apply_at),), undoes=False, attempts=PATIENT, title="apply"),
    Workflow("network.remove", (Step("remove", _remove),), undoes=False, attempts=PATIENT, title="remove"),
    Workflow("network.unplug", (Step("unplug", _unplug),), undoes=False, attempts=PATIENT, title="unplug"),
    Workflow("network.route", (Step("route", _route),), undoes=False, attempts=PATIENT, title="route"),
    Workflow("network.unroute", (Step("unroute", _unroute),), undoes=False, attempts=PATIENT, title="unroute"),
)
