"""The collection that all tables of block storage belong to."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()
