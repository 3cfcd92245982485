"""Compute's agent: the part that runs on a host beside its hypervisor."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import cast

from ...core.context import Context
from ...core.drivers.hypervisor import HostMetrics, HypervisorFacts
from ...core.errors import BackendBusy, CloudError
from ...core.process.address import own_address
from ...core.process.slice import Agent, Kit
from . import facets
from .agency import CONTROL_QUEUE, ComputeAgent, Control, Enrolment, Guest, Order, agent_queue
from .crew import TOGETHER, Crew
from .options import Options
from .verbs import GuestVerbs

BEAT_S = 10.0
RETRY_S = 2.0
CONTROL_S = 10.0
SYNC_S = 60.0
WHOLE_SYNC_S = 300.0
"""How often all power states are told anew: what came while a server was busy was not heeded then."""


class HostAgents(Agent):
    """The agents of this process: one for its own host, or one for each host that the options name."""

    def __init__(self, kit: Kit) -> None:
        options = cast(Options, kit.options)
        self.hosts = [HostAgent(on_host(kit, host)) for host in options.hosts or (kit.host,)]
        self._kit = kit

    def start(self) -> None:
        if len(self.hosts) >= TOGETHER:
            crew = Crew(self._kit, self.hosts)
            crew.begin()
            self._kit.executor.every(BEAT_S, crew.beat)
            self._kit.executor.every(SYNC_S, crew.sync)
            return
        for one in self.hosts:
            one.start()

    def stop(self) -> None:
        for one in self.hosts:
            one.stop()


def on_host(kit: Kit, host: str) -> Kit:
    """The kit as the agent of ``host`` sees it: with folders of its own when the process plays several hosts."""
    if host == kit.host:
        return kit
    return dataclasses.replace(kit, host=host, state_dir=kit.state_dir / "hosts" / host,
                               run_dir=kit.run_dir / "hosts" / host)


class HostAgent(Agent, GuestVerbs):
    """One host: it registers, beats, and is compared with what the control side knows."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        self.host = kit.host
        self.log = kit.log
        self._seen: dict[str, str] = {}
        self._seen_all_at = 0.0
        self._tries = 0
        self._stopped = False
        self.lost = True

    def start(self) -> None:
        self.serve()
        self._begin()
        self.kit.executor.every(BEAT_S, self._beat)
        self.kit.executor.every(SYNC_S, self.sync)

    def serve(self) -> None:
        """Take calls from now on, and keep what the host may run guests by."""
        self.kit.mesh.serve(agent_queue(self.host), ComputeAgent, self)
        self.keeper.start()

    def stop(self) -> None:
        self._stopped = True
        self.kit.mesh.withdraw(agent_queue(self.host))
        self.driver.close()

    def is_ready(self) -> bool:
        """Tell whether the host takes part: it was not stopped, and may run servers."""
        return not self._stopped and not self.keeper.held

    def control(self) -> Control:
        """The control side. :raises BackendBusy: it is out of reach."""
        return self._control()

    def _control(self) -> Control:
        return self.kit.mesh.reach(CONTROL_QUEUE, Control, CONTROL_S)

    def _begin(self) -> None:
        if self._stopped:
            return
        if self.keeper.held:
            # Nobody shall count on this host; the beat registers it once it may run servers again.
            return
        try:
            self._register()
        except BackendBusy as busy:
            self.log.warning("the control side is not there yet: %s", busy)
            self._tries += 1
            if self._tries * RETRY_S < BEAT_S:
                # From then on each beat tries it.
                self.kit.executor.later(RETRY_S, self._begin)

    def _register(self) -> None:
        context, control = self.kit.context(), self._control()
        control.register(context, self.host, self._provider(), self._offered())
        self.lost = False
        self.obey(context, control.compare(context, self.host, self._guests()))

    def enrolment(self) -> Enrolment:
        """What the control side is told of this host when it comes, or comes back."""
        return Enrolment(host=self.host, provider=self._provider(), facts=self._offered(), guests=self._guests())

    def _offered(self) -> HypervisorFacts:
        facts = self._facts()
        return dataclasses.replace(facts, address=cast(Options, self.kit.options).address or own_address(),
                                   traits=tuple(sorted({*facts.traits, *facets.traits(self.driver)})))

    def _guests(self) -> list[Guest]:
        return [Guest(one.guest, one.power.value) for one in self.driver.observe()]

    def obey(self, context: Context, orders: Sequence[Order]) -> None:
        """Do with guests what the control side says; what fails is asked for again at the next beat."""
        for order in orders:
            self.log.warning("guest %s: %s, as the control side says", order.guest, order.verb)
            try:
                self._obey(context, order.guest, order.verb)
            except CloudError as error:
                self.log.error("guest %s: %s failed: %s", order.guest, order.verb, error)
                self.lost = True

    def _obey(self, context: Context, guest: str, verb: str) -> None:
        if verb == "destroy":
            self.destroy(context, guest)
        else:
            self.act(context, guest, verb)

    def _provider(self) -> str:
        """The id of this host's resource provider: made once, then kept in a file."""
        file = self.kit.state_dir / f"compute-provider-{self.host}"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            fresh = file.with_suffix(".new")
            fresh.write_text(self.kit.clock.uuid())
            fresh.rename(file)
        return file.read_text().strip()

    def _beat(self) -> None:
        """Tell that the host lives; after a time without contact it is compared again."""
        if self._stopped or self.keeper.held:
            self.lost = True
            return
        try:
            if self.lost:
                self._register()
            if self._control().beat(self.kit.context(), self.host, self.metrics()):
                self._register()
        except BackendBusy as busy:
            self.lost = True
            self.log.warning("the control side cannot be told that this host lives: %s", busy)

    def metrics(self) -> dict[str, float]:
        """How busy the host is, where its driver can tell."""
        return dict(self.driver.host_metrics()) if isinstance(self.driver, HostMetrics) else {}

    def sync(self) -> None:
        """Tell the control side which guests changed their power state since the last time."""
        if self._stopped or self.lost or self.keeper.held:
            # What a host out of touch did to its guests is compared first.
            return
        now = {one.guest: one.power.value for one in self.driver.observe()}
        if self.kit.clock.monotonic() - self._seen_all_at >= WHOLE_SYNC_S:
            self._seen, self._seen_all_at = {}, self.kit.clock.monotonic()
        changed = {guest: power for guest, power in now.items() if self._seen.get(guest) != power}
        self._seen = now
        if changed:
            self._control().observed(self.kit.context(), self.host, changed)
