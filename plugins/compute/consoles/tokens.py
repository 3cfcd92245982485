"""Who may open a console: an address with a token in it, good for one connection and for some minutes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import cast

import sqlalchemy as sa

from ....core.context import Context
from ....core.db.engine import Row
from ....core.drivers.hypervisor import ConsoleEndpoint, ConsoleKind
from ....core.errors import BadRequest, Conflict, NotFound, NotSupported, Unauthorized
from ....core.process.slice import Kit
from .. import records
from ..agency import ComputeAgent, ConsoleGrant, agent_queue
from ..options import Options
from ..sealing import PasswordSeal
from ..tables import console_proxies, console_tokens, servers
from . import standing
from .address import console_address

TOKEN_BYTES = 24
AGENT_S = 20.0
TYPES: Mapping[str, Mapping[str, ConsoleKind | None]] = {
    "vnc": {"novnc": ConsoleKind.VNC, "xvpvnc": None},
    "spice": {"spice-html5": ConsoleKind.SPICE, "spice-direct": None},
    "serial": {"serial": ConsoleKind.SERIAL},
    "rdp": {"rdp-html5": None},
    "mks": {"webmks": None},
}
"""The types of console by protocol, as the API names them; none for those that no hypervisor here has.

``spice-direct`` is for clients that are told the hypervisor's own TCP port; guests' screens here have none."""
MANY_USES = frozenset(("spice-html5",))
"""Types whose client opens a connection for each channel, so that their token is good until it expires."""

PROXY = sa.select(console_proxies).where(console_proxies.c.host == sa.bindparam("host"))
GRANT = (sa.select(console_tokens, servers.c.host.label("present_host"))
         .join(servers, sa.and_(servers.c.id == console_tokens.c.server_id, servers.c.deleted.is_(False)))
         .where(console_tokens.c.id == sa.bindparam("id"), console_tokens.c.expires_at > sa.bindparam("now")))


def create(kit: Kit, seal: PasswordSeal, context: Context, server_id: str, protocol: str, kind_name: str) -> str:
    """The address at which the caller's browser finds a console of the server.

    :raises BadRequest: there is no such console. :raises Conflict: the server is on no host, or does not run.
    :raises NotFound: the server is unknown.
    """
    with kit.db.read() as tx:
        row = records.find(tx, context, server_id)
        proxy = tx.row(PROXY, {"host": row.host})
    if not row.host:
        raise Conflict(f"Instance {server_id} is not ready")
    kind = _kind(protocol, kind_name)
    if proxy is None:
        raise _unavailable(kind_name)
    _endpoint(kit, context, row, kind, kind_name)
    return console_address(proxy.url, kind, _issued(kit, row, kind, kind_name,
                                                        standing.holder(seal, context, row)))


def _kind(protocol: str, name: str) -> ConsoleKind:
    if name not in TYPES[protocol]:
        raise BadRequest(f"Invalid console type {name}")
    kind = TYPES[protocol][name]
    if kind is None:
        raise _unavailable(name)
    return kind


def _unavailable(name: str) -> BadRequest:
    return BadRequest(f"Unavailable console type {name}.")


def _endpoint(kit: Kit, context: Context, row: Row, kind: ConsoleKind, name: str) -> ConsoleEndpoint:
    """Where the console listens on its host."""
    agent = kit.mesh.reach(agent_queue(row.host), ComputeAgent, AGENT_S)
    try:
        return agent.console(context, row.id, kind)
    except NotSupported as exc:
        raise _unavailable(name) from exc
    except NotFound as exc:
        raise Conflict(f"Instance {row.id} is not ready") from exc


def _issued(kit: Kit, row: Row, kind: ConsoleKind, name: str, holder: str) -> str:
    """A new token; those that have expired are forgotten."""
    token, now = kit.clock.random_bytes(TOKEN_BYTES).hex(), kit.clock.time()
    with kit.db.write() as tx:
        tx.execute(console_tokens.delete().where(console_tokens.c.expires_at <= now))
        tx.insert(console_tokens, {
            "id": _digest(token), "server_id": row.id, "host": row.host, "kind": kind.value, "type": name,
            "expires_at": now + cast(Options, kit.options).console_token_ttl_s, "holder": holder})
    return token


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def show(kit: Kit, context: Context, token: str, only_rdp: bool) -> tuple[Row, ConsoleEndpoint]:
    """The token's row, and where the console it opens listens.

    :raises NotFound: the token is unknown, used or expired, or its server is gone or elsewhere.
    :raises Unauthorized: ``only_rdp`` consoles may be told, and this is none.
    """
    with kit.db.read() as tx:
        row = tx.row(GRANT, {"id": _digest(token), "now": kit.clock.time()})
    if row is None or row.host != row.present_host:
        raise NotFound("Token not found")
    if only_rdp:
        raise Unauthorized("The requested console type details are not accessible")
    agent = kit.mesh.reach(agent_queue(row.host), ComputeAgent, AGENT_S)
    return row, agent.console(context, row.server_id, ConsoleKind(row.kind))


def redeem(kit: Kit, hosts: Sequence[str], token: str) -> ConsoleGrant:
    """Take a token for a connection through the proxy of ``hosts``. :raises NotFound: it opens nothing there."""
    digest = _digest(token)
    with kit.db.write() as tx:
        row = tx.row(GRANT, {"id": digest, "now": kit.clock.time()})
        if row is None or row.host not in hosts or row.host != row.present_host:
            raise NotFound("Token not found")
        if row.type not in MANY_USES and not tx.execute(console_tokens.delete().where(console_tokens.c.id == digest)):
            raise NotFound("Token not found")
    return ConsoleGrant(host=row.host, guest=row.server_id, kind=ConsoleKind(row.kind), holder=row.holder or "")


def register_proxy(kit: Kit, host: str, url: str) -> None:
    """Remember where the console proxy of a host is; no address is no proxy any more."""
    with kit.db.write() as tx:
        tx.execute(console_proxies.delete().where(console_proxies.c.host == host))
        if url:
            tx.insert(console_proxies, {"host": host, "url": url})
