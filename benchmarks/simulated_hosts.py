"""What simulated hosts cost: memory and seconds for each 1,000 of them in one process, and how that grows.

    python benchmarks/simulated_hosts.py [--hosts 1000,3000,10000] [--periods 6] [--persist] [--network]

Each number of hosts gets a process and a folder of its own: compute, placement and scheduler on SQLite, time that is
virtual. Prints, for each, the seconds, CPU time and MiB the start took (the hosts' agents register), and the CPU time
and the queries of a period of ten virtual seconds, in which all hosts beat; and the power of their number that each
grows with: 1 is linear. ``--persist`` keeps guests on file, ``--network`` has the hosts' network agents beside.
"""

from __future__ import annotations

import argparse
import gc
import math
import multiprocessing
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from stratolith.core.clock import Virtual
from stratolith.core.config import Configuration
from stratolith.core.executor import Seeded
from stratolith.core.process.cloud import Cloud, Place

PERIOD_S = 10.0
MIB = 1 << 20
FIGURES = ("start_s", "start_cpu_s", "memory_mib", "period_cpu_s", "queries")


def resident() -> int:
    """Bytes that this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def made(folder: Path, hosts: int, persist: bool, network: bool) -> tuple[Cloud, Seeded]:
    """A cloud of so many hosts, not started."""
    clock = Virtual(seed=1)
    executor = Seeded(clock)
    names = f"node-{{1..{hosts}}}"
    sections = {"compute": {"hosts": names, "console_listen": ""}, "network": {"hosts": names},
                "hypervisors.simulated": {"persist": str(persist).lower()}}
    services = ["identity", "compute", "placement", "scheduler", *(["network"] if network else [])]
    place = Place(state_dir=folder / "state", run_dir=folder / "run", services=services, ephemeral=True,
                  agents=("compute", "network") if network else ("compute",))
    return Cloud(Configuration.read(None, {}, sections), clock, executor, place), executor


def measured(hosts: int, options: argparse.Namespace) -> dict[str, float]:
    """The figures of a start and of the periods behind it."""
    with tempfile.TemporaryDirectory() as folder:
        begun, cpu, before = time.perf_counter(), time.process_time(), resident()
        cloud, executor = made(Path(folder), hosts, options.persist, options.network)
        cloud.prepare()
        cloud.start()
        executor.run()
        found = {"start_s": time.perf_counter() - begun, "start_cpu_s": time.process_time() - cpu}
        gc.collect()
        found["memory_mib"] = (resident() - before) / MIB
        count = 0

        def counted(*args: object) -> None:
            nonlocal count
            count += 1
        sa.event.listen(cloud.kits["compute"].db.engine, "before_cursor_execute", counted)
        executor.run(PERIOD_S)
        count, cpu = 0, time.process_time()
        executor.run(PERIOD_S * options.periods)
        found["period_cpu_s"] = (time.process_time() - cpu) / options.periods
        found["queries"] = count / options.periods
        up = sum(host.up for host in cloud.services["compute"].hosts(cloud.kits["compute"].context()))
        assert up == hosts, f"{up} of {hosts} hosts are up"
        cloud.stop()
        return found


def _answer(hosts: int, options: argparse.Namespace, answers: Any) -> None:
    answers.put(measured(hosts, options))


def apart(hosts: int, options: argparse.Namespace) -> dict[str, float]:
    """The same in a process of its own."""
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    process = context.Process(target=_answer, args=(hosts, options, answers))
    process.start()
    while process.is_alive() and answers.empty():
        process.join(0.2)
    found: dict[str, float] = answers.get(timeout=5.0)
    process.join()
    return found


def power(sizes: list[int], values: list[float]) -> float:
    """The slope of the line through the logarithms, by least squares."""
    points = [(math.log(size), math.log(max(value, 1e-6))) for size, value in zip(sizes, values, strict=True)]
    x, y = (sum(numbers) / len(points) for numbers in zip(*points, strict=True))
    return sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", default="1000,3000,10000,30000,100000")
    parser.add_argument("--periods", type=int, default=6)
    parser.add_argument("--persist", action="store_true")
    parser.add_argument("--network", action="store_true")
    options = parser.parse_args()
    sizes = [int(one) for one in options.hosts.split(",")]
    rows = []
    for hosts in sizes:
        rows.append(row := apart(hosts, options))
        print(f"{hosts} hosts: started in {row['start_s']:.1f} s, {row['start_cpu_s']:.1f} s of CPU time, with "
              f"{row['memory_mib']:.0f} MiB; for each 1,000 {row['start_s'] * 1000 / hosts:.2f} s, "
              f"{row['start_cpu_s'] * 1000 / hosts:.2f} s of CPU time and {row['memory_mib'] * 1000 / hosts:.1f} MiB; "
              f"a period of {PERIOD_S:.0f} s takes {row['period_cpu_s'] * 1000:.0f} ms of CPU time and "
              f"{row['queries']:.1f} queries", flush=True)
    if len(sizes) > 1:
        powers = {name: power(sizes, [row[name] for row in rows]) for name in FIGURES}
        print("; ".join(f"{name} grows with the power of {one:.2f}" for name, one in powers.items()))


if __name__ == "__main__":
    main()
