"""Many lives, each with its seed, over some processes."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import logging
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from .cradle import Broken, Cradle
from .life import Life, Plan, Record

_CRADLES: dict[int, Cradle] = {}
"""Those of this process by their number of hosts, made once."""
COLLECT_AT = (1_000_000, 5, 5)
"""Thresholds of the collector of garbage, above what a life of a few minutes leaves."""
MEMORY = "/dev/shm"
"""Where files are kept in memory, on a machine that has it: lives have many that are small and last for seconds."""
_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a life ended: with its record, or with what broke."""

    seed: int
    record: Record | None
    broken: str = ""


@dataclasses.dataclass
class Summary:
    """What came of many lives."""

    lives: int = 0
    broken: list[int] = dataclasses.field(default_factory=list)
    events: Counter[str] = dataclasses.field(default_factory=Counter)
    kinds: Counter[str] = dataclasses.field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Count one more life."""
        self.lives += 1
        if outcome.record is None:
            self.broken.append(outcome.seed)
        else:
            self.events += outcome.record.events
            self.kinds += outcome.record.kinds


def cradle(hosts: int) -> Cradle:
    """The cradle of this process for clouds of so many hosts."""
    if hosts not in _CRADLES:
        memory = MEMORY if os.access(MEMORY, os.W_OK) else None
        _FOLDERS.append(tempfile.TemporaryDirectory(prefix="stratolith-simulate-", dir=memory))
        _CRADLES[hosts] = Cradle(Path(_FOLDERS[-1].name), hosts)
    return _CRADLES[hosts]


def live(plan: Plan, hosts: int) -> Outcome:
    """One life in this process, in silence."""
    with _quiet():
        begun = cradle(hosts)
        try:
            return Outcome(plan.seed, Life(begun, plan, begun.folder / f"life-{plan.seed}").run())
        except Broken as error:
            return Outcome(plan.seed, None, str(error))
        finally:
            begun.forget()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Nothing is logged, and garbage is collected at the end, or in long lives when there is much of it.

    What was there before the life is not looked at then.
    """
    level, thresholds = logging.root.manager.disable, gc.get_threshold()
    logging.disable(logging.CRITICAL)
    gc.set_threshold(*COLLECT_AT)
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        logging.disable(level)


def many(plans: Sequence[Plan], hosts: int, jobs: int) -> Iterator[Outcome]:
    """All these lives over so many processes, as they end."""
    if jobs == 1:
        yield from (live(plan, hosts) for plan in plans)
        return
    with ProcessPoolExecutor(jobs) as pool:
        for ended in as_completed([pool.submit(live, plan, hosts) for plan in plans]):
            yield ended.result()
