"""The services of block storage as administrators see them: a scheduler, and one volume service a back end."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row
from ...core.errors import BadRequest, NotFound
from ...core.process.slice import Kit
from .backends import Backends
from .base import Base
from .stores import BackupStore
from .tables import services, snapshots, volumes

ALL = sa.select(services).order_by(services.c.binary, services.c.host)
ONE = sa.select(services).where(services.c.host == sa.bindparam("host"), services.c.binary == sa.bindparam("binary"))
BY_PROJECT = sa.select(volumes.c.project_id, sa.func.count(), sa.func.sum(volumes.c.size)).where(
    volumes.c.host.startswith(sa.bindparam("host"))).group_by(volumes.c.project_id)
FROZEN_BY_PROJECT = sa.select(snapshots.c.project_id, sa.func.count(), sa.func.sum(snapshots.c.size)).join(
    volumes, volumes.c.id == snapshots.c.volume_id).where(
    volumes.c.host.startswith(sa.bindparam("host"))).group_by(snapshots.c.project_id)
ALLOCATED = sa.select(volumes.c.backend, sa.func.sum(volumes.c.size)).group_by(volumes.c.backend)
BEAT_S = 10.0
BEAT = services.update().where(services.c.host == sa.bindparam("of"), services.c.binary == sa.bindparam("kind"))
DOWN_AFTER_S = 60.0


class Hosts(Base):
    """Services and their hosts."""

    def __init__(self, kit: Kit, backends: Backends, store: BackupStore) -> None:
        super().__init__(kit, backends)
        self.store = store

    def beat(self) -> None:
        """Say that this process's services live."""
        now, zone = self.kit.clock.now(), self.kit.options.zone
        mine = [(self.kit.host, "cinder-scheduler")]
        mine += [(f"{self.kit.host}@{name}", "cinder-volume") for name in self.backends.drivers]
        if self.store.name:
            mine.append((self.kit.host, "cinder-backup"))
        with self.kit.db.write() as tx:
            for host, binary in mine:
                if not tx.execute(BEAT, {"of": host, "kind": binary, "beat_at": now, "zone": zone}):
                    tx.insert(services, {"host": host, "binary": binary, "zone": zone, "beat_at": now})

    def listed(self, host: str = "", binary: str = "") -> Sequence[Row]:
        """The services of a host (with or without its back end) and of one kind."""
        with self.kit.db.read() as tx:
            return [row for row in tx.rows(ALL) if (not binary or row.binary == binary)
                    and (not host or host in (row.host, row.host.partition("@")[0]))]

    def allocated(self) -> Mapping[str, int]:
        """The GiB of the volumes on each back end."""
        with self.kit.db.read() as tx:
            rows: Any = tx.rows(ALLOCATED)
            return {row[0]: int(row[1]) for row in rows}

    def up(self, row: Row) -> bool:
        """Tell whether a service has been heard lately."""
        return bool((self.kit.clock.now() - row.beat_at).total_seconds() <= DOWN_AFTER_S)

    def change(self, context: Context, host: str, binary: str, **values: Any) -> Row:
        """Enable, disable, freeze or thaw a service. :raises NotFound: there is none of this kind there."""
        with self.kit.db.write() as tx:
            if not tx.execute(services.update().where(services.c.host == host, services.c.binary == binary)
                              .values(**values)):
                raise NotFound(f"Service {binary} could not be found on host {host}.")
            row = tx.row(ONE, {"host": host, "binary": binary})
            assert row is not None
            return row

    def freeze(self, context: Context, host: str, frozen: bool) -> None:
        """Freeze or thaw a back end. :raises BadRequest: there is no such host."""
        try:
            self.change(context, host, "cinder-volume", frozen=frozen)
        except NotFound as exc:
            raise BadRequest(f"Service cinder-volume could not be found on host {host}.") from exc

    def failover(self, context: Context, host: str) -> None:
        """Refuse to let a back end's copy elsewhere take over: none has one.

        :raises BadRequest: always; there is no such service, or it has no copy.
        """
        if not host or not self.listed(host, "cinder-volume"):
            raise BadRequest(f"Service cinder-volume could not be found on host {host}.")
        raise BadRequest(f"Invalid replication target: back end {host} does not replicate its volumes")

    def cleanup(self, wanted: Mapping[str, Any]) -> tuple[Sequence[Row], Sequence[Row]]:
        """The services whose unfinished work is taken up now, and those that nobody can stand in for.

        Unfinished operations of a process that died are taken up by whichever process of the slice has
        the database; only what needs the drivers of a host that is down has to wait for that host.
        """
        found = [row for row in self.listed(wanted.get("host", ""), wanted.get("binary", ""))
                 if row.binary == "cinder-volume" and self.up(row) == wanted.get("is_up", False)
                 and wanted.get("disabled") in (None, bool(row.disabled))
                 and wanted.get("service_id") in (None, service_number(row))]
        mine = [row for row in found if row.host.partition("@")[0] == self.kit.host]
        if mine:
            self.kit.executor.submit(self.kit.engine.sweep)
        return mine, [row for row in found if row not in mine]

    def totals(self, host: str) -> tuple[Mapping[str, tuple[int, int]], Mapping[str, tuple[int, int]]]:
        """Volumes and snapshots on a host by project: how many, and how many GiB.

        :raises NotFound: no enabled volume service is there.
        """
        with self.kit.db.read() as tx:
            row = tx.row(ONE, {"host": host, "binary": "cinder-volume"})
            if row is None or row.disabled:
                raise NotFound(f"Service cinder-volume could not be found on host {host}.")
            made: Any = tx.rows(BY_PROJECT, {"host": host + "#"})
            frozen: Any = tx.rows(FROZEN_BY_PROJECT, {"host": host + "#"})
        return ({row[0]: (row[1], int(row[2])) for row in made}, {row[0]: (row[1], int(row[2])) for row in frozen})


def _digest(host: str, binary: str) -> str:
    return hashlib.sha256(f"{binary}@{host}".encode()).hexdigest()


@functools.lru_cache(1024)
def service_id(host: str, binary: str = "cinder-volume") -> str:
    """The id by which volumes name their service: the same for one host for ever."""
    text = _digest(host.partition("#")[0], binary)
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:32]}"


def service_number(row: Row) -> int:
    """The number by which administrators name a service."""
    return int(_digest(row.host, row.binary)[:7], 16)
