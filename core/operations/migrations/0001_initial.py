"""core: initial."""

import sqlalchemy as sa
from alembic import op

from stratolith.core.db import columns

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table('operations',
    sa.Column('number', columns.Number, autoincrement=True, nullable=False),
    sa.Column('id', columns.key(), nullable=False),
    sa.Column('kind', columns.text(64), nullable=False),
    sa.Column('subject', columns.key(), nullable=False),
    sa.Column('project_id', columns.key(), nullable=False),
    sa.Column('user_id', columns.key(), nullable=False),
    sa.Column('request_id', columns.key(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('undoing', sa.Boolean(), nullable=False),
    sa.Column('interrupted', sa.Boolean(), nullable=False),
    sa.Column('step', sa.Integer(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('data', columns.Json(), nullable=False),
    sa.Column('context', columns.Json(), nullable=False),
    sa.Column('history', columns.Json(), nullable=False),
    sa.Column('error', columns.Json(), nullable=True),
    sa.Column('owner', columns.text(255), nullable=False),
    sa.Column('lease_until', sa.Double(), nullable=False),
    sa.Column('run_at', sa.Double(), nullable=False),
    sa.Column('deadline', sa.Double(), nullable=False),
    sa.Column('wake_key', columns.text(128), nullable=False),
    sa.Column('started_at', columns.Moment, nullable=False),
    sa.Column('updated_at', columns.Moment, nullable=False),
    sa.PrimaryKeyConstraint('number'),
    sa.UniqueConstraint('id')
    )
    op.create_index('operations_by_key', 'operations', ['wake_key'], unique=False)
    op.create_index('operations_by_state', 'operations', ['state', 'run_at'], unique=False)
    op.create_index('operations_by_subject', 'operations', ['subject', 'number'], unique=False)
    op.create_table('outbox',
    sa.Column('number', columns.Number, autoincrement=True, nullable=False),
    sa.Column('message_id', columns.key(), nullable=False),
    sa.Column('event_type', columns.text(128), nullable=False),
    sa.Column('publisher', columns.text(255), nullable=False),
    sa.Column('priority', sa.String(length=8), nullable=False),
    sa.Column('project_id', columns.key(), nullable=False),
    sa.Column('request_id', columns.key(), nullable=False),
    sa.Column('payload', columns.Json(), nullable=False),
    sa.Column('created_at', columns.Moment, nullable=False),
    sa.Column('published', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('number')
    )
    op.create_index('outbox_by_published', 'outbox', ['published', 'number'], unique=False)
