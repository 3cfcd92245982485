"""The media types of bodies that compute takes."""

from __future__ import annotations

from typing import Any

from ....core.errors import UnsupportedMedia
from ....core.http.call import Call

TAKEN = frozenset(("", "text/plain", "application/json", "application/vnd.openstack.compute+json"))
"""Types of bodies that are read as JSON; plain text is what clients send that set none."""


def admit(service: Any, call: Call) -> None:
    """See that a body is said to be JSON, or nothing. :raises UnsupportedMedia: it is said to be something else."""
    request = call.request
    if request.content_length and (request.content_type or "").partition(";")[0].strip().lower() not in TAKEN:
        raise UnsupportedMedia("Unsupported Content-Type")
