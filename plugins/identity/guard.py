"""The guard at the door: how many failed logins of one user, and from one address, are answered before it waits.

Only failures count, so clients that log in all day are not concerned. Each process counts by itself and forgets when it
ends: what must hold across processes is the lock of an account, which the directory keeps.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...core.clock import Clock
from ...core.errors import BadConfiguration, RateLimited, Unauthorized

WINDOW_S = 60.0
MOST = 20_000
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SECRETS = ("password", "totp", "application_credential")
"""The methods by which somebody can guess."""


class Buckets:
    """A bucket of allowed failures for each key, which fills again within a minute.

    At most ``MOST`` keys are kept. The full ones go first, then those that were touched longest ago; who floods this
    with keys is found by address.
    """

    def __init__(self, clock: Clock, size: int) -> None:
        self._clock = clock
        self._size = size
        self._known: dict[bytes, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def wait_s(self, key: bytes) -> float:
        """Seconds until one more failure is allowed; 0 when it is now."""
        if not self._size or key not in self._known:
            return 0.0
        left = self._left(key)
        return 0.0 if left >= 1 else (1 - left) * WINDOW_S / self._size

    def take(self, key: bytes) -> None:
        """Count a failure."""
        if not self._size:
            return
        with self._lock:
            left = self._left(key)
            self._known.pop(key, None)
            if len(self._known) >= MOST:
                self._make_room()
            self._known[key] = (max(0.0, left - 1), self._clock.monotonic())

    def _left(self, key: bytes) -> float:
        left, at = self._known.get(key, (float(self._size), 0.0))
        return min(float(self._size), left + (self._clock.monotonic() - at) * self._size / WINDOW_S)

    def _make_room(self) -> None:
        full = [key for key in self._known if self._left(key) >= self._size]
        for key in full or list(self._known)[:MOST // 10]:
            del self._known[key]


class Guard:
    """Refuses logins for a while when too many failed. Any thread may call.

    :raises BadConfiguration: an address or network given cannot be read.
    """

    def __init__(self, clock: Clock, options: Any) -> None:
        self._users = Buckets(clock, options.login_failures_per_user)
        self._addresses = Buckets(clock, options.login_failures_per_address)
        self._proxies = _networks(options.trusted_proxies)
        self._unlimited = _networks(options.unlimited_addresses)

    @contextlib.contextmanager
    def watched(self, address: str, users: Sequence[str]) -> Iterator[None]:
        """Surrounds an attempt from ``address`` to be one of ``users``, known or not, by some secret.

        :raises RateLimited: too many failed lately; it says when to come again, and of nobody that it exists.
        """
        kept = [(self._users, _key(user)) for user in users]
        if address and not _among(address, self._unlimited):
            kept.append((self._addresses, _key(address)))
        wait_s = max((buckets.wait_s(key) for buckets, key in kept), default=0.0)
        if wait_s > 0:
            raise RateLimited("Too many failed logins; try again later.", retry_after_s=math.ceil(wait_s))
        try:
            yield
        except Unauthorized:
            if users:
                for buckets, key in kept:
                    buckets.take(key)
            raise

    def address(self, peer: str, forwarded: str) -> str:
        """Where a request comes from: ``peer``, or behind proxies that are trusted what ``X-Forwarded-For`` says.

        Of that only what trusted proxies wrote counts: the last address that is none of theirs.
        """
        found = peer
        for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
            if not _among(found, self._proxies):
                break
            found = hop
        return _canonical(found)


def claimed(identity: Mapping[str, Any]) -> list[str]:
    """Whom an object ``identity`` of the API claims to be by some secret, in words that differ for different users."""
    found = []
    for method in SECRETS:
        given = identity.get(method)
        if method not in identity.get("methods", ()) or not isinstance(given, Mapping):
            continue
        user = given.get("user", {}) if isinstance(given.get("user", {}), Mapping) else {}
        found.append(f"credential {given['id']}" if "id" in given else named(user))
    return found


def named(user: Mapping[str, Any]) -> str:
    """One user as named by id, or by name and domain."""
    if "id" in user:
        return f"id {user['id']}"
    domain = user.get("domain")
    where = sorted(domain.items()) if isinstance(domain, Mapping) else ""
    return f"name {user.get('name')} {where}"


def _networks(texts: Sequence[str]) -> list[Network]:
    try:
        return [ipaddress.ip_network(text, strict=False) for text in texts]
    except ValueError as exc:
        raise BadConfiguration(f"[identity]: {exc}") from exc


def _among(address: str, networks: Sequence[Network]) -> bool:
    if not networks:
        return False
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)


def _canonical(address: str) -> str:
    """An IPv6 address by its network of 64 bits, as whoever has one address has them all."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False).network_address)
    return str(found)


def _key(text: str) -> bytes:
    """A key of one length, however long the name is that somebody sends."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
