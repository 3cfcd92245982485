"""The judgement of tokens: remembered, made by oneself from a signature, or asked for."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric import ec

from ...core.clock import Clock
from ...core.drivers.token import TokenPayload
from ...core.errors import BackendBusy, Unauthorized
from ..tokens.jws.claims import from_claims
from ..tokens.jws.signature import Unfit, from_jwk, header, key_id, verified
from .bearer import AccessRule, Identified, of_body, of_payload
from .identity import Identity
from .memory import Verdict, memory
from .revocations import RevocationList, Standing
from .settings import Settings

LONGEST = 8192
RETRY_S = 5.0
"""Least time between two looks for the key of a token that nobody knows."""


class Keys:
    """Identity's public keys, fetched at first use, from time to time, and when a token of an unknown key comes."""

    def __init__(self, settings: Settings, clock: Clock, identity: Identity) -> None:
        self._clock = clock
        self._identity = identity
        self._interval_s = settings.keys_interval_s
        self._known: dict[str, ec.EllipticCurvePublicKey] = {}
        self._fetched = self._tried = -max(self._interval_s, RETRY_S)
        self._lock = threading.Lock()

    def key(self, head: str) -> ec.EllipticCurvePublicKey | None:
        """The key that a header names, or none. :raises BackendBusy: identity was never heard of keys."""
        now = self._clock.monotonic()
        stale = now - self._fetched >= self._interval_s
        if (stale or head not in self._known) and now - self._tried >= RETRY_S:
            self._fetch(now)
        return self._known.get(head)

    def _fetch(self, now: float) -> None:
        with self._lock:
            if self._clock.monotonic() - self._tried < RETRY_S:
                return
            self._tried = now
            try:
                told = self._identity.keys()
            except BackendBusy:
                if not self._known:
                    self._tried = -RETRY_S
                    raise
                return
            known = {}
            for one in told:
                try:
                    key = from_jwk(one)
                except Unfit:
                    continue
                known[header(key_id(key))] = key
            self._known, self._fetched = known, now


class Judge:
    """Judges tokens. Any thread may call; a call may ask identity, and blocks as long as that does."""

    def __init__(self, settings: Settings, clock: Clock, identity: Identity | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._identity = identity or Identity(settings)
        self._keys = Keys(settings, clock, self._identity)
        self._memory = memory(settings, clock)
        self.revocations = RevocationList(clock, self._identity.revocations, settings.revocation_interval_s,
                                          settings.revocation_patience_s)

    def close(self) -> None:
        """Close the connections to identity and to memcached."""
        self._identity.close()
        self._memory.close()

    def judge(self, token: str, allow_expired: bool = False) -> Identified:
        """Who bears a token.

        :raises Unauthorized: it is none that is good.
        :raises BackendBusy: only identity knows, and it cannot be asked.
        """
        if not token or len(token) > LONGEST or not token.isascii() or not token.isprintable():
            raise Unauthorized()
        self.revocations.refresh()
        known = self._memory.get(token)
        if known is None or not self._holds(known):
            known = self._found(token)
        if known.identified is None or self._is_over(known.identified):
            if not allow_expired:
                raise Unauthorized()
            return self._online(token, allow_expired=True)
        return known.identified

    def _holds(self, known: Verdict) -> bool:
        """Tell whether a verdict may be believed still."""
        age = self._clock.time() - known.at
        if known.epoch != self.revocations.epoch or not 0 <= age < self._settings.cache_s:
            return False
        if known.identified is None:
            return age < self._settings.refused_s
        return self._standing(known.identified, known.number) is Standing.GOOD

    def _standing(self, one: Identified, number: int = -1) -> Standing:
        return self.revocations.standing(one.subjects, one.issued_at, number)

    def _is_over(self, one: Identified) -> bool:
        return one.expires_at <= self._clock.time()

    def _found(self, token: str) -> Verdict:
        number, epoch = self.revocations.number, self.revocations.epoch
        try:
            found = self._offline(token) or self._online(token)
        except Unauthorized:
            found = None
        verdict = Verdict(identified=found, number=number, epoch=epoch, at=self._clock.time())
        self._memory.keep(token, verdict)
        return verdict

    def _offline(self, token: str) -> Identified | None:
        """What a signed token says by itself; none where identity must be asked.

        :raises Unauthorized: it is signed, but not by identity, or was revoked.
        """
        if not self._settings.offline or self._settings.include_service_catalog or token.count(".") != 2:
            return None
        try:
            payload: TokenPayload = from_claims(verified(token, self._keys.key))
        except Unfit as exc:
            raise Unauthorized() from exc
        found = of_payload(payload)
        if found is None:
            return None
        standing = self._standing(found)
        if standing is Standing.REVOKED:
            raise Unauthorized()
        return found if standing is Standing.GOOD else None

    def _online(self, token: str, allow_expired: bool = False) -> Identified:
        try:
            return of_body(self._identity.validate(token, allow_expired))
        except (KeyError, TypeError, ValueError) as exc:
            raise BackendBusy("identity gave an answer that cannot be read") from exc


def allowed(rules: Sequence[AccessRule], service: str, method: str, path: str) -> bool:
    """Tell whether access rules let a request pass. In their paths ``*`` and ``{name}`` stand for one part, ``**`` for
    any number of parts. A path that leads back up (``..``) is matched by none."""
    if not {".", ".."}.isdisjoint(path.split("/")):
        return False
    return any(rule.service == service and rule.method.upper() == method.upper() and _matches(rule.path, path)
               for rule in rules)


def _matches(pattern: str, path: str) -> bool:
    parts = re.split(r"(\*\*|\*|\{[^{}/]*\})", pattern)
    return re.fullmatch("".join(_piece(part) for part in parts), path) is not None


def _piece(part: str) -> str:
    if part == "**":
        return ".*"
    return "[^/]+" if part == "*" or part[:1] == "{" else re.escape(part)
