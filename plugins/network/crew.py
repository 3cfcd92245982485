"""Many hosts that one process plays: they tell together that they live, on one timer for all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from ...core.batches import batched
from ...core.errors import BackendBusy, CloudError, NotFound
from ...core.process.slice import Kit
from .control import Beat, NetworkControl

TOGETHER = 20
"""From so many hosts on they go together; fewer speak side by side."""
LIVING = 1000
"""So many hosts are told of in one call."""
RETRY_S = 5.0


class Member(Protocol):
    """The agent of one of the hosts."""

    kit: Kit
    stopped: bool
    lost: bool

    def serve(self) -> None:
        """Take calls from now on."""

    def sign(self) -> Beat:
        """The host's sign of life. :raises CloudError: it cannot say how it is."""

    def restore(self) -> None:
        """Wire what should be on the host. :raises CloudError: it cannot be wired now."""


class Crew:
    """The agents of many hosts. Its work is done by the process's executor, one call at a time."""

    def __init__(self, kit: Kit, hosts: Sequence[Member]) -> None:
        self._kit = kit
        self._hosts = hosts

    def begin(self) -> None:
        """Serve all hosts, tell that they are there, and restore what should be on them."""
        for one in self._hosts:
            one.serve()
        self._try()

    def _try(self) -> None:
        self._live([one for one in self._here() if one.lost])
        if any(one.lost for one in self._here()):
            self._kit.executor.later(RETRY_S, self._try)

    def beat(self) -> None:
        """Tell that the hosts live; those that were out of touch are restored."""
        self._live(self._here())

    def _here(self) -> list[Member]:
        return [one for one in self._hosts if not one.stopped]

    def _live(self, hosts: Iterable[Member]) -> None:
        for some in batched(self._signs(hosts), LIVING):
            if self._told([sign for _, sign in some]):
                for one in [one for one, _ in some if one.lost]:
                    self._restore(one)
            else:
                for one, _ in some:
                    one.lost = True

    def _signs(self, hosts: Iterable[Member]) -> Iterator[tuple[Member, Beat]]:
        """The signs of life of those that can say how they are; the others hold nobody up."""
        for one in hosts:
            try:
                yield one, one.sign()
            except CloudError as error:
                one.lost = True
                self._kit.log.warning("host %s cannot say how its network is: %s", one.kit.host, error)

    def _told(self, signs: list[Beat]) -> bool:
        try:
            control = self._kit.mesh.reach(NetworkControl.service, NetworkControl)
            control.beats(self._kit.context(), signs)
        except BackendBusy as busy:
            self._kit.log.warning("the network service cannot be told of %d hosts: %s", len(signs), busy)
            return False
        return True

    def _restore(self, host: Member) -> None:
        try:
            host.restore()
        except (BackendBusy, NotFound) as error:
            self._kit.log.info("what should be on host %s cannot be wired yet: %s", host.kit.host, error)
        except CloudError as error:
            self._kit.log.warning("what should be on host %s cannot be wired: %s", host.kit.host, error)
        else:
            host.lost = False
