"""``stratolith simulate``: seeded lives of a whole cloud on virtual time."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..clock import System
from ..errors import BadRequest
from .command import Command

if TYPE_CHECKING:
    from ..conformance.simulation.seeds import Outcome, Summary

EACH = 20
"""Up to so many lives are told of one by one, of more now and then."""
EVERY = 10


class Simulate(Command):
    """Live seeded lives of a whole cloud on virtual time, and see that what must hold holds.

    Two tenants boot, resize, shelve, rescue and delete at random, with volumes, ports and addresses; operators move,
    evacuate, recover and close; hosts lose their power or are parted from the control side, messages and answers get
    lost, drivers fail, and the process is killed within writes and messages. After each event, and at the end when all
    has calmed down, no server may run twice, be lost or be stuck, no claim, guest, port or volume be left over, and
    usage be what is used. A seed that breaks something is printed with what had happened; the same seed does it again.
    """

    help = "live seeded lives of a cloud on virtual time"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=1, help="seed of the only life, or of the first")
        parser.add_argument("--seeds", default="1", help="how many lives, each with the next seed; or FIRST..LAST")
        parser.add_argument("--hosts", type=int, default=3, help="compute hosts of each cloud")
        parser.add_argument("--hours", type=float, default=0.09, help="virtual hours in which events happen")
        parser.add_argument("--jobs", "--workers", type=int, default=1, help="processes that live side by side")
        parser.add_argument("--bereaved", action="store_true",
                            help="hosts without power at the end return only once all servers are at rest")

    def run(self, arguments: argparse.Namespace) -> int:
        """Live them all; 1 if one broke."""
        from ..conformance.simulation.life import Plan
        from ..conformance.simulation.seeds import Summary, many
        seeds = _seeds(arguments)
        if arguments.hosts < 2 or not seeds or arguments.jobs < 1 or arguments.hours <= 0:
            raise BadRequest("seeds, jobs and hours are numbers above 0, and there are two hosts or more")
        summary, clock = Summary(), System()
        begun = clock.monotonic()
        plans = [Plan(seed, arguments.hours, arguments.bereaved) for seed in seeds]
        for outcome in many(plans, arguments.hosts, arguments.jobs):
            summary.add(outcome)
            _tell(outcome, summary, len(seeds), arguments)
        _sum_up(summary, clock.monotonic() - begun)
        return 1 if summary.broken else 0


def _seeds(arguments: argparse.Namespace) -> Sequence[int]:
    first, dots, last = str(arguments.seeds).partition("..")
    try:
        return range(int(first), int(last) + 1) if dots else range(arguments.seed, arguments.seed + int(first))
    except ValueError as exc:
        raise BadRequest(f"--seeds is a number or FIRST..LAST, not {arguments.seeds!r}") from exc


def _tell(outcome: Outcome, summary: Summary, whole: int, arguments: argparse.Namespace) -> None:
    if outcome.record is None:
        print(outcome.broken)
        more = " --bereaved" if arguments.bereaved else ""
        print(f"again: stratolith simulate --seed {outcome.seed} --hosts {arguments.hosts} --hours {arguments.hours:g}"
              f"{more}", flush=True)
    elif whole <= EACH:
        print(f"seed {outcome.seed}: {outcome.record.events.total()} events, {outcome.record.digest[:16]}", flush=True)
    if whole > EACH and summary.lives % EVERY == 0:
        print(f"{summary.lives} of {whole} lives, {len(summary.broken)} broken", flush=True)


def _sum_up(summary: Summary, seconds: float) -> None:
    from ..conformance.simulation.life import described
    print(f"events: {described(summary.events)}")
    print(f"of these: {described(summary.kinds)}; {summary.lives / seconds:.2f} lives a second")
    if summary.broken:
        print(f"broken: {', '.join(map(str, sorted(summary.broken)))}")
    print(f"{summary.lives} lives, {len(summary.broken)} broken")
