"""Moments as compute's bodies write them."""

from __future__ import annotations

import datetime


def moment(value: datetime.datetime | None) -> str | None:
    """A moment to the microsecond, without a zone: ``2030-01-01T00:00:00.000000``."""
    return None if value is None else f"{value:%Y-%m-%dT%H:%M:%S.%f}"
