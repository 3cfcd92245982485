"""What can be asked of the scheduler: its filters, its weighers, and the hints they read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.http.call import Call
from ....core.http.table import Operation
from ..service import Scheduler


def index(service: Scheduler, call: Call) -> Mapping[str, Any]:
    """The filters that hosts must pass, in their order, and the weighers; then the names of those of other policies."""
    filters = [{"name": name, "keeps": facts.sentence, "hints": facts.hints, "extra_specs": facts.extra_specs,
                "image_properties": facts.image_properties}
               for name, one in service.policies.default.filters for facts in [one.facts()]]
    weighers = [{"name": name, "prefers": one.facts().sentence, "multiplier": one.multiplier}
                for name, one in service.policies.default.weighers]
    policies = [{"name": one.name, "filters": [name for name, _ in one.filters],
                 "weighers": [name for name, _ in one.weighers]} for one in service.policies.all()[1:]]
    return {"filters": filters, "weighers": weighers, "policies": policies}


def hints(service: Scheduler, call: Call) -> Mapping[str, Any]:
    """The hints that a server may be created with here, which filters read each, and what these keep.

    A hint that is not among them is kept with the server and read by nobody.
    """
    found: dict[str, dict[str, str]] = {}
    for policy in service.policies.all():
        for name, one in policy.filters:
            for hint in one.facts().hints:
                found.setdefault(hint, {})[name] = one.facts().sentence
    return {"hints": [{"name": name, "filters": list(readers), "keeps": list(readers.values())}
                      for name, readers in sorted(found.items())]}


OPERATIONS = (
    Operation("GET", "/v1/filters", index, "scheduler:list_filters", summary="List filters and weighers"),
    Operation("GET", "/v1/hints", hints, "scheduler:list_hints", summary="List scheduler hints"),
)
