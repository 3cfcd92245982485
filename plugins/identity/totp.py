"""Passcodes of a moment (RFC 6238, with HMAC-SHA1, six digits and steps of 30 seconds)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from ...core.db.engine import Row
from ...core.errors import NotFound, Unauthorized
from .credentials import Credentials
from .methods import Naming, Proof, Request
from .store import Store
from .tables import credentials

STEP_S, DIGITS = 30, 6
SECRETS = (sa.select(credentials).where(credentials.c.user_id == sa.bindparam("user_id"), credentials.c.type == "totp")
           .order_by(credentials.c.id))
TAKE = credentials.update().where(
    credentials.c.id == sa.bindparam("credential"),
    sa.or_(credentials.c.used_step.is_(None), credentials.c.used_step < sa.bindparam("step"))
).values(used_step=sa.bindparam("step"))


class Totp:
    """The method ``totp``."""

    def __init__(self, store: Store, naming: Naming, secrets: Credentials) -> None:
        self._store = store
        self._naming = naming
        self._credentials = secrets

    def prove(self, given: Mapping[str, Any], request: Request) -> Proof:
        """The user that a passcode is of; a passcode counts once, and takes all before it with it.

        :raises Unauthorized: it is wrong, too old, or was used.
        """
        user_id = self._naming.user_id(given["user"])
        with self._store.db.read() as tx:
            rows = tx.rows(SECRETS, {"user_id": user_id})
        for row in rows:
            step = self._step(row, str(given["user"]["passcode"]))
            if step is not None and self._take(row.id, step):
                return Proof(user=self._store.backend.user(user_id), methods=("totp",))
        raise Unauthorized()

    def _step(self, row: Row, code: str) -> int | None:
        """The step of which a passcode is, or none; a blob that holds no key has none."""
        try:
            key = secret(self._credentials.blob(row))
        except (Unauthorized, NotFound):
            return None
        found = None
        for step in self._steps():
            if hmac.compare_digest(passcode(key, step).encode(), code.encode("utf-8", "surrogatepass")):
                found = step
        return found

    def _steps(self) -> Iterator[int]:
        """The present step and those before it that still count."""
        now = int(self._store.clock.time()) // STEP_S
        yield from range(now, now - self._store.options.totp_previous_windows - 1, -1)

    def _take(self, credential_id: str, step: int) -> bool:
        with self._store.db.write() as tx:
            return tx.execute(TAKE, {"credential": credential_id, "step": step}) == 1


def secret(blob: str) -> bytes:
    """The key that a blob in base32 holds. :raises Unauthorized: it is none."""
    text = blob.strip().replace(" ", "").upper().rstrip("=")
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError) as exc:
        raise Unauthorized() from exc


def passcode(key: bytes, step: int) -> str:
    """The passcode of a step: RFC 4226's with the step for a counter."""
    digest = hmac.new(key, step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset:offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10 ** DIGITS).zfill(DIGITS)
