"""Compute's fault bodies: ``{"itemNotFound": {"code": 404, "message": ...}}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import CloudError

NAMES: Mapping[int, str] = {
    400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound", 405: "badMethod",
    409: "conflictingRequest", 413: "overLimit", 415: "badMediaType", 429: "overLimit",
    501: "notImplemented", 503: "serviceUnavailable",
}


def fault(status: int, error: CloudError) -> Mapping[str, Any]:
    """The body of a fault with ``status``, named as the compute API guide's section on faults names them."""
    inner: dict[str, Any] = {"code": status, "message": error.message}
    if status in (413, 429):
        inner["retryAfter"] = str(error.facts.get("retry_after_s", 0))
    return {NAMES.get(status, "computeFault"): inner}
