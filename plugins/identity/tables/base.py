"""The one catalog of tables that all of identity's belong to."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()
