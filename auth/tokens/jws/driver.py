"""Signed tokens: readable by anybody, made by nobody but identity, checked by all who know its public keys."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from ....core.config import option
from ....core.drivers.token import Published, TokenFacts, TokenFormat, TokenPayload
from ....core.errors import Unauthorized
from ....core.key_folder import Stamp
from .claims import from_claims, to_claims
from .repository import Repository
from .signature import LONGEST_BYTES, Unfit, header, jwk, key_id, sign, verified

CHECK_EVERY_S = 1.0


@dataclasses.dataclass(frozen=True)
class JwsOptions:
    """Options of ``[tokens.jws]``."""

    key_repository: str = option("", "folder of the keys, which identity processes share; empty: a state folder")
    max_active_keys: int = option(3, "public keys kept after a rotation: the next, the current and retired ones")


class Jws(TokenFormat, Published):
    """Tokens signed with ES256 (RFC 7515, 7518, 7519) and a folder of keys.

    The folder is looked at once a second at most, and whenever a token of an unknown key comes, so that a
    rotation needs no restart of anything.
    """

    Options = JwsOptions

    def open(self) -> None:
        """Make the folder and its first keys at need, and read them."""
        folder = Path(self.options.key_repository) if self.options.key_repository else self.surroundings.state_dir
        self._repository = Repository(folder, self.clock, self.options.max_active_keys)
        self._repository.prepare()
        self._lock = threading.Lock()
        self._checked = 0.0
        self._stamp: Stamp = ()
        self._load()

    def facts(self) -> TokenFacts:
        return TokenFacts(offline=True, longest_bytes=LONGEST_BYTES)

    def issue(self, payload: TokenPayload) -> str:
        self._refresh()
        head, key = self._current
        text = sign(head, to_claims(payload), key)
        if len(text) > LONGEST_BYTES and payload.bearer is not None:
            text = sign(head, to_claims(msgspec.structs.replace(payload, bearer=None)), key)
        return text

    def read(self, text: str) -> TokenPayload:
        try:
            return from_claims(verified(text, self._key))
        except Unfit as exc:
            raise Unauthorized() from exc

    def rotate(self) -> None:
        self._repository.rotate()
        self._load()

    def public_keys(self) -> Sequence[Mapping[str, str]]:
        self._refresh()
        return self._told

    def _key(self, head: str) -> ec.EllipticCurvePublicKey | None:
        found = self._public.get(head)
        if found is None and self._refresh(at_once=True):
            found = self._public.get(head)
        return found

    def _refresh(self, at_once: bool = False) -> bool:
        """Read the keys again if the folder changed; tell whether it had."""
        now = self.clock.monotonic()
        if not at_once and now - self._checked < CHECK_EVERY_S:
            return False
        self._checked = now
        if self._repository.stamp() == self._stamp:
            return False
        self._load()
        return True

    def _load(self) -> None:
        with self._lock:
            self._checked = self.clock.monotonic()
            self._stamp = self._repository.stamp()
            current = self._repository.current()
            keys = {key_id(key): key for key in self._repository.public()}
            self._public = {header(kid): key for kid, key in keys.items()}
            self._told = tuple({**jwk(key), "kid": kid} for kid, key in keys.items())
            self._current = (header(key_id(current.public_key())), current)
