"""Events: every change in an outbox row of its own transaction, then on the bus.

The message has the form of OpenStack's versioned notifications (compute's notification guide).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from ..clock import Clock
from ..context import Context
from ..db.engine import Database, Row, Transaction
from ..drivers.bus import Bus
from ..errors import BackendBusy
from ..executor import Executor
from ..operations.tables import outbox

log = logging.getLogger("stratolith.events")
encode = msgspec.json.encode
TOPIC = "versioned_notifications"
BATCH = 500
DELAY_S = 0.2
KEPT_S = 7 * 24 * 3600.0

UNPUBLISHED = sa.select(outbox).where(outbox.c.published.is_(False)).order_by(outbox.c.number).limit(BATCH)


class Events:
    """The events of one slice: written with the change, told on the bus soon after."""

    def __init__(self, publisher: str, namespace: str, database: Database, bus: Bus, executor: Executor,
                 clock: Clock) -> None:
        self.publisher = publisher
        self.namespace = namespace
        self._database = database
        self._bus = bus
        self._executor = executor
        self._clock = clock
        self._pending = threading.Event()

    def emit(self, tx: Transaction, context: Context, event_type: str, name: str, data: Mapping[str, Any],
             version: str = "1.0", priority: str = "INFO") -> None:
        """Write the event ``event_type`` (``instance.create.start``) within ``tx``.

        ``name`` is the payload's class (``InstanceCreatePayload``), ``data`` its fields; never a secret.
        """
        payload = {f"{self.namespace}_object.name": name, f"{self.namespace}_object.namespace": self.namespace,
                   f"{self.namespace}_object.version": version, f"{self.namespace}_object.data": data}
        tx.insert(outbox, {"message_id": self._clock.uuid(), "event_type": event_type, "publisher": self.publisher,
                           "priority": priority, "project_id": context.project_id, "request_id": context.request_id,
                           "payload": payload, "created_at": self._clock.now()})
        tx.after_commit(self.hint)

    def hint(self) -> None:
        """Publish soon what is not published yet; hints in a row are one."""
        if not self._pending.is_set():
            self._pending.set()
            self._executor.later(DELAY_S, self.publish)

    def publish(self) -> None:
        """Put all unpublished events on the bus, in order, and mark them."""
        self._pending.clear()
        while True:
            with self._database.read() as tx:
                rows = tx.rows(UNPUBLISHED)
            if not rows:
                return
            try:
                for row in rows:
                    self._bus.publish(TOPIC, encode(message(row)))
            except BackendBusy:
                self._executor.later(5.0, self.hint)
                return
            with self._database.write() as tx:
                # By their own numbers: another process may have committed a lower one meanwhile.
                tx.execute(outbox.update().where(outbox.c.number.in_([row.number for row in rows]))
                           .values(published=True))
            if len(rows) < BATCH:
                return

    def trim(self) -> None:
        """Forget published events that are older than seven days."""
        oldest = sa.func.coalesce(sa.select(sa.func.max(outbox.c.number)).where(
            outbox.c.published, outbox.c.created_at < sa.bindparam("before")).scalar_subquery(), 0)
        with self._database.write() as tx:
            edge = tx.value(sa.select(oldest), {"before": _moment(self._clock.time() - KEPT_S)})
            if edge:
                tx.execute(outbox.delete().where(outbox.c.number <= edge))


def _moment(seconds: float) -> Any:
    import datetime
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(tzinfo=None)


def message(row: Row) -> dict[str, Any]:
    """An outbox row as the notification that goes out."""
    return {"message_id": row.message_id, "publisher_id": row.publisher, "event_type": row.event_type,
            "priority": row.priority, "timestamp": str(row.created_at), "payload": row.payload,
            "_context_project_id": row.project_id, "_context_request_id": row.request_id}
