"""Every kind of plugin this release knows: its entry-point group and its interface."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from typing import Any

from ..db.engine import DatabaseOptions
from ..drivers.assertion import AssertionSource
from ..drivers.backup import BackupDriver
from ..drivers.base import Driver
from ..drivers.bus import Bus
from ..drivers.fence import Fence
from ..drivers.filter import Filter
from ..drivers.hypervisor import Hypervisor
from ..drivers.identity import Identity
from ..drivers.image_store import ImageStore
from ..drivers.network import Network
from ..drivers.password_hash import PasswordHash
from ..drivers.token import TokenFormat
from ..drivers.volume import VolumeDriver
from ..drivers.weigher import Weigher
from ..errors import NoSuchDriver
from ..http.options import HttpOptions
from ..plugins import Registry
from ..process.bootstrap import EndpointOptions
from ..process.cloud import CloudOptions
from ..process.logs import LogOptions
from ..process.slice import SERVICES
from .command import COMMANDS

DRIVERS: dict[str, Registry[Any]] = {
    name: Registry(name, kind) for name, kind in {
        "hypervisors": Hypervisor, "networks": Network, "volumes": VolumeDriver, "backups": BackupDriver,
        "image_stores": ImageStore, "assertions": AssertionSource, "fences": Fence,
        "identity": Identity, "tokens": TokenFormat, "bus": Bus, "filters": Filter, "weighers": Weigher,
    }.items()}
NAMED = ("volumes", "policies")
"""Groups whose sections may bear names of an operator's own: ``[volumes.fast]`` is a back end, not a plugin."""
GROUPS: dict[str, Registry[Any]] = {"services": SERVICES, **DRIVERS,
                                    "password_hashes": Registry("password_hashes", PasswordHash), "commands": COMMANDS}
CORE_SECTIONS: dict[str, type] = {"cloud": CloudOptions, "http": HttpOptions, "log": LogOptions,
                                  "database": DatabaseOptions}


@dataclasses.dataclass(frozen=True)
class Plugin:
    """One installed plugin. ``error`` says why it cannot be loaded, or is empty."""

    group: str
    name: str
    distribution: str
    version: str
    api: str = ""
    facets: tuple[str, ...] = ()
    error: str = ""
    extra: str = ""
    """The extra of its distribution that it lacks, when that is why it cannot be loaded."""


def installed(group: str) -> Iterator[Plugin]:
    """The plugins of a group; each is loaded to see what it is."""
    registry = GROUPS[group]
    for point in registry.points():
        origin = point.dist
        made = Plugin(group, point.name, origin.name if origin else "?", origin.version if origin else "?")
        yield _looked_at(registry, made)


def _looked_at(registry: Registry[Any], plugin: Plugin) -> Plugin:
    try:
        found = registry.load(plugin.name)
    except NoSuchDriver as error:
        return dataclasses.replace(plugin, error=str(error), extra=str(error.facts.get("extra", "")))
    return dataclasses.replace(plugin, api=".".join(map(str, found.api)), facets=tuple(facets(registry.kind, found)))


def facets(interface: type, found: type) -> list[str]:
    """Names of the facets of its interface's module that a driver class has."""
    module = inspect.getmodule(interface)
    return sorted(name for name, one in vars(module).items()
                  if inspect.isclass(one) and one.__module__ == interface.__module__ and inspect.isabstract(one)
                  and one is not interface and not issubclass(one, Driver) and issubclass(found, one))


def sections(distribution: str = "") -> dict[str, type]:
    """Every section of options that this installation knows, by name; or only those of one distribution's drivers."""
    found = dict(CORE_SECTIONS)
    for name in SERVICES.names():
        found[f"database.{name}"] = DatabaseOptions
        found[f"endpoint.{name}"] = EndpointOptions
        found[name] = SERVICES.load(name).Options
        found.update(SERVICES.load(name).sections)
    for group, registry in DRIVERS.items():
        for point in registry.points():
            if distribution and (point.dist is None or point.dist.name != distribution):
                continue
            try:
                found[f"{group}.{point.name}"] = registry.load(point.name).Options
            except NoSuchDriver:
                continue
    return {name: options for name, options in found.items() if dataclasses.fields(options)}
