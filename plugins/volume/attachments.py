"""Attachments: who has a volume, or will have it, and how it is reached.

What compute attached only compute may detach: a user who closed such a volume behind a running
guest could read another project's data afterwards.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.drivers.volume import Connection, Connector
from ...core.errors import BadRequest, CloudError, Conflict, WrongState
from ...core.process.slice import Kit
from . import access, listing, qos, states
from .backends import Backends
from .base import Base
from .messages import Messages
from .tables import attachments


class Attachments(Base):
    """The attachments of all volumes."""

    def __init__(self, kit: Kit, backends: Backends, messages: Messages) -> None:
        super().__init__(kit, backends)
        self.messages = messages

    def show(self, context: Context, attachment_id: str) -> Row:
        """An attachment by id."""
        with self.kit.db.read() as tx:
            return access.attachment(tx, context, attachment_id)

    def listed(self, question: listing.Question) -> Sequence[Row]:
        """A page of attachments."""
        with self.kit.db.read() as tx:
            return listing.rows(tx, question)

    def limits(self, volume_id: str) -> Mapping[str, str] | None:
        """What the QoS specs of a volume's type ask of hypervisors, or none."""
        with self.kit.db.read() as tx:
            row = tx.row(access.VOLUME, {"id": volume_id})
            found = None if row is None else qos.of_type(tx, row.type_id)
        return found.specs if found is not None and found.consumer in ("front-end", "both") else None

    # One after another: reserve, connect, complete, detach.

    def reserve(self, context: Context, volume_id: str, server_id: str | None, attachment_id: str, *,
                mode: str = "rw", by_compute: bool = False) -> Row:
        """Reserve a volume under an attachment id; the same again is the same.

        :raises WrongState: the volume is not available, nor attached and made for many.
        """
        with self.kit.db.write() as tx:
            known = tx.row(access.ATTACHMENT, {"id": attachment_id})
            if known is not None:
                return access.attachment(tx, context, attachment_id)
            volume = access.volume(tx, context, volume_id)
            self._check_reservable(tx, volume, server_id)
            if volume.readonly and mode == "rw" and not by_compute:
                raise BadRequest("Invalid volume: the volume is read-only")
            states.step(self.kit, tx, volume, "reserve")
            self.emit(tx, context, "volume.attach.start", volume)
            self._insert(tx, volume, attachment_id, server_id, "reserved", by_compute=by_compute, mode=mode)
            return access.attachment(tx, context, attachment_id)

    def _check_reservable(self, tx: Transaction, volume: Row, server_id: str | None) -> None:
        if volume.status == "available":
            return
        if volume.status != "in-use" or not volume.multiattach:
            raise WrongState(f"Invalid volume: Volume {volume.id} status must be available or downloading to reserve,"
                             f" but the current status is {volume.status}.")
        if server_id and any(one.server_id == server_id for one in access.attached(tx, volume.id)):
            raise WrongState(f"Invalid volume: Volume {volume.id} is already attached to server {server_id}")

    def _insert(self, tx: Transaction, volume: Row, attachment_id: str, server_id: str | None, status: str,
                **more: Any) -> None:
        tx.insert(attachments, {"id": attachment_id, "volume_id": volume.id, "project_id": volume.project_id,
                                "server_id": server_id, "status": status, "created_at": self.kit.clock.now(), **more})

    def connect(self, context: Context, attachment_id: str, connector: Connector, device: str) -> Connection:
        """Open a reserved volume to a host and say how to reach it; the same again is the same."""
        with self.kit.db.read() as tx:
            row = access.attachment(tx, context, attachment_id)
            volume = access.volume(tx, context, row.volume_id)
        connection = self._opened(context, volume, connector)
        if volume.readonly or row.mode == "ro":
            connection = dataclasses.replace(connection, read_only=True)
        # What decrypts the volume is for the host alone.
        shown = {**msgspec.to_builtins(dataclasses.replace(connection, encryption=None)),
                 "encrypted": connection.encryption is not None}
        with self.kit.db.write() as tx:
            row = access.attachment(tx, context, attachment_id)
            volume = access.volume(tx, context, row.volume_id)
            status = row.status if row.status == "attached" else "attaching"
            if volume.status in ("reserved", "attaching"):
                states.step(self.kit, tx, volume, "connect")
            tx.update(attachments, attachment_id, status=status, host=connector.host, device=device or row.device,
                      connector=msgspec.to_builtins(connector), connection=shown)
        return connection

    def _opened(self, context: Context, volume: Row, connector: Connector) -> Connection:
        try:
            with self.backends.holding(volume.id):
                return self.backends.driver(volume.backend).connect(volume.id, connector)
        except CloudError:
            with self.kit.db.write() as tx:
                self.messages.add(tx, context, "attach", "connect", "VOLUME", volume.id, volume.project_id)
            raise

    def complete(self, context: Context, attachment_id: str) -> None:
        """The guest has the volume. :raises WrongState: the volume is in a state that does not allow it."""
        with self.kit.db.write() as tx:
            row = access.attachment(tx, context, attachment_id)
            volume = access.volume(tx, context, row.volume_id)
            if row.status == "attached":
                return
            if row.status == "reserved" and not row.by_compute:
                raise WrongState("Invalid volume: the attachment is not attaching")
            tx.update(attachments, attachment_id, status="attached", attached_at=self.kit.clock.now())
            states.step(self.kit, tx, volume, "use")
            self.emit(tx, context, "volume.attach.end", volume)

    def disconnect(self, context: Context, attachment_id: str) -> None:
        """Close the volume to the host and keep it reserved; nothing when the attachment is gone or closed."""
        with self.kit.db.read() as tx:
            row = tx.row(access.ATTACHMENT, {"id": attachment_id})
        if row is None or row.status == "reserved":
            return
        self._disconnect(context, row)
        with self.kit.db.write() as tx:
            tx.update(attachments, attachment_id, status="reserved", host=None, connector=None, connection=None)
            volume = access.volume(tx, context, row.volume_id)
            if volume.status != "reserved" and not any(one.status == "attached"
                                                       for one in access.attached(tx, row.volume_id)):
                states.step(self.kit, tx, volume, "part")
            self.emit(tx, context, "volume.update.end", volume)

    def leave(self, context: Context, attachment_id: str, connector: Connector) -> None:
        """Close the volume to a host that no attachment names; nothing when the attachment is gone."""
        kept = msgspec.to_builtins(connector)
        with self.kit.db.read() as tx:
            row = tx.row(access.ATTACHMENT, {"id": attachment_id})
            if row is None or any(one.connector == kept for one in access.attached(tx, row.volume_id)):
                return
            volume = access.volume(tx, context, row.volume_id)
        with self.backends.holding(volume.id):
            self.backends.driver(volume.backend).disconnect(volume.id, connector)

    def detach(self, context: Context, attachment_id: str) -> None:
        """Close the volume to the host and end the attachment; nothing when it is gone."""
        with self.kit.db.read() as tx:
            row = tx.row(access.ATTACHMENT, {"id": attachment_id})
        if row is None:
            return
        self._disconnect(context, row)
        with self.kit.db.write() as tx:
            self._end(tx, context, row)

    def _disconnect(self, context: Context, row: Row) -> None:
        with self.kit.db.read() as tx:
            volume = access.volume(tx, context, row.volume_id)
            others = [one for one in access.attached(tx, row.volume_id)
                      if one.id != row.id and one.connector == row.connector]
        # Two guests of one host may share a volume: only the last closes it there.
        if row.connector is not None and not others:
            with self.backends.holding(volume.id):
                self.backends.driver(volume.backend).disconnect(volume.id, _connector(row.connector))

    def _end(self, tx: Transaction, context: Context, row: Row) -> None:
        if not tx.delete(attachments, row.id):
            return
        volume = tx.row(access.VOLUME, {"id": row.volume_id})
        if volume is not None:
            self.settle(tx, volume)
            self.emit(tx, context, "volume.detach.end", volume)

    def settle(self, tx: Transaction, volume: Row, **values: Any) -> None:
        """Put a volume into the state that its attachments say: in use, or available."""
        left = access.attached(tx, volume.id)
        event = "use" if any(one.status == "attached" for one in left) else "" if left else "release"
        if event and (volume.status, event) in states.NEXT:
            states.step(self.kit, tx, volume, event, **values)
        elif values:
            states.force(self.kit, tx, volume.id, volume.status, **values)

    # What users and older clients say.

    def hold(self, context: Context, volume_id: str) -> None:
        """``os-reserve``: keep a volume for an attachment to come."""
        with self.kit.db.write() as tx:
            volume = access.volume(tx, context, volume_id)
            if volume.status == "in-use" and not volume.multiattach:
                raise WrongState(f"Invalid volume: Volume {volume_id} status must be available, but is in-use")
            states.step(self.kit, tx, volume, "hold")
            self.emit(tx, context, "volume.update.end", volume)

    def unhold(self, context: Context, volume_id: str) -> None:
        """``os-unreserve``: let go of a volume that was kept; nothing if it is not."""
        with self.kit.db.write() as tx:
            volume = access.volume(tx, context, volume_id)
            if volume.status in ("attaching", "reserved"):
                self.settle(tx, volume)
                self.emit(tx, context, "volume.update.end", volume)

    def attach(self, context: Context, volume_id: str, server_id: str | None, host: str | None, device: str,
               mode: str) -> None:
        """``os-attach``: write down that a server or a host has a volume."""
        if not server_id and not host:
            raise BadRequest("Invalid request to attach volume to an invalid target")
        with self.kit.db.write() as tx:
            volume = access.volume(tx, context, volume_id)
            if volume.status == "in-use" and not volume.multiattach:
                raise WrongState(f"Invalid volume: Volume {volume_id} is already attached")
            states.step(self.kit, tx, volume, "use")
            self._insert(tx, volume, self.kit.clock.uuid(), server_id, "attached", host=host, device=device,
                         mode=mode, attached_at=self.kit.clock.now())
            self.emit(tx, context, "volume.attach.end", volume)

    def unattach(self, context: Context, volume_id: str, attachment_id: str, *, force: bool = False) -> None:
        """``os-detach`` and, with ``force``, ``os-force_detach``; nothing when the volume is available already.

        :raises Conflict: compute attached it.
        :raises BadRequest: there are several and none was named, or the one named is not of this volume.
        """
        with self.kit.db.read() as tx:
            volume = access.volume(tx, context, volume_id)
            found = [one for one in access.attached(tx, volume_id) if attachment_id in ("", one.id)]
        if attachment_id and not found:
            raise BadRequest(f"Invalid input received: attachment {attachment_id} is not of volume {volume_id}")
        if len(found) > 1:
            raise BadRequest("Invalid volume: the volume has several attachments, attachment_id must be given")
        if not found and volume.status == "available":
            return
        if not found and not force and volume.status not in ("in-use", "detaching", "attaching", "reserved"):
            raise WrongState(f"Invalid volume: Unable to detach volume. Volume status must be 'in-use' and "
                             f"attach_status must be 'attached' to detach. It is {volume.status}")
        for row in found:
            check_safe(context, row)
            self._disconnect(context, row)
        with self.kit.db.write() as tx:
            for row in found:
                self._end(tx, context, row)
            if not found:
                self.settle(tx, access.volume(tx, context, volume_id))

    def begin_detach(self, context: Context, volume_id: str) -> None:
        """Say that a detach is under way. :raises WrongState: the volume is not in use."""
        with self.kit.db.write() as tx:
            volume = access.volume(tx, context, volume_id)
            states.step(self.kit, tx, volume, "detach")
            self.emit(tx, context, "volume.detach.start", volume)

    def roll_back_detach(self, context: Context, volume_id: str) -> None:
        """The detach did not happen: the volume is in use again."""
        with self.kit.db.write() as tx:
            volume = access.volume(tx, context, volume_id)
            if volume.status == "detaching":
                states.step(self.kit, tx, volume, "use")
                self.emit(tx, context, "volume.update.end", volume)

    def open(self, context: Context, volume_id: str, connector: Mapping[str, Any]) -> Connection:
        """``os-initialize_connection``: open a volume to a host."""
        with self.kit.db.read() as tx:
            volume = access.volume(tx, context, volume_id)
        with self.backends.holding(volume_id):
            return self.backends.driver(volume.backend).connect(volume_id, asked(connector))

    def close(self, context: Context, volume_id: str, connector: Mapping[str, Any] | None) -> None:
        """``os-terminate_connection``: close a volume to a host. :raises Conflict: compute opened it."""
        with self.kit.db.read() as tx:
            volume = access.volume(tx, context, volume_id)
            for row in access.attached(tx, volume_id):
                check_safe(context, row)
        with self.backends.holding(volume_id):
            self.backends.driver(volume.backend).disconnect(volume_id, asked(connector or {}))


def check_safe(context: Context, row: Row) -> None:
    """See that a user may end an attachment. :raises Conflict: compute made it, and compute must end it."""
    if row.by_compute and "service" not in context.roles:
        raise Conflict("Detach volume from instance via the Compute API")


def asked(connector: Mapping[str, Any]) -> Connector:
    """A client's connector as drivers have it."""
    return Connector(host=str(connector.get("host") or "unknown"), address=str(connector.get("ip") or ""),
                     initiator=str(connector.get("initiator") or ""),
                     platform=str(connector.get("platform") or "x86_64"))


def _connector(kept: Mapping[str, Any]) -> Connector:
    return Connector(**kept)


def client_view(connection: Mapping[str, Any], limits: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A connection in the form that clients know: its type and its data, with the ``limits`` of its QoS specs."""
    details = dict(connection["details"])
    details["qos_specs"] = dict(limits) if limits else None
    details["encrypted"] = bool(connection.get("encrypted"))
    details["access_mode"] = "ro" if connection.get("read_only") else "rw"
    return {"driver_volume_type": connection["protocol"], "data": details}
