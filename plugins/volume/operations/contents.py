"""Replacing the content of volumes: by a snapshot's, or by an image's."""

from __future__ import annotations

from collections.abc import Iterator

from ....core.db.engine import Transaction
from ....core.drivers.volume import VolumeDriver
from ....core.errors import CloudError
from ....core.operations.workflow import Finish, Job, Step, Workflow
from ....core.services.image import ImageService
from .. import access, listing, states
from ..images import image_metadata, raw_chunks
from ..messages import detail_of
from .subjects import service_of, snapshot_of, volume_of

ZEROS = bytes(1 << 20)
GIB = 1 << 30


# Back to the latest snapshot.

def _revert(job: Job) -> Finish | None:
    row, service = volume_of(job), service_of(job)
    if row is None or row.status != "reverting":
        return None
    frozen, copied = job.data["snapshot"], _copy(job)
    service.backends.create_from_snapshot(row.backend, copied, row.size, row.id, frozen)
    driver: VolumeDriver = service.backends.driver(row.backend)
    with service.backends.holding(row.id, copied):
        driver.write(row.id, driver.read(copied))
    service.backends.delete(row.backend, copied)

    def finish(tx: Transaction) -> None:
        states.step(service.kit, tx, row, "release")
        _thaw(tx, job)
        service.volumes.emit(tx, job.context, "volume.revert.end", row)
    return finish


def _copy(job: Job) -> str:
    """The id of the volume that is made of the snapshot for a while: the pool's own, of no record."""
    return "revert-" + str(job.data["snapshot"])


def _drop_copy(job: Job) -> Finish | None:
    row = volume_of(job)
    if row is not None:
        service_of(job).backends.delete(row.backend, _copy(job))
    return None


def _thaw(tx: Transaction, job: Job) -> None:
    frozen = snapshot_of(tx, job)
    if frozen is not None and frozen.status == "restoring":
        states.step_snapshot(service_of(job).kit, tx, frozen, "release")


def _revert_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    service, row = service_of(job), tx.row(access.VOLUME, {"id": job.subject})
    _thaw(tx, job)
    if row is not None and row.status == "reverting":
        states.step(service.kit, tx, row, "failed")
        service.volumes.emit(tx, job.context, "volume.revert.error", row)
        service.messages.add(tx, job.context, "revert", detail_of(error, "revert"), "VOLUME", row.id, row.project_id)


# Filled anew from an image.

def _reimage(job: Job) -> Finish | None:
    row, service = volume_of(job), service_of(job)
    if row is None or row.status != "downloading":
        return None
    images = service.kit.peers.of(ImageService)
    image = images.image(job.context, job.data["image"])
    with service.backends.holding(row.id):
        service.backends.driver(row.backend).write(
            row.id, _padded(raw_chunks(images, job.context, image), row.size * GIB))

    def finish(tx: Transaction) -> None:
        known = image_metadata(image)
        states.step(service.kit, tx, row, job.data["then"], bootable=True, image_metadata=known)
        service.volumes.mark(tx, listing.IMAGE + row.id, known)
        service.volumes.emit(tx, job.context, "volume.reimage.end", row)
    return finish


def _padded(chunks: Iterator[bytes], size_bytes: int) -> Iterator[bytes]:
    """The chunks, and zeros up to the end: nothing of the old content stays."""
    left = size_bytes
    for chunk in chunks:
        left -= len(chunk)
        yield chunk
    while left > 0:
        yield ZEROS[:left]
        left -= min(left, len(ZEROS))


def _reimage_failed(tx: Transaction, job: Job, error: CloudError) -> None:
    service, row = service_of(job), tx.row(access.VOLUME, {"id": job.subject})
    if row is not None and row.status == "downloading":
        states.step(service.kit, tx, row, "failed")
        service.volumes.emit(tx, job.context, "volume.reimage.error", row)
        service.messages.add(tx, job.context, "reimage", detail_of(error, "reimage"), "VOLUME", row.id,
                             row.project_id)


WORKFLOWS = (
    Workflow("volume.revert", (Step("revert", _revert, _drop_copy),), failed=_revert_failed, title="revert",
             deadline_s=24 * 3600.0),
    Workflow("volume.reimage", (Step("reimage", _reimage),), failed=_reimage_failed, undoes=False, title="reimage",
             deadline_s=6 * 3600.0),
)
