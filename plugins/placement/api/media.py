"""The media types that placement takes and gives: JSON alone."""

from __future__ import annotations

from typing import Any

from ....core.errors import BadRequest, NotAcceptable, UnsupportedMedia

JSON = "application/json"


def admit(request: Any) -> None:
    """See that a request brings JSON and takes JSON.

    :raises NotAcceptable: it takes something else only.
    :raises UnsupportedMedia: it brings something else.
    :raises BadRequest: it brings something without saying what.
    """
    if request.method in ("POST", "PUT") and request.content_length:
        kind = request.content_type
        if not kind:
            raise BadRequest("content-type header required")
        if kind.partition(";")[0].strip().lower() != JSON:
            raise UnsupportedMedia(f"The media type {kind} is not supported, use {JSON}")
    if request.method == "GET" and request.accept not in ("*/*", JSON) and not request.client_accepts(JSON):
        raise NotAcceptable(f"Only {JSON} is provided")
