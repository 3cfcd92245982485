"""The servers of a directory: which is asked, what is done when one does not answer, and how it is trusted."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Sequence
from pathlib import Path

from ...core.clock import Clock
from ...core.errors import BackendBusy, BackendFailed, BadConfiguration
from .link import Link, Lost, Turned
from .options import LdapOptions
from .probe import shake_hands

RETRY_S = 1.0
CERTIFICATES = ("*.pem", "*.crt")


class Servers:
    """Makes connections to the first server that answers; one that failed is asked last for a while.

    While all of them are known not to answer, callers are told so at once but for one try a second: a directory that
    is gone must not tie up the threads of the service.
    """

    def __init__(self, options: LdapOptions, clock: Clock, log: logging.Logger, run_dir: Path) -> None:
        if not options.url:
            raise BadConfiguration("[identity.ldap] url names no server")
        self._options = options
        self._clock = clock
        self._log = log
        self._dead: dict[str, float] = {}
        self._lock = threading.Lock()
        self._authorities = self._trusted(run_dir)
        self.operations: dict[str, int] = {}
        """How many operations of each kind were sent so far."""
        self._warn()

    @property
    def short_s(self) -> float:
        """Seconds for a lookup or bind: with another server to go to, patience is short."""
        return self._options.fail_over_s if len(self._options.url) > 1 else self._options.timeout_s

    def connect(self, dn: str, password: str) -> Link:
        """A new connection, bound as ``dn`` where one is given.

        :raises BackendBusy: no server answers. :raises BackendFailed: one answers and does not let ``dn`` in.
        """
        for url in self._order():
            try:
                return self._connected(url, dn, password)
            except Lost as exc:
                self.failed(url, exc)
            except Turned as exc:
                self._log.error("%s does not let %s in: %s", url, dn, exc)
                raise BackendFailed("the directory does not let the service in") from exc
        raise BackendBusy("the directory cannot be reached just now", retry_after_s=5)

    def _connected(self, url: str, dn: str, password: str) -> Link:
        if self._options.use_tls or url.startswith("ldaps:"):
            try:
                shake_hands(url, self._options.use_tls, self._options.connect_timeout_s, self._clock)
            except OSError as exc:
                raise Lost(f"no TLS handshake: {exc}") from exc
        link = Link(url, self._options, self._authorities, self._count)
        try:
            # The first operation opens the connection: an anonymous bind says whether anybody is there.
            link.bind(dn, password, self._options.connect_timeout_s)
        except (Lost, Turned):
            link.close()
            raise
        with self._lock:
            self._dead.pop(url, None)
        return link

    def failed(self, url: str, why: Exception) -> None:
        """Remember that a server did not answer."""
        with self._lock:
            first = url not in self._dead
            self._dead[url] = self._clock.monotonic()
        if first:
            self._log.warning("%s does not answer (%s); it is tried last for %g s", url, why, self._options.dead_for_s)

    def _order(self) -> Sequence[str]:
        urls = list(self._options.url)
        if self._options.randomize_urls:
            self._clock.random().shuffle(urls)
        now = self._clock.monotonic()
        with self._lock:
            died = {url: self._dead[url] for url in urls if url in self._dead
                    and now - self._dead[url] < self._options.dead_for_s}
            if len(died) == len(set(urls)):
                urls = [url for url in urls if now - died[url] >= RETRY_S]
                # Whoever comes meanwhile is answered without waiting.
                self._dead.update(dict.fromkeys(urls, now))
        return sorted(urls, key=lambda url: url in died)

    def _count(self, operation: str) -> None:
        with self._lock:
            self.operations[operation] = self.operations.get(operation, 0) + 1

    def _trusted(self, run_dir: Path) -> str:
        """The file with the authorities; libldap made with GnuTLS reads no folders, so those are joined to one."""
        options = self._options
        if options.tls_cacertfile and not Path(options.tls_cacertfile).is_file():
            raise BadConfiguration(f"[identity.ldap] tls_cacertfile: {options.tls_cacertfile} is no file")
        if not options.tls_cacertdir:
            return options.tls_cacertfile or ssl.get_default_verify_paths().cafile or ""
        folder = Path(options.tls_cacertdir)
        files = sorted(file for pattern in CERTIFICATES for file in folder.glob(pattern))
        if not files:
            raise BadConfiguration(f"[identity.ldap] tls_cacertdir: {folder} holds no {' or '.join(CERTIFICATES)}")
        if options.tls_cacertfile:
            files.append(Path(options.tls_cacertfile))
        run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        joined = run_dir / "authorities.pem"
        joined.write_text("\n".join(file.read_text() for file in files))
        return str(joined)

    def _warn(self) -> None:
        for url in self._options.url:
            if not self._options.use_tls and url.startswith("ldap:"):
                self._log.warning("%s: passwords are sent in clear text; set use_tls = true or use ldaps://", url)
        if self._options.tls_req_cert != "demand":
            self._log.warning("tls_req_cert = %s: ANYBODY between this host and the directory can read and change what "
                              "they say, passwords included", self._options.tls_req_cert)
