"""What the operations share: their service, and the rows they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....core.db.engine import Row, Transaction
from ....core.operations.workflow import Job
from .. import access

if TYPE_CHECKING:
    from ..service import BlockStorage


def service_of(job: Job) -> BlockStorage:
    """The service that the operation belongs to."""
    service: BlockStorage = job.service
    return service


def volume_of(job: Job) -> Row | None:
    """The volume that is the operation's subject, or none when it is gone."""
    with service_of(job).kit.db.read() as tx:
        return tx.row(access.VOLUME, {"id": job.subject})


def snapshot_of(tx: Transaction, job: Job) -> Row | None:
    """The snapshot that the operation is about, or none when it is gone."""
    return tx.row(access.SNAPSHOT, {"id": job.data["snapshot"]})
