"""Volumes on their way to another back end: by an administrator's word, or for the sake of another type."""

from __future__ import annotations

from typing import Any

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import BadRequest, WrongState
from ...core.process.slice import Kit
from . import access, quotas, states, types
from .backends import Backends
from .base import Base
from .hosts import Hosts
from .tables import volumes
from .volumes import CLONING


class Moves(Base):
    """Migrations and retypes of all projects' volumes."""

    def __init__(self, kit: Kit, backends: Backends, hosts: Hosts) -> None:
        super().__init__(kit, backends)
        self.hosts = hosts

    def migrate(self, context: Context, volume_id: str, host: str, cluster: str, lock: bool) -> None:
        """Begin to move a volume to the back end of ``host``; ``lock``: nobody may use it meanwhile.

        :raises BadRequest: there is no such service, or the volume's type does not fit it.
        :raises WrongState: the volume is in use, has snapshots or is otherwise bound to where it is.
        """
        if cluster:
            raise BadRequest(f"Invalid input received: No available service named {cluster[:100]}")
        backend = self._destination(host)
        with self.kit.db.write() as tx:
            row = access.volume(tx, context, volume_id)
            self._check_movable(tx, row)
            if backend == row.backend:
                raise BadRequest("Invalid volume: Destination host must be different than the current host.")
            kind = tx.row(types.BY_ID, {"id": row.type_id})
            if kind is not None and not self.backends.fits(backend, kind.extra_specs):
                raise BadRequest("Invalid input received: the back end is not what the volume's type asks for")
            if lock:
                states.step(self.kit, tx, row, "maintain")
            self._start(tx, context, row, backend, "")

    def _destination(self, host: str) -> str:
        """The back end of a host as pools are named. :raises BadRequest: no enabled service is there."""
        name = host.partition("#")[0]
        found = [row for row in self.hosts.listed(binary="cinder-volume") if row.host == name]
        if not found or found[0].disabled or not self.hosts.up(found[0]):
            raise BadRequest(f"Invalid input received: No available service named {host[:100]}")
        backend = name.partition("@")[2]
        if backend not in self.backends.drivers:
            raise BadRequest(f"Invalid input received: No available service named {host[:100]}")
        return backend

    def _check_movable(self, tx: Transaction, row: Row) -> None:
        states.check_still(row)
        if row.status != "available":
            raise WrongState(f"Invalid volume: Volume {row.id} status must be available to migrate, but current status "
                             f"is: {row.status}. The content of a volume in use is moved by its server.")
        if tx.rows(access.SNAPSHOTS_OF, {"volume_id": row.id}):
            raise WrongState(f"Invalid volume: Volume {row.id} must not have snapshots to migrate.")
        if row.group_id:
            raise WrongState(f"Invalid volume: Volume {row.id} must not be part of a group to migrate.")
        if tx.row(CLONING, {"id": row.id}) is not None:
            raise WrongState(f"Invalid volume: Volume {row.id} is being copied.")

    def _start(self, tx: Transaction, context: Context, row: Row, backend: str, type_id: str) -> None:
        tx.update(volumes, row.id, migration_status="starting", updated_at=self.kit.clock.now())
        self.emit(tx, context, "volume.migrate.start", row)
        self.kit.engine.start(tx, "volume.migrate", row.id, context, {
            "from": row.backend, "to": backend, "type": type_id})

    def retype(self, context: Context, volume_id: str, name: str, on_demand: bool) -> None:
        """Give a volume another type; ``on_demand`` it moves to a back end that fits the type where its own does not.

        :raises BadRequest: it has that type, or its back end does not fit and it may not move, or none fits.
        :raises WrongState: the volume is in a state that does not allow it.
        """
        with self.kit.db.write() as tx:
            row = access.volume(tx, context, volume_id)
            kind = types.named(tx, context, name)
            states.check_still(row)
            if row.status not in ("available", "in-use"):
                raise WrongState(f"Invalid volume: Volume {volume_id} status must be available or in-use to retype, "
                                 f"but current status is: {row.status}.")
            if kind.id == row.type_id:
                raise BadRequest(f"Invalid input received: New volume_type same as original: {name}.")
            self._check_type(tx, row, kind)
            quotas.check(self.kit, tx, row.project_id, type_id=kind.id, type_name=kind.name, volumes=0)
            if self.backends.fits(row.backend, kind.extra_specs):
                tx.update(volumes, volume_id, type_id=kind.id, multiattach=types.multiattach(kind),
                          updated_at=self.kit.clock.now())
                self.emit(tx, context, "volume.retype", row)
                return
            if not on_demand:
                raise BadRequest("Invalid input received: the volume's back end does not fit the new type, and the "
                                 "migration policy is never")
            backend = self.backends.choose(kind.extra_specs, row.size, self.closed(tx))
            if not backend:
                raise BadRequest("Invalid input received: no back end fits the new type")
            self._check_movable(tx, row)
            states.step(self.kit, tx, row, "retype")
            self._start(tx, context, row, backend, kind.id)

    def _check_type(self, tx: Transaction, row: Row, kind: Row) -> None:
        types.check_encryption(kind)
        types.check_zone(kind, row.zone)
        if row.group_id:
            raise WrongState(f"Invalid volume: Volume {row.id} must not be part of a group to retype.")
        if types.multiattach(kind) != row.multiattach and row.status != "available":
            raise WrongState(f"Invalid volume: Volume {row.id} must be available to retype between types that differ "
                             "in multiattach.")

    def complete(self, context: Context, volume_id: str, new_id: str) -> str:
        """Say that a server has copied a volume to another one; gives the id that the server goes on with.

        A move between back ends needs no such word: it completes itself.
        :raises WrongState: one of the volumes is on its way to another back end.
        """
        with self.kit.db.read() as tx:
            row, new = access.volume(tx, context, volume_id), access.volume(tx, context, new_id)
        for one, words in ((row, "Destination volume not mid-migration."), (new, "Source volume not mid-migration.")):
            if one.migration_status in states.MOVING:
                raise WrongState(f"Invalid volume: {words}")
        return str(new.id)

    def ended(self, tx: Transaction, context: Context, row: Row, status: str, **values: Any) -> None:
        """Write down how a move ended, and let the volume be used again."""
        tx.update(volumes, row.id, migration_status=status, updated_at=self.kit.clock.now(), **values)
        now = tx.row(access.VOLUME, {"id": row.id})
        if now is not None and now.status in ("maintenance", "retyping"):
            states.step(self.kit, tx, now, "release")
        tx.after_commit(lambda: self.kit.wake(f"volume:{row.id}"))
