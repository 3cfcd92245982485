"""Fetching images to hosts before guests ask for them, host after host; each tells how far that has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.db.engine import Transaction
from ....core.errors import CloudError
from ....core.operations.workflow import Finish, Job, Step, Workflow
from ....core.services.image import ImageRecord, ImageService
from .step import agent_of, fleet_of, kit_of

FETCH_S = 1800.0


def cache(job: Job) -> Finish:
    """Have each host of the aggregate that lives fetch each image; one that cannot does without."""
    records = _records(job)
    hosts: list[str] = job.data["hosts"]
    for number, host in enumerate(hosts, start=1):
        found = _fetched(job, host, records)
        with kit_of(job).db.write() as tx:
            _tell(tx, job, "progress", host=host, index=number, total=len(hosts),
                  images_cached=[name for name, fetched in found.items() if fetched],
                  images_failed=[name for name, fetched in found.items() if not fetched])
    return lambda tx: _tell(tx, job, "end")


def _records(job: Job) -> dict[str, ImageRecord | None]:
    """The images by id; none for one that is gone since it was asked for."""
    images, found = kit_of(job).peers.of(ImageService), dict[str, ImageRecord | None]()
    for image_id in job.data["images"]:
        try:
            found[image_id] = images.image(job.context, image_id)
        except CloudError as error:
            job.log.warning("image %s cannot be fetched: %s", image_id, error)
            found[image_id] = None
    return found


def _fetched(job: Job, host: str, records: Mapping[str, ImageRecord | None]) -> dict[str, bool]:
    """Whether a host has each image now."""
    if not fleet_of(job).up(host):
        return dict.fromkeys(records, False)
    agent = agent_of(job, host, FETCH_S)
    found = {}
    for image_id, record in records.items():
        found[image_id] = record is not None
        if record is not None:
            try:
                agent.cache_image(job.context, record)
            except CloudError as error:
                job.log.warning("host %s could not fetch image %s: %s", host, image_id, error)
                found[image_id] = False
    return found


def _tell(tx: Transaction, job: Job, phase: str, **more: Any) -> None:
    """Write the event of one host, or of the end."""
    told = {"uuid": job.subject, **job.data.get("aggregate", {})}
    kind = "AggregateCachePayload" if phase == "progress" else "AggregatePayload"
    if phase == "progress":
        told = {name: told.get(name) for name in ("id", "uuid", "name")}
    kit_of(job).events.emit(tx, job.context, f"aggregate.cache_images.{phase}", kind, {**told, **more},
                            version="1.0" if phase == "progress" else "1.1")


CACHE = Workflow(kind="compute.cache_images", title="cache_images", undoes=False, steps=(Step("cache", cache),))
