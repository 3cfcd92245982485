"""Prefer hosts whose servers are of images alike: one system's licences, or memory that is the same, on few hosts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import ClassVar, cast

from ....core.config import option
from ....core.drivers.filter import Host, Request
from ....core.drivers.weigher import Weigher, WeigherFacts
from .metrics import ratios

PREFIXES = ("hw_", "img_", "os_")


@dataclasses.dataclass(frozen=True)
class ImageOptions:
    """Options of the weigher of image properties."""

    multiplier: float = option(0.0, "how much this weigher counts; 0 turns it off, negative spreads alike servers")
    weight_setting: tuple[str, ...] = option((), "properties and their ratios: os_distro=2.0, ...; empty: all hw_, "
                                                 "img_ and os_ properties count alike")


class ImageProperties(Weigher):
    """Prefers hosts with more servers whose images have the same values of properties as the server's image."""

    Options = ImageOptions
    aggregate_key = "image_props_weight_multiplier"
    reads_images: ClassVar[bool] = True

    def open(self) -> None:
        """Read the ratios, so that a mistake shows at the start."""
        ratios(cast(ImageOptions, self.options).weight_setting)

    def facts(self) -> WeigherFacts:
        """What it prefers."""
        return WeigherFacts("Hosts with more servers of images alike, or with fewer by a negative multiplier.")

    def relevant(self, request: Request) -> bool:
        """Only when the image has a property that counts."""
        return bool(self._counting(request))

    def _counting(self, request: Request) -> dict[str, float]:
        """How much a server counts with each ``name=value`` of the image."""
        wanted = ratios(cast(ImageOptions, self.options).weight_setting)
        return {f"{name}={value}": wanted.get(name, 0.0) if wanted else 1.0
                for name, value in request.image_properties.items()
                if (name in wanted if wanted else name.startswith(PREFIXES))}

    def weights(self, hosts: Sequence[Host], request: Request) -> Sequence[float]:
        """Matches of each property times its ratio, summed."""
        counting = self._counting(request)
        return [sum(host.images.get(words, 0) * ratio for words, ratio in counting.items()) for host in hosts]
