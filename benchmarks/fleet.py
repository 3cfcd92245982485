"""How long the scheduler takes to decide in a cloud of many hosts and servers, and how a burst of boots fares.

    python benchmarks/fleet.py [--hosts 10000] [--servers 100000] [--decisions 300] [--burst 1000]
                               [--processes 2] [--threads 4] [--database URL] [--only decisions,filters,burst]

The product's own services of compute, placement and scheduler over a database: SQLite in a folder of its own, or that
of ``--database``, which has to be empty. Its rows are written straight into its tables.

``decisions`` prints milliseconds of the clock and of CPU time, each with the claim in it; while they are taken, other
hosts beat and servers come and go. ``filters`` prints the milliseconds each filter takes by itself for ever more hosts,
and the power of their number it grows with: 1 is linear. ``burst`` has several processes place servers, once with room
everywhere and once with just as much room as they need, and looks for hosts that were given too much to.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import datetime
import gc
import math
import multiprocessing
import random
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from stratolith.core.clock import System
from stratolith.core.config import Configuration
from stratolith.core.db.engine import Transaction
from stratolith.core.drivers.filter import Filter, Host
from stratolith.core.drivers.topology import CellWish, DeviceWish, TopologyWish
from stratolith.core.errors import BackendBusy, NoValidHost
from stratolith.core.executor import Threads
from stratolith.core.process.cloud import Cloud, Place
from stratolith.core.services.scheduler import Request, ServerGroup
from stratolith.plugins.compute.tables import aggregate_hosts, aggregates, hosts, seats, servers, services
from stratolith.plugins.placement.tables import allocations, consumers, inventories, provider_traits, providers
from stratolith.plugins.scheduler.policies import FILTERS

SERVICES = ("identity", "compute", "placement", "scheduler")
RESOURCES = {"VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 20}
TOTAL = {"VCPU": 256, "MEMORY_MB": 524288, "DISK_GB": 4000}
FLAVOR = {"id": "1", "name": "m1.tiny", "vcpus": 2, "memory_mib": 4096, "root_gib": 20, "ephemeral_gib": 0,
          "swap_mib": 0, "extra_specs": {}}
CHUNK = 5000
ZONES = 10
CELLS = [{"id": number, "socket": number, "cpus": f"{32 * number}-{32 * number + 31}", "memory_mib": 262144,
          "cores": [f"{cpu},{cpu + 16}" for cpu in range(32 * number, 32 * number + 16)]} for number in range(2)]
DEVICES = [{"address": f"0000:8{number}:00.0", "vendor_id": "10de", "product_id": "1db4", "node": number,
            "resource_class": "CUSTOM_GPU"} for number in range(2)]
TWO_CELLS = TopologyWish(cells=tuple(CellWish(cpus=(number,), memory_mib=2048) for number in range(2)))
OWNER = "0" * 32
PATIENCE_S = 60.0


@dataclasses.dataclass
class Stamps:
    """Moments that rows carry."""

    now: datetime.datetime
    beat_at: float


def cloud(folder: Path, database: str, **options: str) -> Cloud:
    """The services, on time that passes, without agents."""
    sections = {"scheduler": options, **({"database": {"url": database}} if database else {})}
    place = Place(state_dir=folder / "state", run_dir=folder / "run", services=SERVICES, agents=(), ephemeral=True)
    clock = System()
    made = Cloud(Configuration.read(None, {}, sections), clock, Threads(clock), place)
    made.prepare()
    return made


def settled() -> None:
    """Have the collector as the product's server has it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


# Rows.


def filled(made: Cloud, count: int, busy: int) -> None:
    """Give the cloud ``count`` hosts and ``busy`` servers on them, by chance."""
    chance, moment = random.Random(1), datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    # Nobody beats here, so that all have to have done so lately for as long as this takes.
    stamps = Stamps(moment, time.time() + 86400)
    ids = [str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(count)]
    places = [chance.randrange(count) for _ in range(busy)]
    crowd = collections.Counter(places)
    with made.kits["compute"].db.write() as tx:
        _write(tx, services, (_service(number, stamps) for number in range(count)))
        _write(tx, hosts, (_host(number, id, stamps) for number, id in enumerate(ids)))
        _write(tx, aggregates, (_aggregate(number, stamps) for number in range(ZONES + 1)))
        _write(tx, aggregate_hosts, _members(count))
        _write(tx, servers, (_server(place, ids[place], chance, stamps) for place in places))
    with made.kits["placement"].db.write() as tx:
        _write(tx, providers, (_provider(number, id, stamps) for number, id in enumerate(ids)))
        _write(tx, provider_traits, ({"provider_id": id, "trait": "COMPUTE_NODE"} for id in ids))
        _write(tx, inventories, (_inventory(id, class_, crowd[number], stamps)
                                 for number, id in enumerate(ids) for class_ in TOTAL))
        held = list(tx.rows(sa.select(servers.c.id, servers.c.provider)))
        # Each tenth server lies in two cells.
        _write(tx, seats, (_seat(row.id, row.provider, stamps) for row in held[::10]))
        _write(tx, consumers, ({"id": id, "project_id": OWNER, "user_id": OWNER, "type": "INSTANCE", "generation": 1,
                                "created_at": moment, "updated_at": moment} for id, _ in held))
        _write(tx, allocations, ({"consumer_id": id, "provider_id": provider, "resource_class": class_, "used": amount,
                                  "updated_at": moment}
                                 for id, provider in held for class_, amount in RESOURCES.items()))


def _write(tx: Transaction, table: sa.Table, rows: Iterator[dict[str, Any]]) -> None:
    while chunk := [row for _, row in zip(range(CHUNK), rows, strict=False)]:
        tx.insert(table, chunk)


def _name(number: int) -> str:
    return f"node-{number:06d}"


def _service(number: int, stamps: Stamps) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "binary": "nova-compute", "host": _name(number), "disabled": number % 100 == 99,
            "forced_down": number % 100 == 98, "beat_at": stamps.beat_at, "created_at": stamps.now}


def _host(number: int, id: str, stamps: Stamps) -> dict[str, Any]:
    facts = {"kind": "QEMU", "version": 8_000_000, "hostname": _name(number), "vcpus": 64, "memory_mib": 524288,
             "disk_gib": 4000, "architecture": "x86_64", "cpu_model": "Skylake", "cpu_features": ["vmx", "avx2"],
             "disk_formats": ["qcow2", "raw"], "traits": [], "cells": CELLS, "devices": DEVICES,
             "address": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"}
    return {"id": id, "host": _name(number), "node": _name(number), "facts": facts, "failures": 0,
            "metrics": {"cpu.percent": number % 100 / 100, "memory.percent": 0.5}, "created_at": stamps.now}


def _aggregate(number: int, stamps: Stamps) -> dict[str, Any]:
    known = ({"ssd": "true", "filter_tenant_id": OWNER, "instance_type": "m1.tiny"} if number == ZONES
             else {"availability_zone": f"zone-{number}"})
    return {"id": number + 1, "uuid": str(uuid.uuid4()), "name": f"aggregate-{number}", "metadata": known,
            "created_at": stamps.now}


def _members(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {"aggregate_id": number % ZONES + 1, "host": _name(number)}
        if number % 10 == 0:
            yield {"aggregate_id": ZONES + 1, "host": _name(number)}


def _server(place: int, provider: str, chance: random.Random, stamps: Stamps) -> dict[str, Any]:
    return {"id": str(uuid.UUID(int=chance.getrandbits(128), version=4)), "project_id": OWNER, "user_id": OWNER,
            "name": "server", "hostname": "server", "vm_state": "active", "power_state": 1, "host": _name(place),
            "node": _name(place), "provider": provider, "flavor_id": "1", "flavor": FLAVOR, "vcpus": 2,
            "memory_mib": 4096, "root_gib": 20, "ephemeral_gib": 0, "metadata": {}, "tags": [], "nics": [],
            "security_groups": [], "volumes": [], "created_at": stamps.now}


def _seat(server: str, provider: str, stamps: Stamps) -> dict[str, Any]:
    cells = [{"id": number, "node": number, "cpus": [number], "memory_mib": 2048,
              "shared": list(range(32 * number, 32 * number + 32))} for number in range(2)]
    return {"consumer": server, "server_id": server, "provider": provider, "move": "", "seat": {"cells": cells},
            "created_at": stamps.now}


def _provider(number: int, id: str, stamps: Stamps) -> dict[str, Any]:
    return {"id": id, "name": _name(number), "generation": 1, "parent_id": None, "root_id": id,
            "traits": '["COMPUTE_NODE"]', "aggregates": "[]", "created_at": stamps.now, "updated_at": stamps.now}


def _inventory(id: str, class_: str, crowd: int, stamps: Stamps) -> dict[str, Any]:
    total = TOTAL[class_]
    return {"provider_id": id, "resource_class": class_, "total": total, "reserved": 0, "min_unit": 1,
            "max_unit": total, "step_size": 1, "allocation_ratio": 1.0, "capacity": total,
            "used": crowd * RESOURCES[class_], "updated_at": stamps.now}


# Decisions.


def request(**more: Any) -> Request:
    """What one server needs."""
    return Request(**{"server_id": str(uuid.uuid4()), "project_id": OWNER, "user_id": OWNER, "resources": RESOURCES,
                      "flavor_name": "m1.tiny", "image_id": "image", **more})


SCENARIOS: dict[str, dict[str, Any]] = {
    "plain": {},
    "zone": {"zone": "zone-3"},
    "aggregate": {"extra_specs": {"aggregate_instance_extra_specs:ssd": "true"}},
    "image": {"image_properties": {"hw_architecture": "x86_64", "img_hv_type": "kvm"}},
    "anti-affinity": {"group": ServerGroup(id="group", policy="anti-affinity",
                                           hosts={_name(number): 1 for number in range(100)})},
    "cells": {"topology": TWO_CELLS, "extra_specs": {"hw:numa_nodes": "2"}},
}


class Unrest:
    """What goes on while decisions are taken: each second some hosts beat and some servers come and go."""

    def __init__(self, made: Cloud, count: int) -> None:
        self._made, self._count = made, count
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Unrest:
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        chance, kit = random.Random(2), self._made.kits["compute"]
        while not self._stop.wait(0.1):
            names = [_name(chance.randrange(self._count)) for _ in range(self._count // 250)]
            with kit.db.write() as tx:
                tx.execute(services.update().where(services.c.host.in_(names)).values(beat_at=time.time() + 86400))
                tx.execute(servers.update().where(servers.c.host == names[0]).values(
                    task_state="rebooting", updated_at=kit.clock.now()))


def decided(made: Cloud, count: int, more: dict[str, Any]) -> tuple[list[float], list[float]]:
    """Milliseconds of the clock and of CPU time of each decision, both in order."""
    scheduler, context = made.services["scheduler"], made.kits["compute"].context()
    scheduler.select(context, request(**more))
    settled()
    walls, cpus = [], []
    for _ in range(count):
        wanted = request(**more)
        wall, cpu = time.perf_counter(), time.thread_time()
        scheduler.select(context, wanted)
        walls.append((time.perf_counter() - wall) * 1000)
        cpus.append((time.thread_time() - cpu) * 1000)
        time.sleep(0.005)
    return sorted(walls), sorted(cpus)


def decisions(made: Cloud, options: argparse.Namespace) -> None:
    """Print how long decisions take."""
    for name, more in SCENARIOS.items():
        with Unrest(made, options.hosts):
            walls, cpus = decided(made, options.decisions, more)
        print(f"decision, {name}: p50 {_part(walls, 50):.1f} ms, p99 {_part(walls, 99):.1f} ms; "
              f"CPU p50 {_part(cpus, 50):.1f} ms, p99 {_part(cpus, 99):.1f} ms", flush=True)


def _part(values: Sequence[float], percent: int) -> float:
    return values[min(len(values) - 1, len(values) * percent // 100)]


# Filters.


def _wishes(fleet: Sequence[Host]) -> dict[str, dict[str, Any]]:
    """What makes each filter look at hosts; those that are not named need nothing more."""
    group = {host.host: 1 for host in fleet[::50]}
    near = {"build_near_host_ip": ["10.0.0.0"], "cidr": ["/16"]}
    known = {f"s{number}": host.host for number, host in enumerate(fleet[:20])}
    return {
        "AvailabilityZoneFilter": {"zone": "zone-3"},
        "ComputeCapabilitiesFilter": {"extra_specs": {"capabilities:hypervisor_type": "QEMU"}},
        "ImagePropertiesFilter": {"image_properties": {"hw_architecture": "x86_64", "img_hv_type": "kvm"}},
        "AggregateInstanceExtraSpecsFilter": {"extra_specs": {"aggregate_instance_extra_specs:ssd": "true"}},
        "ServerGroupAffinityFilter": {"group": ServerGroup(id="g", policy="affinity", hosts=group)},
        "ServerGroupAntiAffinityFilter": {"group": ServerGroup(id="g", policy="anti-affinity", hosts=group)},
        "SameHostFilter": {"hints": {"same_host": list(known)}, "hint_hosts": known},
        "DifferentHostFilter": {"hints": {"different_host": list(known)}, "hint_hosts": known},
        "SimpleCIDRAffinityFilter": {"hints": near},
        "JsonFilter": {"hints": {"query": ['["and", [">=", "$free_ram_mb", 1024], ["=", "$zone", "zone-3"]]']}},
        "NUMATopologyFilter": {"topology": TWO_CELLS},
        "PciPassthroughFilter": {"pci_devices": [DeviceWish(alias="gpu", count=1, resource_class="CUSTOM_GPU")]},
        "ExclusiveHostFilter": {"held_elsewhere": frozenset(host.provider for host in fleet[::50])},
    }


def filters(made: Cloud, options: argparse.Namespace) -> None:
    """Print how the time of each filter grows with the hosts."""
    context = made.kits["compute"].context()
    every = made.services["compute"].hosts(context)
    rooms = made.services["compute"].rooms(context, [host.provider for host in every])
    for host in every:
        host.capacity, host.used, host.room = TOTAL, RESOURCES, rooms[host.provider]
    sizes = [size for size in range(options.hosts // 10, options.hosts + 1, options.hosts // 10) if size]
    wishes, worst = _wishes(every), 0.0
    for name in FILTERS.names():
        one = made.kits["scheduler"].driver(FILTERS, name)
        wanted = request(**wishes.get(name, {}))
        times = [_filtered(one, every[:size], wanted) for size in sizes]
        power = _power(sizes, times)
        worst = max(worst, power)
        print(f"filter {name}: {times[0]:.3f} ms for {sizes[0]} hosts, {times[-1]:.3f} ms for {sizes[-1]}; "
              f"grows with their number to the power of {power:.2f}", flush=True)
    print(f"no filter grows faster than with the power of {worst:.2f}")


def _filtered(one: Filter, some: Sequence[Host], wanted: Request) -> float:
    """The least milliseconds of CPU time of a few runs, each of which is long enough to be measured."""
    least = math.inf
    for _ in range(7):
        runs, begun = 0, time.thread_time()
        while (spent := time.thread_time() - begun) < 0.003:
            one.survivors(some, wanted)
            runs += 1
        least = min(least, spent / runs)
    return least * 1000


def _power(sizes: Sequence[int], times: Sequence[float]) -> float:
    """The slope of the line through the logarithms, by least squares."""
    points = [(math.log(size), math.log(max(spent, 1e-6))) for size, spent in zip(sizes, times, strict=True)]
    x, y = (sum(values) / len(points) for values in zip(*points, strict=True))
    return sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)


# Bursts.


@dataclasses.dataclass
class Outcome:
    """What one process saw of a burst."""

    placed: int = 0
    tries: int = 0
    conflicts: int = 0
    homeless: int = 0
    busy: int = 0
    most: int = 0
    times: list[float] = dataclasses.field(default_factory=list)


def _placing(folder: str, database: str, count: int, threads: int, begin: Any, answer: Any) -> None:
    """One process of a burst."""
    made = cloud(Path(folder), database)
    made.services["scheduler"].explain(made.kits["compute"].context(), request())
    settled()
    outcome, lock, left = Outcome(), threading.Lock(), iter(range(count))
    begin.wait(PATIENCE_S)

    def work() -> None:
        while True:
            with lock:
                if next(left, None) is None:
                    return
            _place(made, outcome, lock)
    crew = [threading.Thread(target=work) for _ in range(threads)]
    for one in crew:
        one.start()
    for one in crew:
        one.join()
    answer.put(outcome)


def _place(made: Cloud, outcome: Outcome, lock: threading.Lock) -> None:
    scheduler, context, wanted = made.services["scheduler"], made.kits["compute"].context(), request()
    begun, busy = time.perf_counter(), 0
    while True:
        try:
            lines = scheduler.select(context, wanted).explanation
        except BackendBusy:
            busy += 1
            continue
        except NoValidHost as error:
            lines = [*error.facts["explanation"], ""]
        break
    lost = sum(line.startswith("claim:") for line in lines)
    with lock:
        outcome.busy += busy
        outcome.conflicts += lost
        outcome.most = max(outcome.most, lost)
        if lines[-1]:
            outcome.placed += 1
            outcome.tries += 1 + lost
            outcome.times.append((time.perf_counter() - begun) * 1000)
        else:
            outcome.homeless += 1


def burst(made: Cloud, options: argparse.Namespace, folder: Path, name: str) -> None:
    """Have several processes place servers, and print what came of it."""
    context = multiprocessing.get_context("spawn")
    begin, answers = context.Barrier(options.processes + 1), context.Queue()
    crew = [context.Process(target=_placing, args=(str(folder), options.database, options.burst // options.processes,
                                                   options.threads, begin, answers)) for _ in range(options.processes)]
    for one in crew:
        one.start()
    begin.wait(PATIENCE_S)
    begun = time.perf_counter()
    outcomes = [answers.get(timeout=10 * PATIENCE_S) for _ in crew]
    took = time.perf_counter() - begun
    for one in crew:
        one.join()
    placed, times = sum(one.placed for one in outcomes), sorted(spent for one in outcomes for spent in one.times)
    tries = sum(one.tries for one in outcomes)
    lost, homeless, busy = (sum(getattr(one, name) for one in outcomes) for name in ("conflicts", "homeless", "busy"))
    print(f"burst, {name}: {placed} placed by {options.processes} processes of {options.threads} threads in "
          f"{took:.1f} s: {placed / took:.0f} a second, p50 {_part(times, 50):.0f} ms, p99 {_part(times, 99):.0f} ms; "
          f"{tries / max(1, placed):.3f} claims a placement, at most {1 + max(one.most for one in outcomes)}; "
          f"{lost} claims lost, {homeless} found no host, {busy} times the database was busy; "
          f"{overcommitted(made)} hosts overcommitted", flush=True)


def overcommitted(made: Cloud) -> int:
    """The hosts with more claimed than there is, or with other claims than are written down at the host."""
    with made.kits["placement"].db.read() as tx:
        claimed = {(row[0], row[1]): int(row[2]) for row in tx.rows(
            sa.select(allocations.c.provider_id, allocations.c.resource_class, sa.func.sum(allocations.c.used))
            .group_by(allocations.c.provider_id, allocations.c.resource_class))}
        rows = tx.rows(sa.select(inventories.c.provider_id, inventories.c.resource_class, inventories.c.capacity,
                                 inventories.c.used))
    return len({row.provider_id for row in rows if row.used > row.capacity
                or claimed.get((row.provider_id, row.resource_class), 0) != row.used})


def tightened(made: Cloud, places: int, hosts_left: int) -> None:
    """Leave room for just ``places`` more servers, on ``hosts_left`` hosts that are enabled and up."""
    c, each = inventories.c, -(-places // hosts_left)
    with made.kits["compute"].db.read() as tx:
        good = tx.values(sa.select(hosts.c.id).join(services, services.c.host == hosts.c.host).where(
            services.c.disabled.is_(False), services.c.forced_down.is_(False)).limit(hosts_left))
    with made.kits["placement"].db.write() as tx:
        tx.execute(sa.update(inventories).values(capacity=c.used, total=c.used + 1))
        for class_, amount in RESOURCES.items():
            tx.execute(sa.update(inventories).where(c.provider_id.in_(good), c.resource_class == class_)
                       .values(capacity=c.used + each * amount, total=c.used + each * amount))


def main() -> None:
    """Fill the database, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=10_000)
    parser.add_argument("--servers", type=int, default=100_000)
    parser.add_argument("--decisions", type=int, default=300)
    parser.add_argument("--burst", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--database", default="", help="URL of an empty database in the place of SQLite")
    parser.add_argument("--folder", help="where SQLite's file goes")
    parser.add_argument("--only", default="decisions,filters,burst")
    options = parser.parse_args()
    parts: dict[str, Callable[[Cloud, argparse.Namespace], None]] = {"decisions": decisions, "filters": filters}
    with contextlib.ExitStack() as stack:
        folder = Path(options.folder or stack.enter_context(tempfile.TemporaryDirectory()))
        made = cloud(folder, options.database)
        begun = time.perf_counter()
        filled(made, options.hosts, options.servers)
        print(f"{options.hosts} hosts and {options.servers} servers written in {time.perf_counter() - begun:.1f} s",
              file=sys.stderr, flush=True)
        for name in options.only.split(","):
            if name in parts:
                parts[name](made, options)
            else:
                burst(made, options, folder, "room everywhere")
                tightened(made, options.burst, min(100, options.hosts // 10))
                burst(made, options, folder, "room for just as many")


if __name__ == "__main__":
    main()
