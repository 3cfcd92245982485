"""What can be asked of the scheduler: its filters, its weighers, and the hints they read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.http.call import Call
from ....core.http.table import Operation
from ..service import Scheduler


def index(service: Scheduler, call: Call) -> Mapping[str, Any]:
    """The filters that hosts must pass, in their order, and the weighers."""
    filters = [{"name": name, "keeps": facts.sentence, "hints": facts.hints, "extra_specs": facts.extra_specs,
                "image_properties": facts.image_properties}
               for name, one in service.policies.default.filters for facts in [one.facts()]]
    weighers = [{"name": name, "prefers": one.facts().sentence, "multiplier": one.multiplier}
                for name, one in service.policies.default.weighers]
    return {"filters": filters, "weighers": weighers}


def hints(service: Scheduler, call: Call) -> Mapping[str, Any]:
    """The hints that a server may be created with here, and which filters read each."""
    found: dict[str, list[str]] = {}
    for name, one in service.policies.default.filters:
        for hint in one.facts().hints:
            found.setdefault(hint, []).append(name)
    return {"hints": [{"name": name, "filters": readers} for name, readers in sorted(found.items())]}


OPERATIONS = (
    Operation("GET", "/v1/filters", index, "scheduler:list_filters", summary="List filters and weighers"),
    Operation("GET", "/v1/hints", hints, "scheduler:list_hints", summary="List scheduler hints"),
)
