"""placement: sole tenants."""

import sqlalchemy as sa
from alembic import op

from stratolith.core.db import columns

revision = "0002"
down_revision = '0001'


def upgrade() -> None:
    op.add_column('placement_consumers', sa.Column('sole', columns.key(), nullable=True))
    op.create_index('placement_consumers_by_sole', 'placement_consumers', ['sole'], unique=False)
