"""From hosts that pass to an order: each weigher's weights brought to 0..1, multiplied and summed."""

from __future__ import annotations

import math
import operator
import random
from collections.abc import Sequence

from ...core.drivers.filter import Host, Request
from ...core.drivers.weigher import Weigher

MULTIPLIER = "_weight_multiplier"


def totals(hosts: Sequence[Host], request: Request, weighers: Sequence[Weigher]) -> list[float]:
    """The sum of all weighers' say for each host. A weigher that sees no difference adds nothing."""
    sums: list[float] | None = None
    own = _multipliers(hosts)
    for weigher in weighers:
        said = own.get(weigher.aggregate_key)
        if not (weigher.multiplier or said) or not weigher.relevant(request):
            continue
        weights = weigher.weights(hosts, request)
        least, most = min(weights), max(weights)
        if least == most:
            continue
        scale = weigher.multiplier / (most - least)
        parts = [(weight - least) * scale for weight in weights]
        for number, multiplier in (said or {}).items():
            parts[number] = (weights[number] - least) * multiplier / (most - least)
        sums = parts if sums is None else [total + part for total, part in zip(sums, parts, strict=True)]
    return [0.0] * len(hosts) if sums is None else sums


def _multipliers(hosts: Sequence[Host]) -> dict[str, dict[int, float]]:
    """The multipliers that aggregates set for their hosts: by metadata key, then by the host's place in the list."""
    found: dict[str, dict[int, float]] = {}
    groups = {id(one): one for host in hosts for one in host.aggregates}
    if not any(key.endswith(MULTIPLIER) for one in groups.values() for key in one.metadata):
        return found
    for number, host in enumerate(hosts):
        for aggregate in host.aggregates:
            for key, text in aggregate.metadata.items():
                if key.endswith(MULTIPLIER) and (value := _number(text)) is not None:
                    of_key = found.setdefault(key, {})
                    of_key[number] = min(value, of_key.get(number, value))
    return found


def _number(text: str) -> float | None:
    """A finite number, or none: a word that is no number is as if it were not there."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def ranked(hosts: Sequence[Host], request: Request, weighers: Sequence[Weigher], chance: random.Random,
           subset_size: int, count: int) -> list[Host]:
    """The ``count`` best hosts, best first; equals, and the ``subset_size`` best, in an order of chance."""
    if len(hosts) < 2:
        return list(hosts)
    sums = totals(hosts, request, weighers)
    bar = _bar(sums, max(count, subset_size))
    best = [(total, chance.random(), number) for number, total in enumerate(sums) if total >= bar]
    best.sort(key=operator.itemgetter(0, 1), reverse=True)
    subset = best[:max(1, subset_size)]
    chance.shuffle(subset)
    return [hosts[number] for _, _, number in (*subset, *best[len(subset):])][:count]


def _bar(sums: Sequence[float], count: int) -> float:
    """The ``count``-th largest number."""
    if count >= len(sums):
        return min(sums)
    return sorted(sums, reverse=True)[count - 1]
