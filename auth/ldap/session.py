"""Work on connections: what fails because a server went away is done again with the next one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ...core.clock import Clock
from ...core.errors import BackendBusy
from .link import Entry, Link, Lost, Turned
from .options import LdapOptions
from .pool import Pool
from .servers import Servers

T = TypeVar("T")


class Session:
    """Searches as the service, and binds of users on connections of their own, which are used for nothing else."""

    def __init__(self, options: LdapOptions, servers: Servers, clock: Clock) -> None:
        self._options = options
        self._servers = servers
        self._clock = clock
        self._searching = Pool(options.pool_size, options.pool_lifetime_s, options.timeout_s, clock,
                               lambda: servers.connect(options.user, options.password))
        self._proving = Pool(options.auth_pool_size, options.auth_pool_lifetime_s, options.timeout_s, clock,
                             lambda: servers.connect("", ""))
        self._failure_s = 0.0

    def close(self) -> None:
        """Close all connections."""
        self._searching.close()
        self._proving.close()

    def lookup(self, base: str, scope: str, filter: str, attributes: Sequence[str]) -> list[Entry]:
        """A search that is answered at once wherever its attributes are indexed."""
        return self.run(lambda link: link.search(base, scope, filter, attributes, self._servers.short_s))

    def search(self, base: str, scope: str, filter: str, attributes: Sequence[str]) -> list[Entry]:
        """A search that may take its time."""
        return self.run(lambda link: link.search(base, scope, filter, attributes, self._options.timeout_s))

    def run(self, work: Callable[[Link], T]) -> T:
        """``work`` on a connection of the service.

        :raises BackendBusy: no server answers.
        """
        return self._tried(self._searching, work)

    def proves(self, dn: str, password: str) -> bool:
        """Tell whether ``password`` is that of ``dn``."""
        begun = self._clock.monotonic()
        if self._bound(dn, password):
            return True
        self._failure_s = self._clock.monotonic() - begun
        return False

    def waste(self, base: str, password: str) -> None:
        """Cost what a wrong password costs: a bind that leads to nobody, and the rest of the time."""
        begun = self._clock.monotonic()
        self._bound(f"cn={self._clock.hex_id()},{base}", password or "-")
        self._clock.sleep(max(0.0, self._failure_s - (self._clock.monotonic() - begun)))

    def _bound(self, dn: str, password: str) -> bool:
        try:
            self._tried(self._proving, lambda link: link.bind(dn, password, self._servers.short_s))
        except Turned:
            return False
        return True

    def _tried(self, pool: Pool, work: Callable[[Link], T]) -> T:
        for _ in range(len(self._options.url) + 1):
            used: list[Link] = []
            try:
                with pool.link() as link:
                    used.append(link)
                    return work(link)
            except Lost as exc:
                for one in used:
                    # A connection that rested may be gone while its server is well: others to it are made anew.
                    self._searching.drop(one.url)
                    self._proving.drop(one.url)
                    if not str(exc).startswith("SERVER_DOWN"):
                        self._servers.failed(one.url, exc)
        raise BackendBusy("the directory cannot be reached just now", retry_after_s=5)
