"""Making an image of a server's root disk."""

from __future__ import annotations

import msgspec

from ....core.context import Context
from ....core.db.engine import Transaction
from ....core.errors import CloudError, NotFound
from ....core.operations.workflow import Finish, Job, Step, Wait, Workflow
from ....core.process.slice import Kit
from ....core.services.image import ImageQuestion, ImageRecord, ImageService
from ....core.services.volume import VolumeService
from .. import disk_keys, records, states
from ..event import emit
from .step import agent_of, kit_of, rows_of, settle

TASK = "image_snapshot"
BACKING_UP = "image_backup"
MAKING_S = 10.0
"""A request that has not made its image so long after it began will not."""
STILL_S = 60.0
"""An upload that has stood still so long has lost its host."""


def make_image(kit: Kit, context: Context, image: ImageRecord) -> None:
    """Make the queued image; nothing when it is there."""
    kit.peers.of(ImageService).create(context, image.id, image.name, image.disk_format, image.container_format,
                                      image.properties, image.min_disk, image.min_ram)
    kit.engine.wake(f"image-made:{image.id}")


def make(job: Job) -> None:
    """Wait for the image that the request makes.

    It is not made here: that would bring back an image that somebody deleted at once. :raises NotFound: it was, or
    the request died before it made it, and has told nobody of it.
    """
    kit, image_id = kit_of(job), job.data["image"]["id"]
    try:
        kit.peers.of(ImageService).image(job.context, image_id)
    except NotFound:
        since = job.data.setdefault("awaited_since", job.clock.time())
        if job.clock.time() - since >= MAKING_S:
            raise
        raise Wait(f"image-made:{image_id}", MAKING_S) from None


def upload(job: Job) -> Finish:
    """Copy the root disk into the image; for a server with a root volume, snapshot its volumes."""
    upload_root(job)
    task = job.data.get("task", TASK)

    def finish(tx: Transaction) -> None:
        if states.move(tx, job.subject, task, task_state=None, updated_at=job.clock.now()):
            row = records.present(tx, job.subject)
            if row is not None:
                emit(kit_of(job), tx, job.context, "instance.snapshot.end", row)
    return finish


def upload_root(job: Job) -> None:
    """Give the image its data, unless an earlier run did; wait for one that is still at it."""
    kit, rows = kit_of(job), rows_of(job)
    images = kit.peers.of(ImageService)
    image_id: str = job.data["image"]["id"]
    status = images.image(job.context, image_id).status
    if status == "saving" and not images.give_up(job.context, image_id, STILL_S):
        # An earlier run of this step began the upload: its host may still be at it.
        raise Wait(f"image:{image_id}", 10.0)
    if status not in ("queued", "saving"):
        return
    if job.data.get("snapshots"):
        volumes = kit.peers.of(VolumeService)
        for volume_id, snapshot_id in job.data["snapshots"].items():
            volumes.snapshot(job.context, snapshot_id, volume_id, f"snapshot for {job.data['image']['name']}")
        images.upload(job.context, image_id, iter(()))
    else:
        record = msgspec.convert(job.data["image"], ImageRecord)
        encryption = disk_keys.of(kit, rows.server.flavor, rows.details)
        agent = agent_of(job, rows.server.host)
        if encryption is None:
            agent.snapshot(job.context, job.subject, record)
        else:
            agent.plain_snapshot(job.context, job.subject, record, encryption)


def discard(job: Job) -> None:
    """Delete the image that did not come to be."""
    kit_of(job).peers.of(ImageService).delete(job.context, job.data["image"]["id"])


def rotate(job: Job) -> None:
    """Delete the oldest backups of the server and type, all but as many as are to be kept."""
    images = kit_of(job).peers.of(ImageService)
    properties = {"image_type": "backup", "backup_type": job.data["backup_type"], "instance_uuid": job.subject}
    found = images.images(job.context, ImageQuestion(properties=properties))
    places = _places(job)
    found.sort(key=lambda one: places.get(one.id, len(places)))
    for one in found[job.data["rotation"]:]:
        images.delete(job.context, one.id)


def _places(job: Job) -> dict[str, int]:
    """The backups' places in the server's history, the newest first: images tell their age to the second only."""
    kit = kit_of(job)
    with kit.db.read() as tx:
        made = [row.data["image"]["id"] for row in kit.engine.of_subject(tx, job.subject) if row.kind == job.kind]
    return {image_id: place for place, image_id in enumerate(made)}


def failed(tx: Transaction, job: Job, error: CloudError) -> None:
    """The server goes on as it was."""
    settle(tx, job, error, job.data.get("task", TASK), "instance.snapshot.error")


SNAPSHOT = Workflow(kind="compute.snapshot", title="createImage", failed=failed,
                    steps=(Step("image", make, discard), Step("upload", upload)))
BACKUP = Workflow(kind="compute.create_backup", title="createBackup", failed=failed,
                  steps=(Step("image", make, discard), Step("upload", upload), Step("rotate", rotate)))
