"""The image slice: Image API v2 over any image store."""

from __future__ import annotations

from ...core.drivers.image_store import ImageStore
from ...core.plugins import Registry
from ...core.process.slice import Kit, Slice
from ...core.services.base import ServiceInterface
from ...core.services.image import ImageService
from .api import API
from .options import ImageOptions
from .rules import RULES
from .service import Images
from .tables import SCHEMA
from .workflows import WORKFLOWS

STORES: Registry[ImageStore] = Registry("image_stores", ImageStore)
SWEEP_S = 60.0


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
