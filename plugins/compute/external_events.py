"""What other services tell compute of servers: networks and volumes that changed, guests that were switched."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...core.context import Context
from ...core.db.engine import Row
from ...core.errors import CloudError, NotFound
from . import records, servers, states

if TYPE_CHECKING:
    from .service import Service

TAGGED = ("volume-extended", "power-update", "accelerator-request-bound", "volume-reimaged")
"""Events that say by their tag what they are about."""
POWERS: Mapping[str, tuple[str, str, str]] = {
    "POWER_ON": (states.STOPPED, "start", "instance.power_on"),
    "POWER_OFF": (states.ACTIVE, "stop", "instance.power_off")}
"""The state a server has to be in, the verb and the event, by tag."""


@dataclasses.dataclass(frozen=True)
class Told:
    """An event and what became of it: 200, 400 without its tag, 404 for an unknown server, 422 for one on no host."""

    event: Mapping[str, Any]
    code: int


def tell(service: Service, context: Context, events: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Hear all events, in their order. :raises NotFound: none of them could be dealt with."""
    with service.kit.db.read() as tx:
        rows = {event["server_uuid"]: records.present(tx, event["server_uuid"]) for event in events}
    found = [Told(event, _heard(service, context, event, rows[event["server_uuid"]])) for event in events]
    if all(one.code != 200 for one in found):
        raise NotFound("No instances found for any event")
    return found


def _heard(service: Service, context: Context, event: Mapping[str, Any], row: Row | None) -> int:
    if row is None:
        return 404
    tag = event.get("tag", "")
    if event["name"] in TAGGED and not tag or event["name"] == "power-update" and tag not in POWERS:
        return 400
    if not row.host:
        return 422
    hear = HEARD.get(event["name"])
    if hear is not None:
        hear(service, context, row, tag)
    return 200


def _network(service: Service, context: Context, row: Row, tag: str) -> None:
    service.network_changed(context, row.id)


def _vif_deleted(service: Service, context: Context, row: Row, tag: str) -> None:
    """Take the interface of a port that was deleted out of its guest."""
    kit = service.kit
    if any(nic["port_id"] == tag for nic in row.nics) and row.task_state != "deleting":
        with kit.db.write() as tx:
            kit.engine.start(tx, "compute.detach_interface", row.id, context, {"port_id": tag})
    else:
        service.network_changed(context, row.id)


def _extended(service: Service, context: Context, row: Row, tag: str) -> None:
    service.volume_extended(context, row.id, tag)


def _reimaged(service: Service, context: Context, row: Row, tag: str) -> None:
    service.kit.wake(f"volume:{tag}")


def _power(service: Service, context: Context, row: Row, tag: str) -> None:
    """Let a guest that was switched by hand be what its server says; one that is busy or is so already stays."""
    state, verb, event = POWERS[tag]
    if row.vm_state != state or row.task_state is not None:
        return
    try:
        servers.power(service.kit, context, row.id, verb, event)
    except CloudError as error:
        service.kit.log.info("the power of server %s stays: %s", row.id, error.message)


HEARD: Mapping[str, Callable[[Service, Context, Row, str], None]] = {
    "network-changed": _network, "network-vif-plugged": _network, "network-vif-unplugged": _network,
    "network-vif-deleted": _vif_deleted, "volume-extended": _extended, "volume-reimaged": _reimaged,
    "power-update": _power}
"""What is done at each event; nothing waits for accelerators, which servers here do not have."""
