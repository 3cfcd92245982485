"""compute: moves between hosts."""

import sqlalchemy as sa
from alembic import op

from stratolith.core.db import columns

revision = "0003"
down_revision = "0002"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        'migrations',
        sa.Column('id', NUMBER, autoincrement=True, nullable=False),
        sa.Column('uuid', columns.key(), nullable=False),
        sa.Column('type', sa.String(24), nullable=False),
        sa.Column('status', sa.String(24), nullable=False),
        sa.Column('server_id', columns.key(), nullable=False),
        sa.Column('project_id', columns.key(), nullable=False),
        sa.Column('user_id', columns.key(), nullable=False),
        sa.Column('source_compute', columns.text(255), nullable=False),
        sa.Column('source_node', columns.text(255), nullable=False),
        sa.Column('dest_compute', columns.text(255), nullable=False),
        sa.Column('dest_node', columns.text(255), nullable=False),
        sa.Column('old_flavor', NUMBER, nullable=True),
        sa.Column('new_flavor', NUMBER, nullable=True),
        sa.Column('hidden', sa.Boolean(), nullable=False),
        sa.Column('wish', sa.String(8), nullable=False),
        sa.Column('progress', columns.Json(), nullable=True),
        sa.Column('created_at', columns.Moment, nullable=False),
        sa.Column('updated_at', columns.Moment, nullable=True),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('uuid'))
    for name, columns_of in (
            ('migrations_by_server', ['server_id', 'id']), ('migrations_by_creation', ['created_at', 'id']),
            ('migrations_by_update', ['updated_at']), ('migrations_by_status', ['status', 'type']),
            ('migrations_by_source', ['source_compute']), ('migrations_by_target', ['dest_compute']),
            ('migrations_by_project', ['project_id']), ('migrations_by_user', ['user_id'])):
        op.create_index(name, 'migrations', columns_of, unique=False)
