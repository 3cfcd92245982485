"""From the hosts that one policy decides about to the best of them.

Filters come first and weighers order what they leave. What hosts have left for particular guests is dear to find out,
so it is asked for a few hosts at a time, the best first, and filters that read it come last.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from ...core.drivers.filter import Host, Request
from . import seating
from .narrowing import Named, Narrowing, forced, narrow
from .policies import Policy
from .ranking import ranked

TOGETHER = 64
"""Hosts whose rooms are asked for at once."""
Furnish = Callable[[Sequence[Host]], None]


def choose(hosts: Sequence[Host], request: Request, policy: Policy, chance: random.Random, count: int,
           furnish: Furnish) -> Narrowing:
    """The ``count`` best hosts that pass, best first, and the steps that led there. ``furnish`` gives hosts rooms."""
    weighers = [one for _, one in policy.weighers]
    if not seating.particular(request):
        state = narrow(hosts, request, policy.filters)
        state.hosts = ranked(state.hosts, request, weighers, chance, policy.host_subset_size, count)
        return state
    state = narrow(hosts, request, [named for named in policy.filters if not named[1].reads_rooms])
    order = ranked(state.hosts, request, weighers, chance, policy.host_subset_size, len(state.hosts))
    late = [] if forced(request) else [named for named in policy.filters if named[1].reads_rooms]
    found = with_room(order, request, late, count, furnish)
    return Narrowing(found.hosts, state.lines + found.lines)


def with_room(order: Sequence[Host], request: Request, filters: Sequence[Named], count: int, furnish: Furnish
              ) -> Narrowing:
    """The first ``count`` hosts that also pass ``filters``, which read rooms; it looks no further than to find them."""
    sums = {name: [0, 0] for name, _ in filters}
    found: list[Host] = []
    looked = 0
    while looked < len(order) and len(found) < count:
        left = list(order[looked:looked + TOGETHER])
        looked += len(left)
        furnish(left)
        for name, one in filters:
            sums[name][1] += len(left)
            left = one.survivors(left, request)
            sums[name][0] += len(left)
        found += left
    lines = [f"seats: looked for on the best {looked} of {len(order)}"] if looked < len(order) else []
    return Narrowing(found[:count], [*lines, *(f"{name}: {passed} of {came} left"
                                               for name, (passed, came) in sums.items() if came)])
