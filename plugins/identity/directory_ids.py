"""Ids: what a directory calls its users and groups, and what the cloud calls them.

A public id is the SHA-256 of domain, kind and local id, as Keystone makes it: a cloud that comes from there keeps its
role assignments, and a table that is lost or purged comes back with the same ids.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import sqlalchemy as sa

from ...core.db.engine import Database, Row, Transaction
from ...core.errors import AlreadyExists
from .tables import directory_ids

BATCH = 500
REMEMBERED = 50_000
LENGTH = 64
USER, GROUP = "user", "group"
OF_PUBLIC = sa.select(directory_ids).where(directory_ids.c.public_id.in_(sa.bindparam("ids", expanding=True)))


class Local(msgspec.Struct, frozen=True):
    """Who a public id stands for."""

    domain_id: str
    kind: str
    id: str


def public_id(domain_id: str, kind: str, local_id: str) -> str:
    """The id in the cloud of a user or group of a directory."""
    return hashlib.sha256(f"{domain_id}{kind}{local_id}".encode()).hexdigest()


class DirectoryIds:
    """The table of public ids. What it says never changes, so what was read once is remembered."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._known: dict[str, Local] = {}
        self._lock = threading.Lock()

    def publish(self, domain_id: str, kind: str, local_ids: Iterable[str]) -> dict[str, str]:
        """Public ids by local ids; those that are new are written down, in batches."""
        public = {local: public_id(domain_id, kind, local) for local in local_ids}
        new = {id: Local(domain_id, kind, local) for local, id in public.items() if id not in self._known}
        if new:
            there = {row.public_id for row in self._rows(list(new))}
            self._remember({id: new[id] for id in there})
            self._insert([id for id in new if id not in there], new)
        return public

    def _insert(self, ids: Sequence[str], new: Mapping[str, Local]) -> None:
        for start in range(0, len(ids), BATCH * 10):
            part = ids[start:start + BATCH * 10]
            try:
                self._write({id: new[id] for id in part})
            except AlreadyExists:
                # Another process met some of them first: the rest is written by itself.
                there = {row.public_id for row in self._rows(part)}
                self._write({id: new[id] for id in part if id not in there})

    def _write(self, new: Mapping[str, Local]) -> None:
        with self._db.write() as tx:
            tx.insert(directory_ids, [{"public_id": id, "domain_id": one.domain_id, "kind": one.kind,
                                       "local_id": one.id} for id, one in new.items()])
            # This may be a part of what the caller writes, and go with it.
            tx.after_commit(lambda: self._remember(new))

    def locals(self, ids: Iterable[str], kind: str) -> dict[str, Local]:
        """Who those of ``ids`` are that stand for somebody of a directory; a query for what is not remembered."""
        wanted = [id for id in dict.fromkeys(ids) if len(id) == LENGTH and id.isascii() and "\0" not in id]
        unknown = [id for id in wanted if id not in self._known]
        if unknown:
            self._remember({row.public_id: Local(row.domain_id, row.kind, row.local_id)
                            for row in self._rows(unknown)})
        found = {id: self._known.get(id) for id in wanted}
        return {id: local for id, local in found.items() if local is not None and local.kind == kind}

    def local(self, id: str, kind: str) -> Local | None:
        """Who an id stands for, if it is somebody of a directory."""
        return self.locals((id,), kind).get(id)

    def _rows(self, ids: Sequence[str]) -> list[Row]:
        with self._db.read() as tx:
            return [row for start in range(0, len(ids), BATCH)
                    for row in tx.rows(OF_PUBLIC, {"ids": ids[start:start + BATCH]})]

    def _remember(self, found: Mapping[str, Local]) -> None:
        with self._lock:
            if len(self._known) + len(found) > REMEMBERED:
                self._known = {}
            self._known.update(found)

    def of_domain(self, tx: Transaction, domain_id: str, kind: str) -> dict[str, str]:
        """Public ids by local ids, of all of a domain that were ever met."""
        rows = tx.rows(sa.select(directory_ids).where(directory_ids.c.domain_id == domain_id,
                                                      directory_ids.c.kind == kind))
        return {row.local_id: row.public_id for row in rows}

    def forget(self, tx: Transaction, ids: Sequence[str]) -> None:
        """Remove rows; whoever is met again gets the same id."""
        for start in range(0, len(ids), BATCH):
            tx.execute(directory_ids.delete().where(directory_ids.c.public_id.in_(ids[start:start + BATCH])))
        tx.after_commit(self.clear)

    def clear(self) -> None:
        """Remember nothing."""
        with self._lock:
            self._known = {}
