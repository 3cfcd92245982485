"""image: initial."""

import sqlalchemy as sa
from alembic import op

from stratolith.core.db import columns

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table('images',
    sa.Column('id', columns.key(), nullable=False),
    sa.Column('name', columns.text(255), nullable=True),
    sa.Column('owner', columns.key(), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('visibility', sa.String(length=16), nullable=False),
    sa.Column('disk_format', sa.String(length=20), nullable=True),
    sa.Column('container_format', sa.String(length=20), nullable=True),
    sa.Column('size', sa.BigInteger(), nullable=True),
    sa.Column('virtual_size', sa.BigInteger(), nullable=True),
    sa.Column('min_disk', sa.Integer(), nullable=False),
    sa.Column('min_ram', sa.Integer(), nullable=False),
    sa.Column('checksum', sa.String(length=32), nullable=True),
    sa.Column('os_hash_algo', sa.String(length=16), nullable=True),
    sa.Column('os_hash_value', sa.String(length=128), nullable=True),
    sa.Column('protected', sa.Boolean(), nullable=False),
    sa.Column('os_hidden', sa.Boolean(), nullable=False),
    sa.Column('properties', columns.Json(), nullable=False),
    sa.Column('tags', columns.Json(), nullable=False),
    sa.Column('staged', columns.Json(), nullable=True),
    sa.Column('beat_at', columns.Moment, nullable=True),
    sa.Column('created_at', columns.Moment, nullable=False),
    sa.Column('updated_at', columns.Moment, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('images_by_created', 'images', ['created_at', 'id'], unique=False)
    op.create_index('images_by_name', 'images', ['name'], unique=False)
    op.create_index('images_by_owner', 'images', ['owner', 'created_at'], unique=False)
    op.create_index('images_by_status', 'images', ['status'], unique=False)
    op.create_index('images_by_visibility', 'images', ['visibility', 'created_at'], unique=False)
    op.create_table('image_members',
    sa.Column('image_id', columns.key(), nullable=False),
    sa.Column('member', columns.key(), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('created_at', columns.Moment, nullable=False),
    sa.Column('updated_at', columns.Moment, nullable=False),
    sa.ForeignKeyConstraint(['image_id'], ['images.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('image_id', 'member')
    )
    op.create_index('image_members_by_member', 'image_members', ['member', 'status'], unique=False)
    op.create_table('image_properties',
    sa.Column('image_id', columns.key(), nullable=False),
    sa.Column('name', columns.text(255), nullable=False),
    sa.Column('value', columns.text(255), nullable=False),
    sa.ForeignKeyConstraint(['image_id'], ['images.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('image_id', 'name')
    )
    op.create_index('image_properties_by_name', 'image_properties', ['name', 'value'], unique=False)
    op.create_table('image_tags',
    sa.Column('image_id', columns.key(), nullable=False),
    sa.Column('tag', columns.text(255), nullable=False),
    sa.ForeignKeyConstraint(['image_id'], ['images.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('image_id', 'tag')
    )
    op.create_index('image_tags_by_tag', 'image_tags', ['tag'], unique=False)
