"""What all service interfaces share: they are found by kind, here or in another process."""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar, cast

from ..errors import BackendBusy

S = TypeVar("S", bound="ServiceInterface")


class ServiceInterface(abc.ABC):
    """Base of the interfaces in this package. ``service`` is the slice's name.

    Each method takes a Context first and further values that are plain: texts, numbers,
    lists, mappings, and the structs of this package. So each can travel over the bus.
    Iterables of bytes travel, too: they are fetched piece by piece from where they are.
    """

    service: ClassVar[str]
    api: ClassVar[tuple[int, int]] = (1, 0)


class Peers:
    """The services this process can talk to: those it hosts, and proxies for the rest."""

    def __init__(self) -> None:
        self._local: dict[str, Any] = {}
        self.remote: Callable[[type[Any]], Any] | None = None

    def add(self, name: str, service: object) -> None:
        """Make a hosted service known under its slice's name."""
        self._local[name] = service

    def of(self, kind: type[S]) -> S:
        """The service of interface ``kind``. :raises BackendBusy: nobody offers it."""
        found = self._local.get(kind.service)
        if found is None:
            if self.remote is None:
                raise BackendBusy(f"the {kind.service} service is not available")
            found = self._local[kind.service] = self.remote(kind)
        return cast(S, found)

    def local(self) -> Mapping[str, Any]:
        """The hosted services by name."""
        return dict(self._local)
