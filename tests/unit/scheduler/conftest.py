"""A scheduler between a placement and a compute service in memory."""

import logging
import types
from pathlib import Path

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.config import Configuration
from stratolith.core.drivers.base import Surroundings, make
from stratolith.core.errors import Conflict
from stratolith.core.services.placement import Candidate, Tenancy
from stratolith.core.services.scheduler import Host, Request
from stratolith.plugins.scheduler.options import Options
from stratolith.plugins.scheduler.service import Scheduler

RESOURCES = {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}


class Placement:
    """Hosts of one size; ``full`` ones refuse claims."""

    def __init__(self, hosts):
        self.hosts, self.full, self.claims, self.asked = hosts, set(), {}, []
        self.sole, self.held, self.used = {}, [], []

    def candidates(self, context, request):
        self.asked.append(request)
        if request.resources.get("MEMORY_MB", 0) > 4096 or "CUSTOM_GOLD" in request.required:
            return []
        found = [Candidate(host.provider, {host.provider: request.resources}, {"MEMORY_MB": 4096},
                           {"MEMORY_MB": 100 * number}) for number, host in enumerate(self.hosts)]
        return found[:request.limit] if request.limit else found

    def allocations(self, context, consumer):
        return self.claims.get(consumer, {})

    def claim(self, context, consumer, allocations, project_id, user_id, consumer_type, sole=""):
        if self.full.intersection(allocations):
            raise Conflict("full")
        self.claims[consumer] = allocations
        self.sole[consumer] = sole

    def tenancy(self, context, project_id, used):
        return Tenancy(held=self.held, used=self.used if used else [])


class World:
    """Ten hosts, the first the emptiest."""

    def __init__(self, sections=None, **options):
        configuration = Configuration.read(None, {}, sections or {})
        self.hosts = [Host(provider=f"p{n}", host=f"h{n}", node=f"n{n}", zone=f"z{n % 2}", hypervisor_type="QEMU")
                      for n in range(10)]
        self.placement = Placement(self.hosts)
        peers = {"placement": self.placement, "compute": types.SimpleNamespace(hosts=lambda context: self.hosts)}
        clock = Virtual(seed=3)
        surroundings = Surroundings(clock, logging.getLogger("test"), Path("state"), Path("run"))
        self.scheduler = Scheduler(types.SimpleNamespace(
            options=Options(**options), clock=clock, configuration=configuration,
            peers=types.SimpleNamespace(of=lambda kind: peers[kind.service]),
            driver=lambda registry, name, section="": make(registry.load(name), section or name, configuration,
                                                           surroundings)))

    def request(self, **more):
        return Request(**{"server_id": "s", "project_id": "p", "user_id": "u", "resources": RESOURCES, **more})


@pytest.fixture
def world():
    """Ten hosts and a scheduler with default options."""
    return World()
