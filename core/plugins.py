"""Registries of plugins: one entry-point group each, loaded lazily, checked when loaded."""

from __future__ import annotations

import functools
import importlib.metadata
import inspect
from collections.abc import Iterator
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

from stevedore import DriverManager
from stevedore.exception import NoMatches

from .config import nearest
from .errors import NoSuchDriver

PREFIX = "stratolith."
D = TypeVar("D")


class Versioned(Protocol):
    """What every plugin interface has: the version its classes were written against."""

    api: ClassVar[tuple[int, int]]


@functools.cache
def _installed() -> importlib.metadata.EntryPoints:
    """All that is installed: reading it takes as long as loading a plugin, so it is read once.

    Python 3.11 gives another type, which has the same ``select``.
    """
    return cast(importlib.metadata.EntryPoints, importlib.metadata.entry_points())


@functools.cache
def _entry_points(group: str) -> tuple[importlib.metadata.EntryPoint, ...]:
    return tuple(sorted(_installed().select(group=group), key=lambda point: point.name))


class Registry(Generic[D]):
    """One entry-point group, ``stratolith.<group>``. Names are free; code is imported on first use.

    ``kind`` is the interface that every plugin of the group subclasses.
    """

    def __init__(self, group: str, kind: type[D]) -> None:
        self.group = PREFIX + group
        self.kind = kind
        self._loaded: dict[str, type[D]] = {}

    def names(self) -> list[str]:
        """The installed names, sorted; nothing is imported."""
        return [point.name for point in _entry_points(self.group)]

    def points(self) -> Iterator[importlib.metadata.EntryPoint]:
        """The entry points themselves, for listings."""
        yield from _entry_points(self.group)

    def load(self, name: str) -> type[D]:
        """The plugin class ``name``, imported and checked.

        :raises NoSuchDriver: it is unknown, cannot be imported, is of another interface or
            another major version, or lacks a verb; the message says which.
        """
        known = self._loaded.get(name)
        if known is not None:
            return known
        if name not in self.names():
            raise NoSuchDriver(f"{self.group} has no plugin {name!r}{nearest(name, self.names())} "
                               f"(installed: {', '.join(self.names()) or 'none'})")
        try:
            found: Any = DriverManager(self.group, name, on_load_failure_callback=_raise).driver
        except NoMatches as exc:
            raise NoSuchDriver(f"{self.group} plugin {name!r} cannot be loaded: {exc}") from exc
        self._check(name, found)
        self._loaded[name] = cast(type[D], found)
        return self._loaded[name]

    def _check(self, name: str, found: Any) -> None:
        if not (inspect.isclass(found) and issubclass(found, self.kind)):
            raise NoSuchDriver(f"{self.group} plugin {name!r} is no {self.kind.__name__}")
        wanted, has = cast(Versioned, self.kind).api, cast(Versioned, found).api
        if wanted[0] != has[0]:
            raise NoSuchDriver(f"{self.group} plugin {name!r} is written for version {has[0]} of the "
                               f"interface {self.kind.__name__}; this is version {wanted[0]}")
        missing = sorted(getattr(found, "__abstractmethods__", ()))
        if missing:
            raise NoSuchDriver(f"{self.group} plugin {name!r} lacks {', '.join(missing)}")


def _raise(manager: object, point: importlib.metadata.EntryPoint, error: BaseException) -> None:
    extras = ",".join(point.extras)
    package = point.dist.name if point.dist is not None else "stratolith"
    message = f"{point.group} plugin {point.name!r} cannot be imported: {error}"
    if isinstance(error, ImportError) and extras:
        raise NoSuchDriver(f"{message}; try: pip install '{package}[{extras}]'", extra=extras) from error
    raise NoSuchDriver(message) from error
