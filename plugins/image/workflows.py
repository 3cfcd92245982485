"""The durable operations of images: removing data, and importing what was staged."""

from __future__ import annotations

from typing import Any

from ...core.db.engine import Transaction
from ...core.errors import CloudError
from ...core.operations.workflow import Finish, Job, Step, Workflow
from .access import BY_ID
from .formats import Inspection
from .images import emit
from .states import step
from .tables import images


def _remove(job: Job) -> Finish | None:
    """Remove the data of an image that is deleted."""
    kit = job.service.kit
    with kit.db.read() as tx:
        if tx.row(BY_ID, {"id": job.subject}) is not None:
            return None
    job.service.data.store.delete(job.subject)
    return None


def _check(job: Job) -> Finish | None:
    """See that staged data is what the image says, and make it the image's own."""
    kit = job.service.kit
    with kit.db.read() as tx:
        row = tx.row(BY_ID, {"id": job.subject})
    if row is None or row.status != "importing":
        return None
    staged: dict[str, Any] = dict(row.staged)
    enforced = kit.options.require_format_match and row.container_format == "bare"
    inspection = Inspection(row.disk_format, enforced, bytes.fromhex(staged.pop("head")))
    inspection.check()
    staged["virtual_size"] = inspection.virtual_size(staged["size"])
    now = kit.clock.now().replace(microsecond=0)

    def finish(tx: Transaction) -> None:
        step(tx, job.subject, "importing", "stored", staged=None, updated_at=now, **staged)
        emit(kit, tx, job.context, "activate", tx.row(BY_ID, {"id": job.subject}))
    return finish


def _discard(job: Job) -> Finish | None:
    """Forget staged data that could not be imported."""
    job.service.data.store.delete(job.subject)
    return None


def _import_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    tx.change(images, job.subject, {"status": "importing"}, status="queued", staged=None)


WORKFLOWS: tuple[Workflow, ...] = (
    Workflow("image.delete", (Step("remove", _remove),), undoes=False, attempts=20, title="delete"),
    Workflow("image.import", (Step("import", _check, _discard),), failed=_import_failed, title="import"),
)
