"""compute: shelving, rescue, soft deletion, backups."""

import json

import sqlalchemy as sa
from alembic import op

from stratolith.core.db import columns

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column('servers', sa.Column('shelf', columns.Json(), nullable=True))
    op.add_column('servers', sa.Column('pinned_zone', columns.text(255), server_default='', nullable=False))
    op.add_column('servers', sa.Column('due_at', columns.Moment, nullable=True))
    op.create_index('servers_by_due', 'servers', ['due_at'], unique=False)
    op.add_column('server_details', sa.Column('encrypted_password', columns.text(2000), server_default='',
                                              nullable=False))
    op.add_column('server_details', sa.Column('rescue', columns.Json(), nullable=True))
    _pin()


def _pin() -> None:
    """Repeat in each server's row the zone that its request asked for."""
    servers = sa.table('servers', sa.column('id'), sa.column('pinned_zone'))
    details = sa.table('server_details', sa.column('server_id'), sa.column('placement'))
    connection = op.get_bind()
    for server_id, placement in connection.execute(sa.select(details.c.server_id, details.c.placement)).all():
        zone = json.loads(placement).get('zone', '')
        if zone:
            connection.execute(servers.update().where(servers.c.id == server_id).values(pinned_zone=zone))
