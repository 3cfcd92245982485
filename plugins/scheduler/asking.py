"""All that one decision asks of placement, and what each condition is called in explanations."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import msgspec

from ...core.drivers.ability import DISABLED
from ...core.drivers.filter import Request
from ...core.services.placement import ResourceRequest
from . import wishes
from .options import Options
from .request import resource_request
from .view import View

ENCRYPTED = "MEM_ENCRYPTION_CONTEXT"


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request to placement, and what its conditions are called in explanations."""

    request: ResourceRequest
    words: Mapping[tuple[str, ...], str] = dataclasses.field(default_factory=dict)


def asked(request: Request, options: Options, view: View, limit: int) -> Asked:
    """All that is asked of placement: what flavor and image say, what the machine must be able to, and where.

    A host that is forced is not asked for its aggregates, nor whether it is open to new servers.
    :raises BadRequest: the flavor or the image says what cannot be understood or is not to be had anywhere.
    :raises NoValidHost: nothing is kept for the project.
    """
    found, forced = resource_request(request, limit), bool(request.forced_host or request.forced_node)
    if wishes.encrypted(request):
        found = msgspec.structs.replace(found, resources={**found.resources, ENCRYPTED: 1})
    able = list(wishes.abilities(request, options))
    where = [] if forced else list(wishes.places(request, options, view))
    closed = [] if forced else wishes.closed(view)
    apart = [] if forced else wishes.isolated(found.required, options, view)
    if not (able or where or closed or apart):
        return Asked(found)
    words = {one.traits or one.aggregates: one.words for one in (*able, *where)}
    words[(DISABLED,)] = "a host whose compute service is enabled"
    return Asked(msgspec.structs.replace(
        found, any_of=[list(one.traits) for one in able], member_of=[list(one.aggregates) for one in where],
        forbidden=[*found.forbidden, *closed], forbidden_aggregates=apart), words)
