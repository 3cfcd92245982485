"""The fault body of the Image API, in the form its clients know from WebOb's JSON errors."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from ....core.errors import CloudError


def fault(status: int, error: CloudError) -> Mapping[str, Any]:
    """The body that answers with ``error``."""
    title = HTTPStatus(status).phrase
    return {"code": f"{status} {title}", "title": title, "message": error.message}
