"""The scheduler: candidates of placement, filters, weighers, and a claim for the best host."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import msgspec

from ...core.context import Context
from ...core.drivers.filter import Host, Request
from ...core.errors import Conflict, NoValidHost
from ...core.process.slice import Kit
from ...core.services.compute import ComputeService
from ...core.services.placement import Candidate, PlacementService, ResourceRequest
from ...core.services.scheduler import SchedulerService, Selection
from .narrowing import narrow, nearest_miss
from .options import Options
from .policies import Policies, Policy
from .ranking import ranked
from .request import resource_request

CONSUMER_TYPE = "INSTANCE"


@dataclasses.dataclass
class Decision:
    """One decision: what was asked, who was looked at by which policy, who is left, best first, and why."""

    asked: ResourceRequest
    candidates: Sequence[Candidate]
    parts: Sequence[tuple[Policy, Sequence[Host]]]
    best: list[Host]
    lines: list[str]


class Scheduler(SchedulerService):
    """Decides by itself, one request at a time; keeps no truth of its own."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit
        self.options: Options = kit.options
        self.policies = Policies(kit)
        self._hosts: tuple[float, list[Host]] = (float("-inf"), [])

    def select(self, context: Context, request: Request) -> Selection:
        """A claim that somebody else was faster with costs one more try with the next best host."""
        before = self._settled(context, request)
        if before is not None:
            return before
        decision = self._decide(context, request)
        for host in decision.best:
            try:
                self._claim(context, request, decision, host)
            except Conflict as error:
                decision.lines.append(f"claim: a host was filled meanwhile: {type(error).__name__}")
                continue
            return Selection(provider=host.provider, host=host.host, node=host.node, zone=host.zone,
                             explanation=[*decision.lines, f"chosen: {host.host}"])
        raise self._failure(context, request, decision)

    def explain(self, context: Context, request: Request) -> list[str]:
        """The same steps without the claim."""
        decision = self._decide(context, request)
        if decision.best:
            return [*decision.lines, f"chosen: {decision.best[0].host}"]
        return [*decision.lines, *self._misses(context, request, decision)]

    def _settled(self, context: Context, request: Request) -> Selection | None:
        """Where the server's claim is already, if it has one on a host."""
        held = self.kit.peers.of(PlacementService).allocations(context, request.server_id)
        if not held:
            return None
        for host in self._all_hosts(context):
            if host.provider in held:
                return Selection(provider=host.provider, host=host.host, node=host.node, zone=host.zone,
                                 explanation=["the server has its claim already"])
        return None

    def _decide(self, context: Context, request: Request) -> Decision:
        limit = 0 if request.forced_host or request.forced_node else self.options.max_candidates
        asked = resource_request(request, limit)
        decision = self._look(context, request, asked)
        if limit and not decision.best and len(decision.candidates) >= limit:
            decision = self._look(context, request, msgspec.structs.replace(asked, limit=0))
        return decision

    def _look(self, context: Context, request: Request, asked: ResourceRequest) -> Decision:
        candidates = self.kit.peers.of(PlacementService).candidates(context, asked)
        hosts = joined(candidates, self._all_hosts(context)) if candidates else []
        amounts = ", ".join(f"{class_}={amount}" for class_, amount in sorted(asked.resources.items()))
        lines = [f"placement: {len(hosts)} hosts have room for {amounts}"]
        parts = self.policies.parts(request, hosts) if hosts else []
        best: list[Host] = []
        for policy, some in parts:
            state = narrow(some, request, policy.filters)
            best += ranked(state.hosts, request, [one for _, one in policy.weighers], self.kit.clock.random(),
                           policy.host_subset_size, self.options.claim_attempts)
            lines += [f"policy {policy.name}: {len(some)} of {len(hosts)} left"] if policy.name else []
            lines += state.lines
        return Decision(asked, candidates, parts, best[:self.options.claim_attempts], lines)

    def _all_hosts(self, context: Context) -> list[Host]:
        now = self.kit.clock.monotonic()
        read_at, hosts = self._hosts
        if now - read_at >= self.options.hosts_age_s:
            hosts = self.kit.peers.of(ComputeService).hosts(context)
            self._hosts = (now, hosts)
        return hosts

    def _claim(self, context: Context, request: Request, decision: Decision, host: Host) -> None:
        allocations = next(one.allocations for one in decision.candidates if one.provider == host.provider)
        self.kit.peers.of(PlacementService).claim(context, request.server_id, allocations, request.project_id,
                                                  request.user_id, CONSUMER_TYPE)

    def _failure(self, context: Context, request: Request, decision: Decision) -> NoValidHost:
        lines = [*decision.lines, *self._misses(context, request, decision)]
        return NoValidHost("No valid host was found. There are not enough hosts available.", explanation=lines)

    def _misses(self, context: Context, request: Request, decision: Decision) -> list[str]:
        if not decision.parts:
            return self._missing_resources(context, decision.asked)
        return [line for policy, hosts in decision.parts for line in nearest_miss(hosts, request, policy.filters)]

    def _missing_resources(self, context: Context, asked: ResourceRequest) -> list[str]:
        """Which single amount or trait, left out, would leave candidates."""
        placement = self.kit.peers.of(PlacementService)
        lines = []
        for less, name in without_one(asked):
            if placement.candidates(context, msgspec.structs.replace(less, limit=1)):
                lines.append(f"nearest miss: only {name} is not to be had")
        return lines


def joined(candidates: Sequence[Candidate], hosts: Sequence[Host]) -> list[Host]:
    """The hosts of the candidates, with what they have and what is used of it."""
    by_provider = {host.provider: host for host in hosts}
    found = []
    for one in candidates:
        host = by_provider.get(one.provider)
        if host is not None:
            host.capacity, host.used = one.capacity, one.used
            found.append(host)
    return found


def without_one(asked: ResourceRequest) -> list[tuple[ResourceRequest, str]]:
    """``asked`` less one of its conditions, for each of them, with the condition's name."""
    replace = msgspec.structs.replace
    found = []
    for class_, amount in asked.resources.items():
        rest = {name: value for name, value in asked.resources.items() if name != class_}
        if rest:
            found.append((replace(asked, resources=rest), f"{class_}={amount}"))
    for trait in asked.required:
        found.append((replace(asked, required=[name for name in asked.required if name != trait]), f"trait {trait}"))
    for trait in asked.forbidden:
        found.append((replace(asked, forbidden=[name for name in asked.forbidden if name != trait]),
                      f"a host without trait {trait}"))
    return found
