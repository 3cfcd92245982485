"""The slice's durable operations: each one step that wires from the rows of the moment."""

from __future__ import annotations

from ...core.operations.workflow import Job, Step, Workflow

PATIENT = 1_000_000
"""Attempts: a host that is away is waited for until the deadline."""


def _apply(job: Job) -> None:
    job.service.wiring.apply_network(job.subject)


def _remove(job: Job) -> None:
    job.service.wiring.remove_network(job.subject, job.data["hosts"])


def _unplug(job: Job) -> None:
    job.service.wiring.unplug_one(job.subject, job.data["network_id"], job.data["host"])


def _route(job: Job) -> None:
    job.service.wiring.route(job.subject)


def _unroute(job: Job) -> None:
    job.service.wiring.unroute(job.subject, job.data["host"])


WORKFLOWS = (
    Workflow("network.apply", (Step("apply", _apply),), undoes=False, attempts=PATIENT, title="apply"),
    Workflow("network.remove", (Step("remove", _remove),), undoes=False, attempts=PATIENT, title="remove"),
    Workflow("network.unplug", (Step("unplug", _unplug),), undoes=False, attempts=PATIENT, title="unplug"),
    Workflow("network.route", (Step("route", _route),), undoes=False, attempts=PATIENT, title="route"),
    Workflow("network.unroute", (Step("unroute", _unroute),), undoes=False, attempts=PATIENT, title="unroute"),
)
