"""What a request asks of placement: amounts and traits, from the flavor's and the image's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...core.drivers.filter import Request
from ...core.errors import BadRequest
from ...core.services.placement import ResourceRequest

RESOURCES, TRAIT = "resources:", "trait:"


def resource_request(request: Request, limit: int) -> ResourceRequest:
    """The request as placement understands it.

    Extra specs ``resources:CLASS`` replace amounts (0 takes the class out), ``trait:NAME`` of
    the flavor or the image is ``required`` or ``forbidden``.

    :raises BadRequest: such a key has another value.
    """
    required: set[str] = set()
    forbidden: set[str] = set()
    for name, word in (*_traits(request.extra_specs), *_traits(request.image_properties)):
        if word not in ("required", "forbidden"):
            raise BadRequest(f"{TRAIT}{name} must be required or forbidden, not {word!r}")
        (required if word == "required" else forbidden).add(name)
    return ResourceRequest(resources=resources(request), required=sorted(required), forbidden=sorted(forbidden),
                           limit=limit)


def resources(request: Request) -> dict[str, int]:
    """Amounts by resource class; what comes to nothing is left out."""
    found = dict(request.resources)
    for key, text in request.extra_specs.items():
        if key.startswith(RESOURCES):
            if not (text.isascii() and text.isdigit()):
                raise BadRequest(f"{key} must be a number, not {text!r}")
            found[key.removeprefix(RESOURCES)] = int(text)
    return {class_: amount for class_, amount in found.items() if amount > 0}


def _traits(words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, value in words.items():
        if key.startswith(TRAIT):
            yield key.removeprefix(TRAIT), value
