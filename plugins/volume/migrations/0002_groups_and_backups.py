"""volume: groups and backups."""

import json

import sqlalchemy as sa
from alembic import op

from stratolith.core.db import columns

revision = "0002"
down_revision = '0001'


def upgrade() -> None:
    _backups()
    _groups()
    _defaults_and_qos()
    _messages()
    _new_columns()
    _rows_of_image_metadata()


def _backups() -> None:
    op.create_table('volume_backups',
    sa.Column('id', columns.key(), nullable=False),
    sa.Column('project_id', columns.key(), nullable=False),
    sa.Column('user_id', columns.key(), nullable=False),
    sa.Column('volume_id', columns.key(), nullable=False),
    sa.Column('snapshot_id', columns.key(), nullable=True),
    sa.Column('parent_id', columns.key(), nullable=True),
    sa.Column('data_id', columns.key(), nullable=False),
    sa.Column('name', columns.text(255), nullable=True),
    sa.Column('description', columns.text(255), nullable=True),
    sa.Column('status', sa.String(length=32), nullable=False),
    sa.Column('fail_reason', columns.text(255), nullable=True),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('object_count', sa.Integer(), nullable=False),
    sa.Column('container', columns.text(255), nullable=True),
    sa.Column('zone', columns.text(255), nullable=True),
    sa.Column('driver', columns.text(64), nullable=False),
    sa.Column('host', columns.text(255), nullable=False),
    sa.Column('metadata', columns.Json(), nullable=False),
    sa.Column('origin', columns.Json(), nullable=False),
    sa.Column('data_at', columns.Moment, nullable=True),
    sa.Column('created_at', columns.Moment, nullable=False),
    sa.Column('updated_at', columns.Moment, nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('volume_backups_by_data', 'volume_backups', ['data_id'], unique=False)
    op.create_index('volume_backups_by_parent', 'volume_backups', ['parent_id'], unique=False)
    op.create_index('volume_backups_by_project', 'volume_backups', ['project_id', 'created_at'], unique=False)
    op.create_index('volume_backups_by_volume', 'volume_backups', ['volume_id'], unique=False)
    op.create_index('volume_backups_usage', 'volume_backups', ['project_id', 'size'], unique=False)


def _groups() -> None:
    op.create_table('volume_group_snapshots',
    sa.Column('id', columns.key(), nullable=False),
    sa.Column('group_id', columns.key(), nullable=False),
    sa.Column('group_type_id', columns.key(), nullable=False),
    sa.Column('project_id', columns.key(), nullable=False),
    sa.Column('user_id', columns.key(), nullable=False),
    sa.Column('name', columns.text(255), nullable=True),
    sa.Column('description', columns.text(255), nullable=True),
    sa.Column('status', sa.String(length=32), nullable=False),
    sa.Column('created_at', columns.Moment, nullable=False),
    sa.Column('updated_at', columns.Moment, nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('volume_group_snapshots_by_group', 'volume_group_snapshots', ['group_id'], unique=False)
    op.create_index('volume_group_snapshots_by_project', 'volume_group_snapshots', ['project_id', 'created_at'], unique=False)
    op.create_table('volume_group_types',
    sa.Column('id', columns.key(), nullable=False),
    sa.Column('name', columns.text(255), nullable=False),
    sa.Column('description', columns.text(255), nullable=True),
    sa.Column('is_public', sa.Boolean(), nullable=False),
    sa.Column('specs', columns.Json(), nullable=False),
    sa.Column('created_at', columns.Moment, nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('name')
    )
    op.create_table('volume_groups',
    sa.Column('id', columns.key(), nullable=False),
    sa.Column('project_id', columns.key(), nullable=False),
    sa.Column('user_id', columns.key(), nullable=False),
    sa.Column('name', columns.text(255), nullable=True),
    sa.Column('description', columns.text(255), nullable=True),
    sa.Column('type_id', columns.key(), nullable=False),
    sa.Column('volume_types', columns.Json(), nullable=False),
    sa.Column('status', sa.String(length=32), nullable=False),
    sa.Column('zone', columns.text(255), nullable=False),
    sa.Column('host', columns.text(255), nullable=False),
    sa.Column('backend', columns.text(64), nullable=False),
    sa.Column('group_snapshot_id', columns.key(), nullable=True),
    sa.Column('source_group_id', columns.key(), nullable=True),
    sa.Column('created_at', columns.Moment, nullable=False),
    sa.Column('updated_at', columns.Moment, nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('volume_groups_by_project', 'volume_groups', ['project_id', 'created_at'], unique=False)
    op.create_index('volume_groups_by_type', 'volume_groups', ['type_id'], unique=False)


def _defaults_and_qos() -> None:
    op.create_table('volume_default_types',
    sa.Column('project_id', columns.key(), nullable=False),
    sa.Column('type_id', columns.key(), nullable=False),
    sa.PrimaryKeyConstraint('project_id')
    )
    op.create_index('volume_default_types_by_type', 'volume_default_types', ['type_id'], unique=False)
    op.create_table('volume_qos_specs',
    sa.Column('id', columns.key(), nullable=False),
    sa.Column('name', columns.text(255), nullable=False),
    sa.Column('consumer', sa.String(length=16), nullable=False),
    sa.Column('specs', columns.Json(), nullable=False),
    sa.Column('created_at', columns.Moment, nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('name')
    )


def _messages() -> None:
    op.create_table('volume_messages',
    sa.Column('id', columns.key(), nullable=False),
    sa.Column('project_id', columns.key(), nullable=False),
    sa.Column('request_id', columns.text(255), nullable=False),
    sa.Column('resource_type', sa.String(length=32), nullable=False),
    sa.Column('resource_uuid', columns.key(), nullable=True),
    sa.Column('event_id', sa.String(length=64), nullable=False),
    sa.Column('action', sa.String(length=3), nullable=False),
    sa.Column('detail', sa.String(length=3), nullable=False),
    sa.Column('message_level', sa.String(length=16), nullable=False),
    sa.Column('created_at', columns.Moment, nullable=False),
    sa.Column('expires_at', columns.Moment, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('volume_messages_by_expiry', 'volume_messages', ['expires_at'], unique=False)
    op.create_index('volume_messages_by_project', 'volume_messages', ['project_id', 'created_at'], unique=False)


def _new_columns() -> None:
    op.add_column('volume_snapshots', sa.Column('group_snapshot_id', columns.key(), nullable=True))
    op.add_column('volume_snapshots', sa.Column('consumes_quota', sa.Boolean(), server_default=sa.true(), nullable=False))
    op.create_index('volume_snapshots_by_group', 'volume_snapshots', ['group_snapshot_id'], unique=False)
    op.add_column('volume_transfers', sa.Column('no_snapshots', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('volume_types', sa.Column('qos_id', columns.key(), nullable=True))
    op.create_index('volume_types_by_qos', 'volume_types', ['qos_id'], unique=False)
    op.add_column('volumes', sa.Column('group_id', columns.key(), nullable=True))
    op.add_column('volumes', sa.Column('migration_status', sa.String(length=32), nullable=True))
    op.add_column('volumes', sa.Column('consumes_quota', sa.Boolean(), server_default=sa.true(), nullable=False))
    op.create_index('volumes_by_group', 'volumes', ['group_id'], unique=False)
    op.create_index('volumes_by_host', 'volumes', ['host'], unique=False)


def _rows_of_image_metadata() -> None:
    """Lists can be filtered by what volumes remember of their images: from now on by rows, as by metadata."""
    bind = op.get_bind()
    known = bind.execute(sa.text("SELECT id, image_metadata FROM volumes WHERE image_metadata IS NOT NULL")).fetchall()
    marks = sa.table("volume_metadata", sa.column("owner_id"), sa.column("name"), sa.column("value"))
    for volume_id, text in known:
        for name, value in (json.loads(text) or {}).items():
            if len(name) <= 255 and len(str(value)) <= 255:
                bind.execute(marks.insert().values(owner_id=f"image:{volume_id}", name=name, value=str(value)))
