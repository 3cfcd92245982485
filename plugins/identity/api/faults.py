"""Identity's fault body: code, title and message under ``error``."""

from __future__ import annotations

import http
from collections.abc import Mapping
from typing import Any

from ....core.errors import CloudError


def fault(status: int, error: CloudError) -> Mapping[str, Any]:
    """The body of a fault."""
    message = error.message
    if rule := error.facts.get("rule"):
        message = f"You are not authorized to perform the requested action: {rule}."
    return {"error": {"code": status, "title": title(status), "message": message}}


def title(status: int) -> str:
    """The name of a status, as HTTP has it."""
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Error"
