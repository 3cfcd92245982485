"""Snapshots of volumes that are files, with the help of the guests that use them: asked for by block storage.

Who asks learns at once whether it was done; nothing is kept of it here.
"""

from __future__ import annotations

from ...core.context import Context
from ...core.db.engine import Row
from ...core.errors import BadRequest, Conflict, NotSupported
from ...core.process.slice import Kit
from . import records, states
from .agency import ComputeAgent, agent_queue

ANSWER_S = 60.0


def create(kit: Kit, context: Context, volume_id: str, snapshot_id: str, new_file: str) -> None:
    """Have the guest that uses a volume write to ``new_file`` from now on.

    :raises BadRequest: no server has the volume, or several have, or its host cannot. :raises WrongState: not now.
    """
    row = _server(kit, context, volume_id)
    try:
        _agent(kit, row).create_volume_snapshot(context, row.id, volume_id, snapshot_id, new_file)
    except NotSupported as exc:
        raise _unable(exc) from exc


def delete(kit: Kit, context: Context, volume_id: str, snapshot_id: str, file_to_merge: str,
           merge_target_file: str) -> None:
    """Have the guest that uses a volume merge a snapshot's file with another.

    :raises BadRequest: see :func:`create`.
    """
    row = _server(kit, context, volume_id)
    try:
        _agent(kit, row).delete_volume_snapshot(context, row.id, volume_id, snapshot_id, file_to_merge,
                                                merge_target_file)
    except NotSupported as exc:
        raise _unable(exc) from exc


def _server(kit: Kit, context: Context, volume_id: str) -> Row:
    """The one server that uses a volume."""
    with kit.db.read() as tx:
        devices = tx.rows(records.DEVICES_OF_VOLUME, {"volume": volume_id})
        if not devices:
            raise BadRequest(f"No volume Block Device Mapping with id {volume_id}.")
        if len(devices) > 1:
            raise BadRequest(f"Block Device Mapping {volume_id} is a multi-attach volume and is not valid for this "
                             "operation.")
        row = records.find(tx, context, devices[0].server_id)
    states.check(row, "snapshot_volume", context)
    if not row.host:
        raise Conflict(f"Instance {row.id} is not ready")
    return row


def _agent(kit: Kit, row: Row) -> ComputeAgent:
    return kit.mesh.reach(agent_queue(row.host), ComputeAgent, ANSWER_S)


def _unable(refused: NotSupported) -> BadRequest:
    return BadRequest(f"The host of the volume's server cannot help with its snapshots: {refused.message}")
