"""Mending a server's claim: an operation, so that nothing else is done to the server meanwhile."""

from __future__ import annotations

from ....core.operations.workflow import Job, Step, Workflow
from .. import audit_claims
from .step import kit_of


def mend(job: Job) -> None:
    """Give the server the claim that it should have."""
    audit_claims.put_right(kit_of(job), job.context, job.subject)


MEND = Workflow(kind=audit_claims.MEND, title="mend_claim", undoes=False, steps=(Step("claim", mend),))
