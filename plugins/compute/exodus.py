"""The servers of a dead host move out: which of them, how many at the same time, and what becomes of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.errors import CloudError, Conflict
from ...core.operations.engine import UNFINISHED
from ...core.operations.tables import operations
from ...core.process.slice import Kit
from . import disks, journeys, moves, records, states
from .fleet import Fleet
from .options import Options
from .tables import servers

KIND = "compute.evacuate"
ENDED = "compute.evacuation_ended"
"""The key that is woken when an evacuation has ended."""
BUSY_S = 300.0
"""Seconds in which what was being done to a server when its host died is given up."""
YES = frozenset(("true", "yes", "1", "on"))
RESIDENTS = sa.select(servers.c.id, servers.c.task_state, servers.c.move, servers.c.fault, servers.c.metadata,
                      servers.c.flavor).where(
    servers.c.host == sa.bindparam("host"), servers.c.deleted.is_(False)).order_by(servers.c.created_at, servers.c.id)
UNDER_WAY = sa.select(sa.func.count()).select_from(operations).where(operations.c.state.in_(UNFINISHED),
                                                                     operations.c.kind == KIND)


def go_on(kit: Kit, fleet: Fleet, context: Context, data: dict[str, Any]) -> bool:
    """Begin as many evacuations as may begin now, and note who stays. Tell whether all have ended.

    ``data`` is the recovery's: its ``host``, what is wanted, and ``moved`` and ``left`` by server.
    """
    until = data.setdefault("patient_until", kit.clock.time() + BUSY_S)
    with kit.db.read() as tx:
        residents: Sequence[Any] = tx.rows(RESIDENTS, {"host": data["host"]})
        room = _room(kit, tx)
    _note_failures(residents, data)
    waiting = 0
    for row in _homeless(residents, data):
        if (row.task_state is not None or states.in_doubt(row)) and kit.clock.time() < until:
            waiting += 1
        elif room > 0:
            room -= _began(kit, fleet, context, row, data)
        else:
            waiting += 1
    return not waiting and not any(_moving(row) or row.id in data["moved"] for row in residents)


def _homeless(residents: Sequence[Any], data: dict[str, Any]) -> Iterator[Any]:
    """The servers about which nothing is decided yet. Those that move may have been begun by a run that was killed."""
    for row in residents:
        if row.id in data["moved"] or row.id in data["left"]:
            continue
        if _moving(row):
            data["moved"].append(row.id)
        else:
            yield row


def _moving(row: Any) -> bool:
    return bool(row.move) and row.move["kind"] == journeys.EVACUATION


def _note_failures(residents: Sequence[Any], data: dict[str, Any]) -> None:
    """Those whose evacuation has ended, and that are here all the same, stay."""
    for row in residents:
        if row.id in data["moved"] and not _moving(row):
            data["moved"].remove(row.id)
            data["left"][row.id] = (row.fault or {}).get("message") or "It could not be made anew elsewhere."


def _room(kit: Kit, tx: Transaction) -> int:
    """How many evacuations may begin now."""
    most = cast(Options, kit.options).recover_at_once
    return most - int(tx.value(UNDER_WAY) or 0) if most else 1 << 30


def _began(kit: Kit, fleet: Fleet, context: Context, row: Any, data: dict[str, Any]) -> bool:
    """Begin one evacuation, or note why not."""
    try:
        if data.get("flagged") and not flagged(kit, row):
            raise Conflict("Nothing says that it is to be recovered.")
        if data["backed"]:
            _see_backed(kit, row.id)
        moves.evacuate(kit, fleet, context, row.id, "", False, False)
    except CloudError as error:
        data["left"][row.id] = error.message
        return False
    data["moved"].append(row.id)
    return True


def flagged(kit: Kit, row: Any) -> bool:
    """Whether a server's metadata say that it is to be recovered; without a word of theirs, its flavor's."""
    flag = cast(Options, kit.options).recover_flag
    word = row.metadata.get(flag, row.flavor.get("extra_specs", {}).get(flag, ""))
    return str(word).lower() in YES


def _see_backed(kit: Kit, server_id: str) -> None:
    with kit.db.read() as tx:
        if not disks.is_volume_backed(records.devices(tx, server_id)):
            raise Conflict("Its disk is on the host that died.")
