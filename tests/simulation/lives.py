"""A thousand lives in chunks, a file for each process of the suite to take."""

import time

from stratolith.core.conformance.simulation.life import Plan
from stratolith.core.conformance.simulation.seeds import Summary, many

CHUNK = 50
HOSTS = 3


def chunks(first, last):
    """The first seeds of the chunks from ``first`` to ``last``."""
    return range(first, last + 1, CHUNK)


def lived(first):
    """Live a chunk; what broke, with what had happened and the command that does it again."""
    summary, broken, begun = Summary(), [], time.monotonic()
    for outcome in many([Plan(seed) for seed in range(first, first + CHUNK)], HOSTS, 1):
        summary.add(outcome)
        if outcome.broken:
            broken.append(f"{outcome.broken}\nagain: stratolith simulate --seed {outcome.seed} --hosts {HOSTS}")
    assert summary.kinds["tenant"] > 15 * CHUNK
    print(f"seeds {first} to {first + CHUNK - 1}: {summary.lives} lives, {summary.events.total()} events, "
          f"{time.monotonic() - begun:.0f} s")
    return "\n\n".join(broken)
