"""What placement tells before it tells what is wrong with a body.

That is a media type, what the caller may not do, and that the provider is gone.
"""

from __future__ import annotations

from typing import Any

from ....core.errors import BadRequest, NotAcceptable, UnsupportedMedia
from ....core.http.call import Call, own
from .. import provider

JSON = "application/json"
WRITING = ("POST", "PUT")


def admit(service: Any, call: Call) -> None:
    """See that a request brings JSON and takes JSON, from who may do it to a provider that is there.

    :raises NotAcceptable: it takes something else only.
    :raises UnsupportedMedia: it brings something else.
    :raises BadRequest: it brings something without saying what, or nothing where something is needed.
    :raises Forbidden: the caller may not do it.
    :raises NotFound: it brings no body for a provider that is not there.
    """
    request = call.request
    if request.method == "GET":
        if request.accept not in ("*/*", JSON) and not request.client_accepts(JSON):
            raise NotAcceptable(f"Only {JSON} is provided")
    elif request.method in WRITING:
        _admit_body(service, call)


def _admit_body(service: Any, call: Call) -> None:
    request, wanted = call.request, call.operation.body is not None
    kind = request.content_type
    if request.content_length and not kind:
        raise BadRequest("content-type header required")
    if (request.content_length or wanted) and (kind or "").partition(";")[0].strip().lower() != JSON:
        raise UnsupportedMedia(f"The media type {kind} is not supported, use {JSON}")
    if not wanted:
        return
    call.enforce(call.operation.rule, own(call.context))
    if not request.content_length and not request.get_header("TRANSFER-ENCODING"):
        present(service, call)
        raise BadRequest("Malformed JSON: Expecting value: line 1 column 1 (char 0)")


def present(service: Any, call: Call) -> None:
    """See that the provider in a path is there when something is written to it. :raises NotFound: it is not."""
    if call.request.method in WRITING and "uuid" in call.path:
        with service.db.read() as tx:
            provider.get(tx, call.path["uuid"])
