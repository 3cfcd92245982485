"""The tables every database of the cloud has: operations and the outbox of events."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from ..db.columns import Json, Moment, Number, key, text
from ..db.schema import Schema

metadata = sa.MetaData()

operations = sa.Table(
    "operations", metadata,
    sa.Column("number", Number, primary_key=True, autoincrement=True),
    sa.Column("id", key(), nullable=False, unique=True),
    sa.Column("kind", text(64), nullable=False),
    sa.Column("subject", key(), nullable=False),
    sa.Column("project_id", key(), nullable=False),
    sa.Column("user_id", key(), nullable=False),
    sa.Column("request_id", key(), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("undoing", sa.Boolean, nullable=False, default=False),
    sa.Column("interrupted", sa.Boolean, nullable=False, default=False),
    sa.Column("step", sa.Integer, nullable=False, default=0),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("data", Json, nullable=False),
    sa.Column("context", Json, nullable=False),
    sa.Column("history", Json, nullable=False),
    sa.Column("error", Json),
    sa.Column("owner", text(255), nullable=False, default=""),
    sa.Column("lease_until", sa.Double, nullable=False, default=0.0),
    sa.Column("run_at", sa.Double, nullable=False, default=0.0),
    sa.Column("deadline", sa.Double, nullable=False, default=0.0),
    sa.Column("wake_key", text(128), nullable=False, default=""),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Index("operations_by_subject", "subject", "number"),
    sa.Index("operations_by_state", "state", "run_at"),
    sa.Index("operations_by_key", "wake_key"),
)

outbox = sa.Table(
    "outbox", metadata,
    sa.Column("number", Number, primary_key=True, autoincrement=True),
    sa.Column("message_id", key(), nullable=False),
    sa.Column("event_type", text(128), nullable=False),
    sa.Column("publisher", text(255), nullable=False),
    sa.Column("priority", sa.String(8), nullable=False),
    sa.Column("project_id", key(), nullable=False),
    sa.Column("request_id", key(), nullable=False),
    sa.Column("payload", Json, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("published", sa.Boolean, nullable=False, default=False),
    sa.Index("outbox_by_published", "published", "number"),
)

SCHEMA = Schema("core", metadata, Path(__file__).parent / "migrations")
