"""compute: servers by name."""

import sqlalchemy as sa
from alembic import op

from stratolith.core.db import columns

revision = "0002"
down_revision = '0001'


def upgrade() -> None:
    op.create_index('servers_by_name', 'servers', ['project_id', 'deleted', 'name', 'id'], unique=False)
