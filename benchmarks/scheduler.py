"""How long one decision of the scheduler takes: real filters and weighers over hosts in memory.

    python benchmarks/scheduler.py [--hosts 10000] [--decisions 200] [--scenario plain]

Prints a line a scenario: median and 99th percentile in milliseconds of CPU time. Claims succeed at once.
"""

from __future__ import annotations

import argparse
import logging
import random
import time
import types
from pathlib import Path
from typing import Any

from stratolith.core.clock import Virtual
from stratolith.core.config import Configuration
from stratolith.core.context import Context, service_context
from stratolith.core.drivers.base import Surroundings, make
from stratolith.core.services.placement import Candidate, ResourceRequest, Tenancy
from stratolith.core.services.scheduler import Aggregate, Host, Request, ServerGroup
from stratolith.plugins.scheduler.options import FILTERS, Options
from stratolith.plugins.scheduler.service import Scheduler

RESOURCES = {"VCPU": 2, "MEMORY_MB": 4096, "DISK_GB": 20}


class Placement:
    """Candidates from memory; claims are counted."""

    def __init__(self, candidates: list[Candidate]) -> None:
        self.all = candidates
        self.claims = 0

    def candidates(self, context: Context, request: ResourceRequest) -> list[Candidate]:
        """All hosts have room."""
        return self.all[:request.limit] if request.limit else self.all

    def tenancy(self, context: Context, project_id: str, used: bool) -> Tenancy:
        """Nobody has a host to himself."""
        return Tenancy()

    def allocations(self, context: Context, consumer: str) -> dict[str, dict[str, int]]:
        """No server has a claim yet."""
        return {}

    def claim(self, context: Context, consumer: str, allocations: Any, *owner: str) -> None:
        """It is given at once."""
        self.claims += 1


class Compute:
    """Hosts from memory."""

    def __init__(self, hosts: list[Host]) -> None:
        self.all = hosts

    def hosts(self, context: Context) -> list[Host]:
        """All of them."""
        return self.all


def made_hosts(count: int, chance: random.Random) -> tuple[list[Host], list[Candidate]]:
    """Hosts in ten zones, a tenth with fast disks, all filled by chance."""
    hosts, candidates = [], []
    fast = Aggregate(id=1, uuid="fast", name="fast", metadata={"ssd": "true"})
    for number in range(count):
        id = f"{number:08d}"
        hosts.append(Host(provider=id, host=f"host-{id}", node=f"host-{id}", zone=f"zone-{number % 10}",
                          up=number % 50 != 0, hypervisor_type="QEMU", aggregates=[fast] if number % 10 == 0 else [],
                          building=chance.randrange(4)))
        capacity = {"VCPU": 256, "MEMORY_MB": 524288, "DISK_GB": 4000}
        used = {"VCPU": chance.randrange(200), "MEMORY_MB": chance.randrange(400000), "DISK_GB": chance.randrange(3000)}
        candidates.append(Candidate(id, {id: RESOURCES}, capacity, used))
    return hosts, candidates


def scheduler(hosts: list[Host], candidates: list[Candidate], limit: int) -> Scheduler:
    """A scheduler whose peers are in memory."""
    peers = {"placement": Placement(candidates), "compute": Compute(hosts)}
    clock = Virtual(seed=1)
    surroundings = Surroundings(clock, logging.getLogger("benchmark"), Path("state"), Path("run"))
    kit: Any = types.SimpleNamespace(
        options=Options(max_candidates=limit, enabled_filters=(*FILTERS, "AggregateInstanceExtraSpecsFilter")),
        clock=clock,
        peers=types.SimpleNamespace(of=lambda kind: peers[kind.service]),
        configuration=Configuration(),
        driver=lambda registry, name, section="": make(registry.load(name), section or name, Configuration(),
                                                       surroundings))
    return Scheduler(kit)


def request(number: int, **more: Any) -> Request:
    """What one server needs."""
    return Request(server_id=f"server-{number}", project_id="project", user_id="user", resources=RESOURCES, **more)


SCENARIOS: dict[str, dict[str, Any]] = {
    "plain": {},
    "zone": {"zone": "zone-3"},
    "aggregate": {"extra_specs": {"aggregate_instance_extra_specs:ssd": "true"}},
    "image": {"image_properties": {"hw_architecture": "x86_64", "img_hv_type": "kvm"}},
    "anti-affinity": {"group": ServerGroup(id="group", policy="anti-affinity",
                                           hosts={f"host-{n:08d}": 1 for n in range(100)})},
}


def measured(subject: Scheduler, decisions: int, more: dict[str, Any]) -> list[float]:
    """Milliseconds of CPU time of each decision, sorted."""
    context, found = service_context("req-benchmark"), []
    for number in range(decisions):
        wanted = request(number, **more)
        begun = time.process_time()
        subject.select(context, wanted)
        found.append((time.process_time() - begun) * 1000)
    return sorted(found)


def main() -> None:
    """Run the scenarios and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=10000)
    parser.add_argument("--decisions", type=int, default=200)
    parser.add_argument("--limit", type=int, default=0, help="candidates looked at first; 0 means all")
    parser.add_argument("--scenario", choices=sorted(SCENARIOS))
    options = parser.parse_args()
    subject = scheduler(*made_hosts(options.hosts, random.Random(1)), options.limit)
    for name in [options.scenario] if options.scenario else SCENARIOS:
        times = measured(subject, options.decisions, SCENARIOS[name])
        print(f"{name}: {options.hosts} hosts, {len(times)} decisions, p50 {times[len(times) // 2]:.1f} ms, "
              f"p99 {times[len(times) * 99 // 100]:.1f} ms")


if __name__ == "__main__":
    main()
