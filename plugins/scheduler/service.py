"""The scheduler: candidates of placement, filters, weighers, and a claim for the best host."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import msgspec

from ...core.context import Context
from ...core.drivers.filter import Host, Request
from ...core.errors import Conflict, NoValidHost
from ...core.process.slice import Kit
from ...core.services.compute import ComputeService
from ...core.services.placement import Candidate, PlacementService
from ...core.services.scheduler import SchedulerService, Selection
from . import seating
from .asking import Asked, asked
from .choosing import choose
from .missing import described, without_one
from .narrowing import forced, nearest_miss
from .options import Options
from .policies import Policies, Policy
from .view import View

CONSUMER_TYPE = "INSTANCE"


@dataclasses.dataclass
class Decision:
    """One decision: what was asked, who was looked at by which policy, who is left, best first, and why."""

    asked: Asked
    request: Request
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
        self._hosts: tuple[float, View] = (float("-inf"), View([]))

    def select(self, context: Context, request: Request) -> Selection:
        """A claim that somebody else was faster with costs one more try with the next best host."""
        before = self._settled(context, request)
        if before is not None:
            return before
        decision = self._decide(context, request)
        for host in decision.best:
            try:
                self._claim(context, decision, host)
            except Conflict as error:
                decision.lines.append(f"claim: {host.host} was taken meanwhile: {error}")
                continue
            return Selection(provider=host.provider, host=host.host, node=host.node, zone=host.zone,
                             explanation=[*decision.lines, f"chosen: {host.host}"])
        raise self._failure(context, decision)

    def explain(self, context: Context, request: Request) -> list[str]:
        """The same steps without the claim."""
        decision = self._decide(context, request)
        if decision.best:
            return [*decision.lines, f"chosen: {decision.best[0].host}"]
        return [*decision.lines, *self._misses(context, decision)]

    def _settled(self, context: Context, request: Request) -> Selection | None:
        """Where the server's claim is already, if it has one on a host."""
        held = self.kit.peers.of(PlacementService).allocations(context, request.server_id)
        if not held:
            return None
        by_provider = self._view(context).by_provider
        host = next((by_provider[provider] for provider in held if provider in by_provider), None)
        if host is None:
            return None
        return Selection(provider=host.provider, host=host.host, node=host.node, zone=host.zone,
                         explanation=["the server has its claim already"])

    def _decide(self, context: Context, request: Request) -> Decision:
        limit = 0 if forced(request) else self.options.max_candidates
        view = self._view(context)
        wanted = asked(request, self.options, view, limit)
        tenancy = self.kit.peers.of(PlacementService).tenancy(context, request.project_id,
                                                              request.exclusive or view.exclusive)
        if tenancy.held or tenancy.used:
            request = msgspec.structs.replace(request, held_elsewhere=frozenset(tenancy.held),
                                              used_elsewhere=frozenset(tenancy.used))
        decision = self._look(context, request, wanted, view)
        if limit and not decision.best and len(decision.candidates) >= limit:
            wanted = Asked(msgspec.structs.replace(wanted.request, limit=0), wanted.words)
            decision = self._look(context, request, wanted, view)
        return decision

    def _look(self, context: Context, request: Request, wanted: Asked, view: View) -> Decision:
        candidates = self.kit.peers.of(PlacementService).candidates(context, wanted.request)
        hosts = view.joined(candidates) if candidates else []
        lines = [f"placement: {len(hosts)} hosts have room for {described(wanted)}"]
        parts = self.policies.parts(request, hosts) if hosts else []
        best: list[Host] = []
        for policy, some in parts:
            state = choose(some, request, policy, self.kit.clock.random(), self.options.claim_attempts,
                           functools.partial(self._furnish, context))
            best += state.hosts
            lines += [f"policy {policy.name}: {len(some)} of {len(hosts)} left"] if policy.name else []
            lines += state.lines
        return Decision(wanted, request, candidates, parts, best[:self.options.claim_attempts], lines)

    def _furnish(self, context: Context, hosts: Sequence[Host]) -> None:
        rooms = self.kit.peers.of(ComputeService).rooms(context, [host.provider for host in hosts])
        seating.furnish(hosts, rooms)

    def _view(self, context: Context) -> View:
        now = self.kit.clock.monotonic()
        read_at, view = self._hosts
        if now - read_at >= self.options.hosts_age_s:
            hosts = self.kit.peers.of(ComputeService).hosts(context)
            view = view if hosts is view.hosts else View(hosts)
            if self.policies.read_images:
                view.count(self.kit.peers.of(ComputeService).image_counts(context))
            self._hosts = (now, view)
        return view

    def _claim(self, context: Context, decision: Decision, host: Host) -> None:
        request = decision.request
        allocations = next(one.allocations for one in decision.candidates if one.provider == host.provider)
        alone = request.exclusive or host.exclusive
        self.kit.peers.of(PlacementService).claim(
            context, request.server_id, seating.with_devices(allocations, host, request), request.project_id,
            request.user_id, CONSUMER_TYPE, host.provider if alone else "")

    def _failure(self, context: Context, decision: Decision) -> NoValidHost:
        # Where all that fit were taken, no condition stood in the way.
        lines = decision.lines if decision.best else [*decision.lines, *self._misses(context, decision)]
        return NoValidHost("No valid host was found. There are not enough hosts available.", explanation=lines)

    def _misses(self, context: Context, decision: Decision) -> list[str]:
        request = decision.request
        if forced(request):
            lines = self._missing(context, decision, self._view(context).named(request))
        elif decision.parts:
            if seating.particular(request):
                self._furnish(context, [host for _, hosts in decision.parts for host in hosts])
            lines = [line for policy, hosts in decision.parts for line in nearest_miss(hosts, request, policy.filters)]
        else:
            lines = self._missing(context, decision)
        return lines or ["nearest miss: more than one condition stands in the way"]

    def _missing(self, context: Context, decision: Decision, among: Sequence[str] | None = None) -> list[str]:
        """Which single condition on placement, left out, would leave candidates, of ``among`` where it is given."""
        if among is not None and not among:
            return ["nearest miss: there is no host of this name"]
        placement, limit = self.kit.peers.of(PlacementService), 1 if among is None else 0
        lines = []
        for less, name in without_one(decision.asked):
            found = placement.candidates(context, msgspec.structs.replace(less, limit=limit))
            if found and (among is None or any(one.provider in among for one in found)):
                lines.append(f"nearest miss: only {name} is not to be had")
        return lines
