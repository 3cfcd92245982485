"""Deletion that can be taken back: servers that were deleted softly, and those whose time is over."""

from __future__ import annotations

import functools

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import CloudError, Conflict
from ...core.process.slice import Kit
from . import accounting, records, shelving, states
from .event import emit
from .tables import servers

SWEEP_S = 30.0
_DUE = sa.select(servers.c.id).where(servers.c.due_at <= sa.bindparam("now"), servers.c.deleted.is_(False)).limit(200)


def deferred(kit: Kit, row: Row) -> bool:
    """Tell whether a server that is deleted now can be restored for a while.

    One that never ran cannot, nor one that is on no host, or just moves. Of two sizes it keeps the new one.
    """
    return (kit.options.reclaim_instance_interval_s > 0 and bool(row.host) and row.launched_at is not None
            and row.vm_state in (*states.ALLOWED["softDelete"].states, states.SOFT_DELETED)
            and (row.move is None or row.vm_state == states.RESIZED and row.task_state is None))


def begin(kit: Kit, tx: Transaction, context: Context, row: Row) -> None:
    """Begin to delete a server softly; nothing when that was done. :raises Conflict: it is locked."""
    if row.vm_state == states.SOFT_DELETED or row.task_state == "soft-deleting":
        return
    states.begin(tx, row, "softDelete", context, kit.clock.now())
    kit.engine.start(tx, "compute.soft_delete", row.id, context, interrupt=True)
    emit(kit, tx, context, "instance.soft_delete.start", row)


def restore(kit: Kit, context: Context, server_id: str) -> None:
    """Begin to restore a server that was deleted softly.

    :raises WrongState: it was not. :raises QuotaExceeded: the project has no room for it any more.
    """
    with kit.db.write() as tx:
        row = records.find(tx, context, server_id)
        states.check(row, "restore", context)
        accounting.room(kit, tx, row.project_id, 1, 1, row.vcpus, row.memory_mib, row.user_id)
        states.begin(tx, row, "restore", context, kit.clock.now())
        kit.engine.start(tx, "compute.restore", server_id, context)
        emit(kit, tx, context, "instance.restore.start", row)


def announce(kit: Kit) -> None:
    """Begin to look now and then for servers whose time is over."""
    kit.executor.every(SWEEP_S, functools.partial(sweep, kit))


def sweep(kit: Kit) -> None:
    """Take shelved servers from their hosts, and delete those that nobody restored, where their time is over."""
    with kit.db.read() as tx:
        found = tx.values(_DUE, {"now": kit.clock.now()})
    for server_id in found:
        try:
            _overdue(kit, server_id)
        except CloudError as error:
            kit.log.warning("server %s, whose time is over, stays: %s", server_id, error)


def _overdue(kit: Kit, server_id: str) -> None:
    context = kit.context()
    with kit.db.write() as tx:
        row = records.present(tx, server_id)
        if row is None or row.task_state is not None:
            return
        if row.vm_state == states.SHELVED:
            shelving.begin_offload(kit, tx, context, row)
        elif row.vm_state == states.SOFT_DELETED:
            states.begin(tx, row, "delete", context, kit.clock.now(), due_at=None)
            kit.engine.start(tx, "compute.delete", server_id, context)
            emit(kit, tx, context, "instance.delete.start", row)
        elif row.due_at is not None:
            raise Conflict(f"nothing is due in vm_state {row.vm_state}")
