"""What placement looks at before a body is read: media types, the caller's rights, and whether the provider is there.

A client that may not do something, or does it to a provider that is gone, learns that before it learns what is wrong
with its body.
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
    :raises NotFound: the provider in its path is not there.
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
    if "uuid" in call.path:
        with service.db.read() as tx:
            provider.get(tx, call.path["uuid"])
    if not request.content_length and not request.get_header("TRANSFER-ENCODING"):
        raise BadRequest("Malformed JSON: Expecting value: line 1 column 1 (char 0)")
