"""The directories of single domains as they run here: one driver a domain, made when it is first needed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Protocol

import msgspec

from ...core.config import Configuration
from ...core.drivers.base import Surroundings, make
from ...core.drivers.identity import Identity
from ...core.errors import BackendFailed, BadConfiguration, NoSuchDriver
from ...core.plugins import Registry
from ...core.process.slice import Kit


class Wanted(msgspec.Struct, frozen=True):
    """The backend of a domain, and its options as texts."""

    backend: str
    options: Mapping[str, str]


class Source(Protocol):
    """Who says which backend a domain has."""

    def of(self, domain_id: str) -> Wanted | None:
        """The backend of a domain's own, or none."""


class Outside:
    """The drivers, each made anew when what its domain is told has changed."""

    def __init__(self, kit: Kit, registry: Registry[Identity], source: Source) -> None:
        self._kit = kit
        self._registry = registry
        self._source = source
        self._lock = threading.Lock()
        self._made: dict[str, tuple[Wanted, Identity | None]] = {}

    def of(self, domain_id: str) -> Identity | None:
        """The directory of a domain's own; none for a domain that is in the backend of all.

        :raises BackendFailed: it has one that cannot be used as it is configured; the log says why.
        """
        wanted = self._source.of(domain_id)
        if wanted is None:
            return None
        known = self._made.get(domain_id)
        if known is None or known[0] != wanted:
            known = self._renewed(domain_id, wanted)
        if known[1] is None:
            raise BackendFailed("the directory of this domain cannot be used as it is configured")
        return known[1]

    def has(self, domain_id: str) -> bool:
        """Tell whether a domain has a directory of its own, be it of use or not."""
        return self._source.of(domain_id) is not None

    def _renewed(self, domain_id: str, wanted: Wanted) -> tuple[Wanted, Identity | None]:
        with self._lock:
            known = self._made.get(domain_id)
            if known is None or known[0] != wanted:
                if known is not None and known[1] is not None:
                    known[1].close()
                known = self._made[domain_id] = wanted, self._opened(domain_id, wanted)
            return known

    def _opened(self, domain_id: str, wanted: Wanted) -> Identity | None:
        section = f"identity.{wanted.backend}"
        log = self._kit.log.getChild(f"{section}.{domain_id}")
        # The domain's id may have been chosen by an administrator: it is a part of a path only where it is a word.
        folder = f"{section}.{domain_id if domain_id.isalnum() else domain_id.encode().hex()}"
        surroundings = Surroundings(clock=self._kit.clock, log=log, state_dir=self._kit.state_dir / folder,
                                    run_dir=self._kit.run_dir / folder, host=self._kit.host,
                                    executor=self._kit.executor)
        try:
            driver = make(self._registry.load(wanted.backend), section, Configuration({section: wanted.options}, {}),
                          surroundings)
            driver.open()
        except (BadConfiguration, NoSuchDriver) as exc:
            log.error("domain %s: %s", domain_id, exc)
            return None
        return driver

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            for _, driver in self._made.values():
                if driver is not None:
                    driver.close()
            self._made.clear()
