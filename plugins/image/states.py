"""The states of an image, and the one function that moves it from one to another."""

from __future__ import annotations

from typing import Any

from ...core.db.engine import Transaction
from ...core.errors import WrongState
from .tables import images

FLOW = (
    # from           event          to
    ("queued",      "upload",      "saving"),
    ("saving",      "stored",      "active"),
    ("saving",      "failed",      "queued"),
    ("queued",      "stage",       "uploading"),
    ("uploading",   "failed",      "queued"),
    ("uploading",   "import",      "importing"),
    ("importing",   "stored",      "active"),
    ("importing",   "failed",      "queued"),
    ("active",      "deactivate",  "deactivated"),
    ("deactivated", "deactivate",  "deactivated"),
    ("deactivated", "reactivate",  "active"),
    ("active",      "reactivate",  "active"),
)
NEXT = {(state, event): to for state, event, to in FLOW}


def step(tx: Transaction, image_id: str, state: str, event: str, **values: Any) -> str:
    """Move an image on by ``event`` if it still is in ``state``; return the new state.

    :raises WrongState: the event does not fit the state, or another request was first.
    """
    to = NEXT.get((state, event))
    if to is None or not tx.change(images, image_id, {"status": state}, status=to, **values):
        raise WrongState(f"Image status transition from {state} by {event} is not allowed")
    return to
