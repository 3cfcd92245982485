"""Many lives in chunks, over some files for the processes of the suite to share."""

import os

from stratolith.core.conformance.simulation.life import Plan
from stratolith.core.conformance.simulation.seeds import Summary, many

LIVES = int(os.environ.get("STRATOLITH_LIVES", "1000"))
"""The seeds 1 to this one are lived, every other with hosts that do not return before all servers are at rest."""
CHUNK = 10
FILES = 8
"""Enough that no process of the suite is left alone with a long one."""
HOSTS = 3


def chunks(file):
    """The first seeds of the chunks of a file: every eighth chunk."""
    return range(1 + CHUNK * (file - 1), LIVES + 1, CHUNK * FILES)


def lived(first):
    """Live a chunk; what broke, with what had happened and the command that does it again."""
    summary, broken = Summary(), []
    seeds = range(first, min(first + CHUNK, LIVES + 1))
    for outcome in many([Plan(seed, bereaved=seed % 2 == 0) for seed in seeds], HOSTS, 1):
        summary.add(outcome)
        if outcome.broken:
            broken.append(f"{outcome.broken}\nagain: stratolith simulate --seed {outcome.seed} --hosts {HOSTS}"
                          + " --bereaved" * (outcome.seed % 2 == 0))
    assert broken or summary.kinds["tenant"] > 15 * len(seeds)
    print(f"seeds {first} to {seeds[-1]}: {summary.lives} lives, {summary.events.total()} events")
    return "\n\n".join(broken)
