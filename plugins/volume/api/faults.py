"""The fault body of the Block Storage API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import CloudError

NAMES = {400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound", 405: "badMethod",
         406: "notAcceptable", 409: "conflictingRequest", 413: "overLimit", 415: "badMediaType",
         429: "overLimit", 501: "notImplemented", 503: "serviceUnavailable"}


def fault(status: int, error: CloudError) -> Mapping[str, Any]:
    """The body that answers with ``error``."""
    body: dict[str, Any] = {"code": status, "message": error.message}
    if status == 413:
        body["retryAfter"] = "0"
    if error.facts.get("microversion") and "min_version" in error.facts:
        body.update(min_version=error.facts["min_version"], max_version=error.facts["max_version"])
    return {NAMES.get(status, "computeFault"): body}
