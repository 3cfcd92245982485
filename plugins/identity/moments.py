"""Moments of bodies: when something that is lent ends."""

from __future__ import annotations

import datetime
import math

from ...core.errors import BadRequest


def ending(text: str | None, now: datetime.datetime) -> datetime.datetime | None:
    """The moment that an ``expires_at`` of a body names, naive and in UTC, or none.

    :raises BadRequest: it is no moment, or not one to come.
    """
    if text is None:
        return None
    try:
        found = datetime.datetime.fromisoformat(text)
        if found.tzinfo is not None:
            found = found.astimezone(datetime.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as exc:
        raise BadRequest("expires_at is no moment such as 2030-01-01T00:00:00.000000Z.") from exc
    if found <= now:
        raise BadRequest("expires_at must not be before now.")
    return found


def seconds(moment: datetime.datetime | None) -> float:
    """A moment of the database as seconds since the epoch; none is never."""
    return math.inf if moment is None else moment.replace(tzinfo=datetime.UTC).timestamp()
