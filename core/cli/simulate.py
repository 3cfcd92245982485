"""``stratolith simulate``: seeded lives of a whole cloud on virtual time."""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections import Counter
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path

from ..errors import BadRequest
from .command import Command


class Simulate(Command):
    """Live seeded lives of a whole cloud on virtual time, and see that what must hold holds.

    Tenants boot, resize, shelve and delete at random; hosts die and return, are parted from the control side,
    drivers fail and lose answers, and the process is killed within writes. After each event, and at the end when
    all has calmed down, no server may run twice, be lost or be stuck, no claim, guest or port be left over, and
    usage be what is used. A seed that breaks something is printed with what had happened; the same seed does it again.
    """

    help = "live seeded lives of a cloud on virtual time"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=1, help="seed of the first life")
        parser.add_argument("--seeds", type=int, default=1, help="lives, each with the next seed")
        parser.add_argument("--hosts", type=int, default=3, help="compute hosts of each cloud")
        parser.add_argument("--hours", type=float, default=1.0, help="virtual hours of each life")
        parser.add_argument("--workers", type=int, default=1, help="lives at the same time, a process each")

    def run(self, arguments: argparse.Namespace) -> int:
        """Live them all; 1 if one broke."""
        if arguments.hosts < 1 or arguments.seeds < 1 or arguments.workers < 1 or arguments.hours <= 0:
            raise BadRequest("hosts, seeds, workers and hours are numbers above 0")
        with tempfile.TemporaryDirectory(prefix="stratolith-simulate-") as folder:
            broke = self._live(arguments, Path(folder))
        print(f"{arguments.seeds} lives, {broke} broken")
        return 1 if broke else 0

    def _live(self, arguments: argparse.Namespace, folder: Path) -> int:
        from ..conformance.simulation import prepare
        logging.disable(logging.CRITICAL)
        begun, broke = folder / "begun", 0
        ids = prepare(begun, arguments.hosts)
        with ProcessPoolExecutor(arguments.workers) as pool:
            lives: dict[Future[Counter[str] | str], int] = {
                pool.submit(one_life, seed, arguments.hosts, arguments.hours, begun, folder / f"life-{seed}", ids): seed
                for seed in range(arguments.seed, arguments.seed + arguments.seeds)}
            for life in as_completed(lives):
                result = life.result()
                broke += isinstance(result, str)
                print(result if isinstance(result, str) else f"seed {lives[life]}: {result.total()} events", flush=True)
        return broke


def one_life(seed: int, hosts: int, hours: float, begun: Path, folder: Path, ids: dict[str, str]) -> Counter[str] | str:
    """One life in this process: how often each event happened, or what broke."""
    import shutil

    from ..conformance.simulation import Broken, Life, Plan
    logging.disable(logging.CRITICAL)
    try:
        return Life(Plan(seed, hosts, hours), begun, folder, ids).run()
    except Broken as error:
        return str(error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
