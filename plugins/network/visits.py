"""Where ports are wired beside the host that they are bound to: they go there, or have left it.

A port that is deleted amid a move is unwired there, too. One that goes there is not taken for a stranger.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ...core.db.engine import Transaction
from .noun import Document
from .tables import ports, visits

_HOSTS = sa.select(visits.c.host).where(visits.c.port_id == sa.bindparam("port_id")).order_by(visits.c.host)
_FOUND = sa.select(visits.c.arriving).where(visits.c.port_id == sa.bindparam("port_id"),
                                            visits.c.host == sa.bindparam("host"))
_KNOWN = sa.select(visits.c.port_id).where(visits.c.host == sa.bindparam("host"),
                                           visits.c.port_id.in_(sa.bindparam("ports", expanding=True)))
_END = visits.delete().where(visits.c.host == sa.bindparam("at"),
                             visits.c.port_id.in_(sa.bindparam("of", expanding=True)))
_END_ALL = visits.delete().where(visits.c.port_id == sa.bindparam("of"))
_TURN = visits.update().where(visits.c.host == sa.bindparam("at"), visits.c.port_id == sa.bindparam("of"))
_EXPECTED = sa.select(visits.c.network_id).where(
    visits.c.host == sa.bindparam("host"), visits.c.network_id == sa.bindparam("network_id"), visits.c.arriving,
    visits.c.port_id.not_in(sa.bindparam("leaving", expanding=True))).limit(1)

ARRIVING = ports.c.id.in_(sa.select(visits.c.port_id).where(visits.c.host == sa.bindparam("host"), visits.c.arriving))
"""What selects the ports that go to the host ``host``."""


def note(tx: Transaction, port: Document, host: str, *, arriving: bool) -> None:
    """Write down that a port goes to ``host``, or that it is to be unwired there."""
    found = tx.row(_FOUND, {"port_id": port["id"], "host": host})
    if found is None:
        tx.insert(visits, {"port_id": port["id"], "host": host, "network_id": port["network_id"],
                           "arriving": arriving})
    elif found.arriving != arriving:
        tx.execute(_TURN, {"at": host, "of": port["id"], "arriving": arriving})


def end(tx: Transaction, port_ids: Sequence[str], host: str) -> None:
    """Ports are wired on ``host`` no more, or are bound to it."""
    tx.execute(_END, {"at": host, "of": list(port_ids)})


def end_all(tx: Transaction, port_id: str) -> list[str]:
    """Forget where a port that goes away was, and say it."""
    hosts = tx.values(_HOSTS, {"port_id": port_id})
    if hosts:
        tx.execute(_END_ALL, {"of": port_id})
    return hosts


def known(tx: Transaction, port_ids: Sequence[str], host: str) -> list[str]:
    """Which of these ports are or may be wired on ``host``, though they are not bound to it."""
    return tx.values(_KNOWN, {"host": host, "ports": list(port_ids)})


def arrives(tx: Transaction, port_id: str, host: str) -> bool:
    """Whether a port goes to ``host``."""
    return bool(tx.value(_FOUND, {"port_id": port_id, "host": host}))


def expected(tx: Transaction, network_id: str, host: str, leaving: Sequence[str]) -> bool:
    """Whether a port of a network, other than these, goes to ``host``."""
    return tx.value(_EXPECTED, {"network_id": network_id, "host": host, "leaving": list(leaving)}) is not None
