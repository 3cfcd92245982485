"""What rules are asked about before an image is known: the caller's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.http.call import Call


def own(service: Any, call: Call) -> Mapping[str, Any]:
    """An image of the caller's own project; the service asks again about the image itself."""
    project = call.context.project_id
    return {"project_id": project, "owner": project, "tenant_id": project, "member_id": project,
            "visibility": "private", "user_id": call.context.user_id}
