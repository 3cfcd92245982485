"""compute: tokens of remote consoles."""

import sqlalchemy as sa
from alembic import op

from stratolith.core.db import columns

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table('console_tokens',
        sa.Column('id', columns.key(), nullable=False),
        sa.Column('server_id', columns.key(), nullable=False),
        sa.Column('host', columns.text(255), nullable=False),
        sa.Column('kind', sa.String(length=8), nullable=False),
        sa.Column('type', sa.String(length=16), nullable=False),
        sa.Column('expires_at', sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint('id')
    )
    op.create_index('console_tokens_by_end', 'console_tokens', ['expires_at'], unique=False)
    op.create_table('console_proxies',
        sa.Column('host', columns.text(255), nullable=False),
        sa.Column('url', columns.text(255), nullable=False),
        sa.PrimaryKeyConstraint('host')
    )
