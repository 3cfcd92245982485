"""Transfers: a volume given to whoever knows the key, which is kept only as a digest."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import BadRequest, NotFound, WrongState
from . import access, listing, quotas, states
from .base import Base
from .tables import snapshots, transfers

BY_ID = sa.select(transfers).where(transfers.c.id == sa.bindparam("id"))
ROUNDS = 10_000


def digest(salt: str, key: str) -> str:
    """What is kept of a key."""
    return hashlib.pbkdf2_hmac("sha256", key.encode(), bytes.fromhex(salt), ROUNDS).hex()


class Transfers(Base):
    """The transfers of all projects."""

    def create(self, context: Context, volume_id: str, name: str | None, *, no_snapshots: bool = False,
               alone: bool = False) -> tuple[Row, str]:
        """Offer a volume, with its snapshots unless ``no_snapshots``; gives the transfer and its key.

        :raises WrongState: the volume is not available, or has snapshots and is to go ``alone``.
        """
        key, salt = self.kit.clock.random_bytes(8).hex(), self.kit.clock.random_bytes(16).hex()
        transfer_id = self.kit.clock.uuid()
        with self.kit.db.write() as tx:
            volume = access.volume(tx, context, volume_id)
            self._check(tx, volume, alone)
            states.step(self.kit, tx, volume, "offer")
            tx.insert(transfers, {"id": transfer_id, "volume_id": volume_id, "project_id": volume.project_id,
                                  "name": name, "no_snapshots": no_snapshots, "salt": salt, "digest": digest(salt, key),
                                  "created_at": self.kit.clock.now()})
            self.emit(tx, context, "transfer.create.end", volume)
            return self._own(tx, context, transfer_id), key

    def _check(self, tx: Transaction, volume: Row, alone: bool) -> None:
        if volume.group_id:
            raise WrongState(f"Invalid volume: Volume {volume.id} belongs to group {volume.group_id}.")
        frozen = tx.rows(access.SNAPSHOTS_OF, {"volume_id": volume.id})
        if alone and frozen:
            raise WrongState(f"Invalid volume: Volume {volume.id} has snapshots; transfer them along with it by "
                             "microversion 3.55 or later.")
        for one in frozen:
            if one.status != "available":
                raise WrongState(f"Invalid snapshot: Snapshot {one.id} status must be available to be transferred, "
                                 f"but current status is: {one.status}.")

    def _own(self, tx: Transaction, context: Context, transfer_id: str) -> Row:
        row = tx.row(BY_ID, {"id": transfer_id})
        if row is None or (row.project_id != context.project_id and not context.is_admin):
            raise NotFound(f"Transfer {transfer_id} could not be found.")
        return row

    def show(self, context: Context, transfer_id: str) -> Row:
        """A transfer by id."""
        with self.kit.db.read() as tx:
            return self._own(tx, context, transfer_id)

    def listed(self, question: listing.Question) -> Sequence[Row]:
        """A page of transfers."""
        with self.kit.db.read() as tx:
            return listing.rows(tx, question)

    def delete(self, context: Context, transfer_id: str) -> None:
        """Withdraw an offer: the volume is available again."""
        with self.kit.db.write() as tx:
            row = self._own(tx, context, transfer_id)
            tx.delete(transfers, transfer_id)
            volume = tx.row(access.VOLUME, {"id": row.volume_id})
            if volume is not None and volume.status == "awaiting-transfer":
                states.step(self.kit, tx, volume, "release")
            if volume is not None:
                self.emit(tx, context, "transfer.delete.end", volume)

    def accept(self, context: Context, transfer_id: str, key: str) -> Row:
        """Take a volume that is offered.

        :raises BadRequest: the key is wrong.
        :raises QuotaExceeded: the taker may not have it.
        """
        with self.kit.db.write() as tx:
            row = tx.row(BY_ID, {"id": transfer_id})
            if row is None:
                raise NotFound(f"Transfer {transfer_id} could not be found.")
            if not hmac.compare_digest(row.digest, digest(row.salt, key)):
                raise BadRequest("Invalid auth key: Attempt to transfer with an invalid key")
            volume = tx.row(access.VOLUME, {"id": row.volume_id})
            if volume is None or volume.status != "awaiting-transfer":
                raise WrongState("Invalid volume: the volume does not await a transfer")
            frozen = () if row.no_snapshots else tx.rows(access.SNAPSHOTS_OF, {"volume_id": volume.id})
            quotas.check(self.kit, tx, context.project_id, volumes=1, snapshots=len(frozen), size=volume.size,
                         gigabytes=volume.size + sum(one.size for one in frozen))
            states.step(self.kit, tx, volume, "release", project_id=context.project_id, user_id=context.user_id)
            if frozen:
                tx.execute(snapshots.update().where(snapshots.c.volume_id == volume.id)
                           .values(project_id=context.project_id, user_id=context.user_id))
            tx.delete(transfers, transfer_id)
            self.emit(tx, context, "transfer.accept.end", volume)
            return row
