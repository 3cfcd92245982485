"""Deletion at once and its taking back, over HTTP."""

from __future__ import annotations

from ....core.http.call import Call
from ....core.http.table import Action
from .. import deferral, servers
from ..service import Service
from .actions import PATH, PREFIX


def force_delete(service: Service, call: Call) -> None:
    """Delete a server for good."""
    servers.delete(service.kit, call.context, call.path["server_id"], force=True)


def restore(service: Service, call: Call) -> None:
    """Begin to restore a server that was deleted softly."""
    deferral.restore(service.kit, call.context, call.path["server_id"])


OPERATIONS = (
    Action(PATH, "forceDelete", force_delete, PREFIX + "os-deferred-delete:force"),
    Action(PATH, "restore", restore, PREFIX + "os-deferred-delete:restore"),
)
