"""Signed tokens: readable by anybody, made by nobody but identity, checked by all who know its public keys."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from ....core.config import option
from ....core.drivers.token import Published, TokenFacts, TokenFormat, TokenPayload
from ....core.errors import Unauthorized
from ....core.key_folder import WatchedKeys
from .claims import from_claims, to_claims
from .repository import Repository
from .signature import LONGEST_BYTES, Unfit, header, jwk, key_id, sign, verified


class Keys(NamedTuple):
    """The key that signs with the header it does so under, and the public keys by header and as they are told."""

    head: str
    current: ec.EllipticCurvePrivateKey
    public: Mapping[str, ec.EllipticCurvePublicKey]
    told: Sequence[Mapping[str, str]]



@dataclasses.dataclass(frozen=True)
class JwsOptions:
    """Options of ``[tokens.jws]``."""

    key_repository: str = option("", "folder of the keys, which identity processes share; empty: a state folder")
    max_active_keys: int = option(3, "public keys kept after a rotation: the next, the current and retired ones")


class Jws(TokenFormat, Published):
    """Tokens signed with ES256 (RFC 7515, 7518, 7519) and a folder of keys.

    The folder is looked at four times a second at most, and whenever a token of an unknown key comes, so that a
    rotation needs no restart of anything.
    """

    Options = JwsOptions

    def open(self) -> None:
        """Make the folder and its first keys at need, and read them."""
        folder = Path(self.options.key_repository) if self.options.key_repository else self.surroundings.state_dir
        self._repository = Repository(folder, self.clock, self.options.max_active_keys)
        self._repository.prepare()
        self._keys = WatchedKeys(self._repository, self.clock, self._read_keys)

    def facts(self) -> TokenFacts:
        return TokenFacts(offline=True, longest_bytes=LONGEST_BYTES)

    def issue(self, payload: TokenPayload) -> str:
        keys = self._keys.known()
        text = sign(keys.head, to_claims(payload), keys.current)
        if len(text) > LONGEST_BYTES and payload.bearer is not None:
            text = sign(keys.head, to_claims(msgspec.structs.replace(payload, bearer=None)), keys.current)
        return text

    def read(self, text: str) -> TokenPayload:
        try:
            return from_claims(verified(text, self._key))
        except Unfit as exc:
            raise Unauthorized() from exc

    def rotate(self) -> None:
        self._repository.rotate()
        self._keys.look()

    def public_keys(self) -> Sequence[Mapping[str, str]]:
        return self._keys.known().told

    def _key(self, head: str) -> ec.EllipticCurvePublicKey | None:
        keys: Keys | None = self._keys.known()
        while keys and head not in keys.public:
            keys = self._keys.newer(keys)
        return keys.public[head] if keys else None

    def _read_keys(self) -> Keys:
        current = self._repository.current()
        public = {key_id(key): key for key in self._repository.public()}
        return Keys(header(key_id(current.public_key())), current, {header(kid): key for kid, key in public.items()},
                    tuple({**jwk(key), "kid": kid} for kid, key in public.items()))
