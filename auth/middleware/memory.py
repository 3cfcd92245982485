"""What is remembered of tokens: bounded, and shared by a service's processes where there is a memcached."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import threading
from typing import Protocol

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from ...core.clock import Clock
from ...core.errors import BadConfiguration
from .bearer import Identified
from .settings import Settings

log = logging.getLogger("stratolith.middleware")


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a token: whose it is, or none where it was refused. ``number`` is that of the last change
    known when identity was asked, ``at`` the moment in seconds since the epoch."""

    identified: Identified | None
    number: int
    epoch: int
    at: float


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Verdict).decode


class Memory(Protocol):
    """Remembers verdicts by token; a verdict may be lost at any time."""

    def get(self, token: str) -> Verdict | None:
        """The verdict of a token, or none."""

    def keep(self, token: str, verdict: Verdict) -> None:
        """Remember a verdict."""

    def close(self) -> None:
        """Close the connections, where there are any."""


class Own(Memory):
    """The memory of one process, by digests of tokens: at most ``size`` of them, the oldest go first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._known: dict[bytes, Verdict] = {}
        self._lock = threading.Lock()

    def get(self, token: str) -> Verdict | None:
        return self._known.get(_digest(token))

    def keep(self, token: str, verdict: Verdict) -> None:
        key = _digest(token)
        with self._lock:
            self._known.pop(key, None)
            while len(self._known) >= self._size:
                del self._known[next(iter(self._known))]
            self._known[key] = verdict

    def close(self) -> None:
        with self._lock:
            self._known.clear()


class Shared(Memory):
    """A memory of one's own in front of a memcached.

    Keys there are keyed hashes of tokens, values are encrypted and signed: who reads memcached learns nothing,
    and who writes it makes nobody believed. What it is good for is bound to the token, too.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._own = Own(settings.cache_size)
        self._clock = clock
        self._lasts_s = int(settings.cache_s)
        secret = settings.memcache_secret_key.encode()
        self._key = hmac.digest(secret, b"key", "sha256")
        self._cipher = Fernet(base64.urlsafe_b64encode(hmac.digest(secret, b"value", "sha256")))
        self._client = _client(settings)

    def get(self, token: str) -> Verdict | None:
        known = self._own.get(token)
        if known is not None:
            return known
        key = self._place(token)
        sealed = self._asked(lambda: self._client.get(key))
        if sealed is None:
            return None
        try:
            data = self._cipher.decrypt(sealed)
            bound, verdict = data[:32], decode(data[32:])
        except (InvalidToken, msgspec.MsgspecError, TypeError):
            return None
        if not hmac.compare_digest(bound, _digest(token)):
            return None
        self._own.keep(token, verdict)
        return verdict

    def keep(self, token: str, verdict: Verdict) -> None:
        self._own.keep(token, verdict)
        if verdict.identified is not None:
            sealed = self._cipher.encrypt_at_time(_digest(token) + encode(verdict), int(self._clock.time()))
            self._asked(lambda: self._client.set(self._place(token), sealed, expire=self._lasts_s))

    def close(self) -> None:
        self._client.close()

    def _place(self, token: str) -> str:
        return "stratolith-" + hmac.new(self._key, token.encode(), hashlib.sha256).hexdigest()

    def _asked(self, call: _Call) -> bytes | None:
        """What memcached says; nothing when it is away, as it only saves time."""
        try:
            found = call()
        except OSError as exc:
            log.warning("memcached cannot be used: %s", exc)
            return None
        except Exception as exc:
            # pymemcache's errors have no base that is known without it.
            if not type(exc).__module__.startswith("pymemcache"):
                raise
            log.warning("memcached cannot be used: %s", exc)
            return None
        return found if isinstance(found, bytes) else None


class _Call(Protocol):
    def __call__(self) -> object: ...


class _Client(Protocol):
    def get(self, key: str) -> object: ...

    def set(self, key: str, value: bytes, expire: int) -> object: ...

    def close(self) -> object: ...


def memory(settings: Settings, clock: Clock) -> Memory:
    """The memory that the settings ask for. :raises BadConfiguration: pymemcache is not installed."""
    return Shared(settings, clock) if settings.memcached_servers else Own(settings.cache_size)


def _client(settings: Settings) -> _Client:
    try:
        from pymemcache.client.hash import HashClient
    except ImportError as exc:
        raise BadConfiguration("memcached needs pymemcache; try: pip install 'stratolith[memcached]'") from exc
    made: _Client = HashClient(list(settings.memcached_servers), use_pooling=True, ignore_exc=False,
                               connect_timeout=1, timeout=1, retry_attempts=1)
    return made


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
