"""Whether a console that was opened may stay open: its server is where it was, and its user still may."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from ....core.context import Context
from ....core.db.engine import Row
from ....core.errors import NotFound, Unauthorized
from ....core.process.slice import Kit
from ....core.services.identity import IdentityService
from ..sealing import PasswordSeal
from ..tables import servers

RULE = "os_compute_api:os-remote-consoles"
PRESENT = sa.select(servers.c.id, servers.c.host, servers.c.project_id).where(
    servers.c.id.in_(sa.bindparam("ids", expanding=True)), servers.c.deleted.is_(False))


class Holder(msgspec.Struct, frozen=True):
    """Whose console it is: the server, its host, and the token of who opened it; none is the cloud's own."""

    server: str
    host: str
    token: str


def holder(seal: PasswordSeal, context: Context, row: Row) -> str:
    """Who opens a console of the server ``row``, as the proxy may keep it."""
    return seal.close(msgspec.json.encode(Holder(row.id, row.host, context.token)).decode())


def judged(kit: Kit, seal: PasswordSeal, sealed: Sequence[str]) -> list[bool]:
    """Whether the consoles of these holders may stay open, in their order."""
    holders = [_opened(seal, one) for one in sealed]
    with kit.db.read() as tx:
        found = tx.rows(PRESENT, {"ids": [one.server for one in holders if one is not None]})
    present = {row.id: row for row in found}
    callers: dict[str, Context | None] = {}
    return [one is not None and _stands(kit, one, present.get(one.server), callers) for one in holders]


def _opened(seal: PasswordSeal, sealed: str) -> Holder | None:
    try:
        return msgspec.json.decode(seal.open(sealed), type=Holder)
    except (NotFound, msgspec.DecodeError):
        return None


def _stands(kit: Kit, one: Holder, row: Row | None, callers: dict[str, Context | None]) -> bool:
    if row is None or row.host != one.host:
        return False
    if not one.token:
        return True
    if one.token not in callers:
        callers[one.token] = _caller(kit, one.token)
    caller = callers[one.token]
    return (caller is not None and (caller.is_admin or caller.project_id == row.project_id)
            and kit.policy.allows(caller, RULE, {"project_id": row.project_id}))


def _caller(kit: Kit, token: str) -> Context | None:
    try:
        return kit.peers.of(IdentityService).standing(token, "req-" + kit.clock.uuid())
    except Unauthorized:
        return None
