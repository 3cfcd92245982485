"""The body of the scheduler's faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.errors import CloudError


def fault(status: int, error: CloudError) -> Mapping[str, Any]:
    """One error: its stable code and a sentence."""
    return {"error": {"status": status, "code": error.code, "message": str(error)}}
