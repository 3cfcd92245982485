"""What a request asks of placement: amounts and traits, from the flavor's and the image's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...core.drivers.filter import Request
from ...core.services.placement import ResourceRequest
from . import grouping, seating

RESOURCES, TRAIT = "resources:", "trait:"


def resource_request(request: Request, limit: int) -> ResourceRequest:
    """The request as placement understands it.

    Extra specs ``resources:CLASS`` replace amounts (0 takes the class out), ``trait:NAME`` of
    the flavor or the image is ``required`` or ``forbidden``. Groups are those of :mod:`.grouping`.

    :raises BadRequest: such a key has another value.
    """
    required: set[str] = set()
    forbidden: set[str] = set()
    for name, word in (*_traits(request.extra_specs), *_traits(request.image_properties)):
        grouping.sort(name, word, required, forbidden)
    needed, avoided = seating.traits(request)
    required |= needed
    forbidden |= avoided
    specs, groups = request.extra_specs, grouping.groups(request.extra_specs)
    return ResourceRequest(resources=resources(request), required=sorted(required), forbidden=sorted(forbidden),
                           limit=limit, groups=groups, isolate=grouping.isolated(specs, groups),
                           in_tree=specs.get(grouping.TREE, ""), subtrees=grouping.subtrees(specs, groups))


def resources(request: Request) -> dict[str, int]:
    """Amounts by resource class; what comes to nothing is left out."""
    found = dict(request.resources)
    for key, text in request.extra_specs.items():
        if key.startswith(RESOURCES):
            found[key.removeprefix(RESOURCES)] = grouping.amount(key, text)
    return {class_: amount for class_, amount in found.items() if amount > 0}


def _traits(words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, value in words.items():
        if key.startswith(TRAIT):
            yield key.removeprefix(TRAIT), value
