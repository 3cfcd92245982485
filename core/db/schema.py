"""Schemas: each slice's tables, and where the migrations that make them live.

A slice's revisions are the files ``NNNN_slug.py`` of its ``migrations`` folder; the number is
the revision. Revisions only expand, so release N runs on N+1's schema.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import sqlalchemy as sa

REVISION = re.compile(r"(\d{4})_\w+\.py")


@dataclasses.dataclass(frozen=True)
class Schema:
    """The tables of one slice and where its migrations live."""

    name: str
    metadata: sa.MetaData
    migrations: Path

    @property
    def version_table(self) -> str:
        """The table that holds the slice's present revision."""
        return f"revision_{self.name}"

    def head(self) -> str:
        """The newest revision there is a file for."""
        found = (REVISION.fullmatch(path.name) for path in self.migrations.iterdir())
        return max(match.group(1) for match in found if match)
