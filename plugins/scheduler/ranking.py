"""From hosts that pass to an order: each weigher's weights brought to 0..1, multiplied and summed."""

from __future__ import annotations

import operator
import random
from collections.abc import Sequence

from ...core.drivers.filter import Host, Request
from ...core.drivers.weigher import Weigher


def totals(hosts: Sequence[Host], request: Request, weighers: Sequence[Weigher]) -> list[float]:
    """The sum of all weighers' say for each host. A weigher that sees no difference adds nothing."""
    sums: list[float] | None = None
    for weigher in weighers:
        if not weigher.multiplier or not weigher.relevant(request):
            continue
        weights = weigher.weights(hosts, request)
        least, most = min(weights), max(weights)
        if least == most:
            continue
        scale = weigher.multiplier / (most - least)
        if sums is None:
            sums = [(weight - least) * scale for weight in weights]
        else:
            sums = [total + (weight - least) * scale for total, weight in zip(sums, weights, strict=True)]
    return [0.0] * len(hosts) if sums is None else sums


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
