"""The image slice: Image API v2 over any image store."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import sqlalchemy as sa

from ...core.drivers.image_store import ImageStore
from ...core.plugins import Registry
from ...core.process.slice import Belonging, Kit, Slice
from ...core.services.base import ServiceInterface
from ...core.services.image import ImageService
from .api import API
from .options import ImageOptions
from .rules import RULES
from .service import Images
from .tables import SCHEMA, images
from .workflows import WORKFLOWS

STORES: Registry[ImageStore] = Registry("image_stores", ImageStore)
SWEEP_S = 60.0
_KNOWN = sa.select(images.c.id)


class Image(Slice):
    """The image service."""

    name = "image"
    interface = ImageService
    namespace = "glance"
    Options = ImageOptions
    schema = SCHEMA
    face = API
    rules = RULES
    workflows = WORKFLOWS
    catalog = (("image", "glance", ""),)

    def service(self, kit: Kit) -> ServiceInterface:
        """The service over the store that ``[image] store`` names."""
        return Images(kit, kit.driver(STORES, kit.options.store))

    def start(self, service: Images, kit: Kit) -> None:
        """Give up dead uploads from time to time."""
        kit.executor.every(SWEEP_S, service.data.sweep)

    def belongings(self, service: Images, kit: Kit) -> Iterator[Belonging]:
        """Data that is both in the store and in the records: a store may be shared with others."""
        with kit.db.read() as tx:
            known = set(tx.values(_KNOWN))
        store = service.data.store
        for image in store.observe():
            if image in known:
                yield Belonging("image", image, functools.partial(store.delete, image))
