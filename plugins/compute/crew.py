"""Many hosts that one process plays: what they tell the control side goes together, on one timer for all.

Each host stays an agent of its own: only that it is there and that it lives is told for many at once, so that the
control side writes it with a few queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

from ...core.batches import batched
from ...core.context import Context
from ...core.errors import BackendBusy, CloudError
from ...core.executor import guarded
from ...core.process.slice import Kit
from .agency import Control, Enrolment, Order

T = TypeVar("T")
TOGETHER = 20
"""From so many hosts on they go together; fewer speak side by side, so that a slow one holds up none of the others."""
COMING, LIVING = 500, 5000
"""So many hosts are told of in one call, and written in one transaction, when they come and while they live."""


class Member(Protocol):
    """The agent of one of the hosts."""

    host: str
    lost: bool

    def serve(self) -> None:
        """Take calls from now on."""

    def is_ready(self) -> bool:
        """Tell whether the host takes part."""

    def control(self) -> Control:
        """The control side. :raises BackendBusy: it is out of reach."""

    def enrolment(self) -> Enrolment:
        """What the control side is told of the host when it comes. :raises CloudError: it cannot say."""

    def metrics(self) -> dict[str, float]:
        """How busy the host is. :raises CloudError: it cannot say."""

    def obey(self, context: Context, orders: Sequence[Order]) -> None:
        """Do with guests what the control side says."""

    def sync(self) -> None:
        """Tell which guests changed their power state."""


class Crew:
    """The agents of many hosts. Its work is done by the process's executor, one call at a time."""

    def __init__(self, kit: Kit, hosts: Sequence[Member]) -> None:
        self._kit = kit
        self._hosts = hosts

    def begin(self) -> None:
        """Serve all hosts, and register them."""
        for one in self._hosts:
            one.serve()
        self.beat()

    def beat(self) -> None:
        """Tell that the hosts live; those that were out of touch are registered and compared first."""
        self._register([one for one in self._reachable() if one.lost])
        for some in batched((one for one in self._reachable() if not one.lost), LIVING):
            back = self._beats(some)
            if back:
                names = set(back)
                self._register([one for one in some if one.host in names])

    def sync(self) -> None:
        """Tell which guests changed their power state."""
        for one in tuple(self._hosts):
            guarded(one.sync)

    def _reachable(self) -> Iterator[Member]:
        """The hosts that may run servers and are in touch with the control side; the others are out of touch."""
        for one in tuple(self._hosts):
            if one.is_ready() and _is_near(one):
                yield one
            else:
                one.lost = True

    def _register(self, hosts: Sequence[Member]) -> None:
        for some in batched(hosts, COMING):
            self._enlist(self._each(some, lambda one: one.enrolment()))

    def _enlist(self, here: Mapping[Member, Enrolment]) -> None:
        context = self._kit.context()
        orders = self._told(list(here), lambda control: control.enlist(context, list(here.values())))
        for one in here if orders is not None else ():
            one.lost = False
            one.obey(context, (orders or {}).get(one.host, ()))

    def _beats(self, hosts: Sequence[Member]) -> list[str] | None:
        metrics = self._each(hosts, lambda one: one.metrics())
        return self._told(list(metrics), lambda control: control.beats(
            self._kit.context(), {one.host: found for one, found in metrics.items()}))

    def _each(self, hosts: Sequence[Member], ask: Callable[[Member], T]) -> dict[Member, T]:
        """What each host says; those that cannot say it are out of touch, and no other suffers."""
        found: dict[Member, T] = {}
        for one in hosts:
            try:
                found[one] = ask(one)
            except CloudError as error:
                one.lost = True
                self._kit.log.warning("host %s cannot say how it is: %s", one.host, error)
        return found

    def _told(self, hosts: Sequence[Member], tell: Callable[[Control], T]) -> T | None:
        """What the control side answers; nothing when it cannot be reached: then the hosts are out of touch."""
        if not hosts:
            return None
        try:
            return tell(hosts[0].control())
        except BackendBusy as busy:
            for one in hosts:
                one.lost = True
            self._kit.log.warning("the control side cannot be told of %d hosts: %s", len(hosts), busy)
            return None


def _is_near(host: Member) -> bool:
    try:
        host.control()
    except BackendBusy:
        return False
    return True
