"""volume: initial."""

import sqlalchemy as sa
from alembic import op

from stratolith.core.db import columns

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table('volume_attachments',
    sa.Column('id', columns.key(), nullable=False),
    sa.Column('volume_id', columns.key(), nullable=False),
    sa.Column('project_id', columns.key(), nullable=False),
    sa.Column('server_id', columns.key(), nullable=True),
    sa.Column('host', columns.text(255), nullable=True),
    sa.Column('device', columns.text(255), nullable=True),
    sa.Column('mode', sa.String(length=2), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('connector', columns.Json(), nullable=True),
    sa.Column('connection', columns.Json(), nullable=True),
    sa.Column('by_compute', sa.Boolean(), nullable=False),
    sa.Column('attached_at', columns.Moment, nullable=True),
    sa.Column('created_at', columns.Moment, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('volume_attachments_by_project', 'volume_attachments', ['project_id', 'created_at'], unique=False)
    op.create_index('volume_attachments_by_server', 'volume_attachments', ['server_id'], unique=False)
    op.create_index('volume_attachments_by_volume', 'volume_attachments', ['volume_id'], unique=False)
    op.create_table('volume_metadata',
    sa.Column('owner_id', columns.key(), nullable=False),
    sa.Column('name', columns.text(255), nullable=False),
    sa.Column('value', columns.text(255), nullable=False),
    sa.PrimaryKeyConstraint('owner_id', 'name')
    )
    op.create_index('volume_metadata_by_name', 'volume_metadata', ['name', 'value'], unique=False)
    op.create_table('volume_quotas',
    sa.Column('project_id', columns.key(), nullable=False),
    sa.Column('resource', columns.text(255), nullable=False),
    sa.Column('limit', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('project_id', 'resource')
    )
    op.create_table('volume_services',
    sa.Column('host', columns.text(255), nullable=False),
    sa.Column('binary', columns.text(64), nullable=False),
    sa.Column('zone', columns.text(255), nullable=False),
    sa.Column('disabled', sa.Boolean(), nullable=False),
    sa.Column('disabled_reason', columns.text(255), nullable=True),
    sa.Column('frozen', sa.Boolean(), nullable=False),
    sa.Column('beat_at', columns.Moment, nullable=False),
    sa.PrimaryKeyConstraint('host', 'binary')
    )
    op.create_table('volume_snapshots',
    sa.Column('id', columns.key(), nullable=False),
    sa.Column('volume_id', columns.key(), nullable=False),
    sa.Column('project_id', columns.key(), nullable=False),
    sa.Column('user_id', columns.key(), nullable=False),
    sa.Column('name', columns.text(255), nullable=True),
    sa.Column('description', columns.text(255), nullable=True),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('status', sa.String(length=32), nullable=False),
    sa.Column('progress', sa.String(length=8), nullable=False),
    sa.Column('metadata', columns.Json(), nullable=False),
    sa.Column('created_at', columns.Moment, nullable=False),
    sa.Column('updated_at', columns.Moment, nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('volume_snapshots_by_project', 'volume_snapshots', ['project_id', 'created_at'], unique=False)
    op.create_index('volume_snapshots_by_volume', 'volume_snapshots', ['volume_id'], unique=False)
    op.create_index('volume_snapshots_usage', 'volume_snapshots', ['project_id', 'size'], unique=False)
    op.create_table('volume_transfers',
    sa.Column('id', columns.key(), nullable=False),
    sa.Column('volume_id', columns.key(), nullable=False),
    sa.Column('project_id', columns.key(), nullable=False),
    sa.Column('name', columns.text(255), nullable=True),
    sa.Column('salt', sa.String(length=32), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('created_at', columns.Moment, nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('volume_id')
    )
    op.create_index('volume_transfers_by_project', 'volume_transfers', ['project_id', 'created_at'], unique=False)
    op.create_table('volume_types',
    sa.Column('id', columns.key(), nullable=False),
    sa.Column('name', columns.text(255), nullable=False),
    sa.Column('description', columns.text(255), nullable=True),
    sa.Column('is_public', sa.Boolean(), nullable=False),
    sa.Column('extra_specs', columns.Json(), nullable=False),
    sa.Column('encryption', columns.Json(), nullable=True),
    sa.Column('created_at', columns.Moment, nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('name')
    )
    op.create_table('volumes',
    sa.Column('id', columns.key(), nullable=False),
    sa.Column('project_id', columns.key(), nullable=False),
    sa.Column('user_id', columns.key(), nullable=False),
    sa.Column('name', columns.text(255), nullable=True),
    sa.Column('description', columns.text(255), nullable=True),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('growing', sa.Integer(), nullable=False),
    sa.Column('status', sa.String(length=32), nullable=False),
    sa.Column('zone', columns.text(255), nullable=False),
    sa.Column('type_id', columns.key(), nullable=False),
    sa.Column('host', columns.text(255), nullable=False),
    sa.Column('backend', columns.text(64), nullable=False),
    sa.Column('bootable', sa.Boolean(), nullable=False),
    sa.Column('multiattach', sa.Boolean(), nullable=False),
    sa.Column('readonly', sa.Boolean(), nullable=True),
    sa.Column('snapshot_id', columns.key(), nullable=True),
    sa.Column('source_id', columns.key(), nullable=True),
    sa.Column('metadata', columns.Json(), nullable=False),
    sa.Column('image_metadata', columns.Json(), nullable=True),
    sa.Column('created_at', columns.Moment, nullable=False),
    sa.Column('updated_at', columns.Moment, nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('volumes_by_created', 'volumes', ['created_at', 'id'], unique=False)
    op.create_index('volumes_by_name', 'volumes', ['project_id', 'name'], unique=False)
    op.create_index('volumes_by_project', 'volumes', ['project_id', 'created_at'], unique=False)
    op.create_index('volumes_by_status', 'volumes', ['status'], unique=False)
    op.create_index('volumes_by_type', 'volumes', ['type_id'], unique=False)
    op.create_index('volumes_usage', 'volumes', ['project_id', 'size', 'growing'], unique=False)
    op.create_table('volume_type_access',
    sa.Column('type_id', columns.key(), nullable=False),
    sa.Column('project_id', columns.key(), nullable=False),
    sa.ForeignKeyConstraint(['type_id'], ['volume_types.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('type_id', 'project_id')
    )
