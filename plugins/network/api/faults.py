"""Faults in the form of the Networking API."""

from __future__ import annotations

from typing import Any

from ....core.errors import CloudError

TYPES = {400: "HTTPBadRequest", 401: "HTTPUnauthorized", 403: "PolicyNotAuthorized", 404: "HTTPNotFound",
         405: "HTTPMethodNotAllowed", 409: "HTTPConflict", 413: "HTTPRequestEntityTooLarge",
         500: "HTTPInternalServerError", 503: "HTTPServiceUnavailable"}


def fault(status: int, error: CloudError) -> dict[str, Any]:
    """The body of a fault, with the error's own type or the status's."""
    kind = error.facts.get("type") or TYPES.get(status, "HTTPException")
    return {"NeutronError": {"type": kind, "message": error.message, "detail": ""}}
