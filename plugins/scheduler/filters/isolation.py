"""Keep some hosts for some images, projects or flavors."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import cast

from ....core.config import option
from ....core.drivers.filter import FilterFacts, Host, HostFilter, Request


@dataclasses.dataclass(frozen=True)
class IsolatedOptions:
    """Options of the filter of isolated images and hosts."""

    isolated_images: tuple[str, ...] = option((), "ids of images whose servers go to isolated hosts only")
    isolated_hosts: tuple[str, ...] = option((), "names of hosts for servers of isolated images")
    restrict_hosts: bool = option(True, "isolated hosts take servers of isolated images only")


class IsolatedHosts(HostFilter):
    """Servers of isolated images go to isolated hosts, and, if the options say so, no others do."""

    Options = IsolatedOptions

    def facts(self) -> FilterFacts:
        """It reads the image's id."""
        return FilterFacts("Hosts set apart for the image, or hosts that are not set apart.")

    def relevant(self, request: Request) -> bool:
        """Only when some hosts are set apart."""
        return bool(cast(IsolatedOptions, self.options).isolated_hosts)

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether image and host belong to the same side."""
        options = cast(IsolatedOptions, self.options)
        wants, is_one = request.image_id in options.isolated_images, host.host in options.isolated_hosts
        return is_one if wants else not (is_one and options.restrict_hosts)

    def complaint(self, host: Host, request: Request) -> str:
        """Which side it is on."""
        wanted = request.image_id in cast(IsolatedOptions, self.options).isolated_images
        return "it is not set apart for the image" if wanted else "it is set apart for other images"


class AggregateMultiTenancyIsolation(HostFilter):
    """A host in aggregates with ``filter_tenant_id`` takes these projects only; the key may have any suffix."""

    key = "filter_tenant_id"

    def facts(self) -> FilterFacts:
        """It reads the project."""
        return FilterFacts("Hosts that no aggregate keeps for other projects.")

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether nobody, or this project, is named."""
        named = set(self._named(host))
        return not named or request.project_id in named

    def _named(self, host: Host) -> Iterator[str]:
        for one in host.aggregates:
            for key, text in one.metadata.items():
                if key.startswith(self.key):
                    yield from (word.strip() for word in text.split(","))

    def complaint(self, host: Host, request: Request) -> str:
        """That others are named."""
        return "its aggregates keep it for other projects"


class AggregateTypeAffinity(HostFilter):
    """A host in aggregates with ``instance_type`` takes flavors of these names only."""

    key = "instance_type"

    def facts(self) -> FilterFacts:
        """It reads the flavor's name."""
        return FilterFacts("Hosts that no aggregate keeps for other flavors.")

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether nothing, or this flavor, is named."""
        named = {word.strip() for one in host.aggregates if self.key in one.metadata
                 for word in one.metadata[self.key].split(",")}
        return not named or request.flavor_name in named

    def complaint(self, host: Host, request: Request) -> str:
        """That others are named."""
        return "its aggregates keep it for other flavors"


@dataclasses.dataclass(frozen=True)
class ImageIsolationOptions:
    """Options of the filter of images by aggregates."""

    namespace: str = option("", "metadata of aggregates are compared only where their keys begin so; empty: all")
    separator: str = option(".", "what stands between namespace and key")


class AggregateImagePropertiesIsolation(HostFilter):
    """An image's properties are among the values that the host's aggregates have under the same keys."""

    Options = ImageIsolationOptions

    def facts(self) -> FilterFacts:
        """It reads all image properties."""
        return FilterFacts("Hosts whose aggregates' metadata hold the image's properties.", image_properties=("*",))

    def passes(self, host: Host, request: Request) -> bool:
        """Tell whether each key that both have has a value in common."""
        return not self._missed(host, request)

    def _missed(self, host: Host, request: Request) -> str:
        options = cast(ImageIsolationOptions, self.options)
        prefix = options.namespace + options.separator if options.namespace else ""
        for one in host.aggregates:
            for key, text in one.metadata.items():
                if key.startswith(prefix) and key in request.image_properties and str(
                        request.image_properties[key]) not in [word.strip() for word in text.split(",")]:
                    return key
        return ""

    def complaint(self, host: Host, request: Request) -> str:
        """The first key whose values differ."""
        return f"its aggregates hold other values of {self._missed(host, request)}"
