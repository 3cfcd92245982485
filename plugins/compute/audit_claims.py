"""Claims in placement compared with the servers there are, while the cloud runs.

Two databases and the operations of a cloud at work are read one after another, so that much looks wrong for a moment.
The holders of claims are read before the rows that explain them: what begins meanwhile is explained, and who is
explained by nothing then never will be. A server is told of only if nothing was done to it from the first look to
the last, and mended by an operation of its own, which waits its turn behind others on the server, as they do behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.operations.tables import operations
from ...core.process.slice import Drift, Kit
from ...core.services.placement import PlacementService
from . import records
from .audit_due import Ground
from .audit_survey import UNTOUCHED, surveyed
from .tables import moves, servers

MEND = "compute.mend_claim"
MOVES = sa.select(moves.c.uuid, moves.c.server_id).where(moves.c.uuid.in_(sa.bindparam("ids", expanding=True)))
MOVING = sa.select(servers.c.move).where(servers.c.id == sa.bindparam("id"), servers.c.deleted.is_(False))
LAST = sa.select(sa.func.max(operations.c.number)).where(operations.c.subject == sa.bindparam("id"))


def claims(kit: Kit, context: Context, mend: bool) -> Iterator[Drift]:
    """Claims of nobody, claims that servers have elsewhere, and servers without the claim of their flavor."""
    ground = Ground(kit)
    for suspects in surveyed(kit, context, ground):
        for provider, holders in suspects.strangers.items():
            yield from _strangers(kit, context, provider, ground.names[provider], holders, mend)
        for one in suspects.servers:
            yield from _server(kit, context, ground, one, mend)


# Holders that are no servers.

def _strangers(kit: Kit, context: Context, provider: str, host: str, holders: Sequence[str], mend: bool
               ) -> Iterator[Drift]:
    placement = kit.peers.of(PlacementService)
    with kit.db.read() as tx:
        server_of: dict[str, str] = dict(tx.rows(MOVES, {"ids": list(holders)})) if holders else {}  # type: ignore
        strange = [one for one in holders if not _explained(kit, tx, one, server_of.get(one, ""))]
    for one in strange:
        # It may have been given back since the holders were read.
        held = placement.allocations(context, one)
        if provider not in held:
            continue
        if mend:
            placement.release(context, one)
        whose = f"a move of server {server_of[one]} that has ended" if one in server_of else "no server"
        yield Drift("claim", one, f"{_words(held, {provider: host})} claimed by {whose}", mend)


def _explained(kit: Kit, tx: Transaction, holder: str, server_id: str) -> bool:
    """Whether somebody is at work who knows of the claim: the holder's own operation, or one on the server it moves."""
    if kit.engine.unfinished(tx, holder) is not None:
        return True
    if not server_id:
        return False
    row = tx.row(MOVING, {"id": server_id})
    return kit.engine.unfinished(tx, server_id) is not None or (
        row is not None and row.move is not None and row.move["consumer"] == holder)


# Servers.

def _server(kit: Kit, context: Context, ground: Ground, server_id: str, mend: bool) -> Iterator[Drift]:
    first = _at_rest(kit, server_id)
    if first is None:
        return
    found = list(differences(kit, context, ground, first[0]))
    if not found or _at_rest(kit, server_id) != first:
        return
    for kind, said, mendable in found:
        mended = False
        if mend and mendable:
            against = _mended(kit, context, server_id)
            mended, said = not against, said + against
        yield Drift(kind, server_id, said, mended)


def _at_rest(kit: Kit, server_id: str) -> tuple[Row, int] | None:
    """A server to which nothing is being done, and the number of the last thing that was; else none."""
    with kit.db.read() as tx:
        row = records.present(tx, server_id)
        if row is None or row.task_state is not None or row.move is not None or row.vm_state in UNTOUCHED:
            return None
        last = int(tx.value(LAST, {"id": server_id}) or 0)
        return None if kit.engine.unfinished(tx, server_id) is not None else (row, last)


def differences(kit: Kit, context: Context, ground: Ground, row: Row) -> Iterator[tuple[str, str, bool]]:
    """What is wrong with the claim of a server at rest: kind, a sentence, and whether it can be mended."""
    with kit.db.read() as tx:
        due = ground.due(tx, row)
    names = ground.names
    if due.odd and row.provider:
        yield "seat", f"its flavor or image cannot be kept any more: {due.odd}", False
        return
    if due.unseated:
        yield "seat", f"has nothing of {row.host} for itself, as its flavor says; move it", False
    placement = kit.peers.of(PlacementService)
    held = placement.allocations(context, row.id)
    elsewhere = {one: of for one, of in held.items() if one in names and one != row.provider}
    if not row.provider:
        if held:
            yield "claim", f"is on no host, and holds {_words(held, names)}", True
        return
    if not due.met(held):
        yield "claim", (f"is on {row.host}, holds {_words(held, names)}, "
                        f"should hold {_words(due.amounts, names)}"), not due.grouped
    elif elsewhere:
        yield "claim", f"is on {row.host}, and holds {_words(elsewhere, names)}, too", not due.grouped
    elif (alone := placement.sole(context, row.id)) != due.sole:
        yield "claim", f"has {row.host} " + ("for its project alone, and should not" if alone
                                             else "not for its project alone"), True


def _words(held: Mapping[str, Mapping[str, int]], names: Mapping[str, str]) -> str:
    """Amounts by host, for people."""
    parts = [", ".join(f"{amount} {kind}" for kind, amount in sorted(of.items())) + f" of {names.get(one, one)}"
             for one, of in held.items()]
    return " and ".join(parts) or "nothing"


# Mending.

def _mended(kit: Kit, context: Context, server_id: str) -> str:
    """Have the server's claim mended by an operation; what is to be said if it was not."""
    with kit.db.write() as tx:
        id = kit.engine.start(tx, MEND, server_id, context, {"again": True})
        number = int(tx.value(sa.select(operations.c.number).where(operations.c.id == id)))
    kit.engine.run(number)
    with kit.db.read() as tx:
        row = tx.row(sa.select(operations.c.state, operations.c.error).where(operations.c.number == number))
    if row is not None and row.state == "done":
        return ""
    if row is not None and row.state == "failed":
        return f"; not mended: {(row.error or {}).get('message', '')}"
    return "; not mended yet: that waits for what is being done to it"


def put_right(kit: Kit, context: Context, server_id: str) -> None:
    """Give a server the claim that it should have. Nobody else does anything to it meanwhile.

    :raises Conflict: its host has not enough left.
    """
    with kit.db.read() as tx:
        row = records.present(tx, server_id)
    if row is None or row.task_state is not None or row.move is not None or row.vm_state in UNTOUCHED:
        return
    placement = kit.peers.of(PlacementService)
    with kit.db.read() as tx:
        due = Ground(kit).due(tx, row)
    held = placement.allocations(context, server_id)
    if not row.provider:
        placement.release(context, server_id)
    elif not due.odd and (due.met(held) or not due.grouped):
        amounts = held if due.grouped else due.amounts
        placement.claim(context, server_id, amounts, row.project_id, row.user_id, "INSTANCE", due.sole)
