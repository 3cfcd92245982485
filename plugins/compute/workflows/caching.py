"""Fetching images to hosts before guests ask for them."""

from __future__ import annotations

from ....core.errors import CloudError
from ....core.operations.workflow import Job, Step, Workflow
from ....core.services.image import ImageService
from .step import agent_of, fleet_of, kit_of

FETCH_S = 1800.0


def cache(job: Job) -> None:
    """Have each host of the aggregate that lives fetch each image; one that cannot does without."""
    images = kit_of(job).peers.of(ImageService)
    records = [images.image(job.context, image_id) for image_id in job.data["images"]]
    for host in job.data["hosts"]:
        if not fleet_of(job).up(host):
            continue
        agent = agent_of(job, host, FETCH_S)
        for record in records:
            try:
                agent.cache_image(job.context, record)
            except CloudError as error:
                job.log.warning("host %s could not fetch image %s: %s", host, record.id, error)


CACHE = Workflow(kind="compute.cache_images", title="cache_images", undoes=False, steps=(Step("cache", cache),))
