"""The fence interface: making sure that a host that is not heard of runs nothing any more."""

from __future__ import annotations

import abc
import dataclasses

from .base import Driver


@dataclasses.dataclass(frozen=True)
class FenceFacts:
    """What a fence is. ``proves``: once :meth:`Fence.fence` says so, no guest of the host runs."""

    proves: bool


class Fence(Driver):
    """A way to stop hosts from outside, or to know that they have stopped themselves.

    Any thread may call. Calls block for seconds, never for minutes: what takes longer is asked for again.
    """

    @abc.abstractmethod
    def facts(self) -> FenceFacts:
        """What this fence is."""

    @abc.abstractmethod
    def fence(self, host: str) -> bool:
        """Begin, or go on, to stop ``host``; true once it is certain that none of its guests runs.

        Asked again until then; once certain it stays so until :meth:`release`.
        :raises NotSupported: this fence cannot reach the host. :raises BackendBusy: not now; ask again.
        :raises BackendFailed: the host cannot be stopped this way.
        """

    @abc.abstractmethod
    def release(self, host: str) -> None:
        """Let ``host`` run guests again; nothing if it may. Whether it is switched on is the fence's to choose."""


class Keeping(abc.ABC):
    """Facet of fences with a part on the hosts: a host that may run guests keeps something, and stops without it.

    Moments are those of ``clock.monotonic`` of the host, so that its processes may tell them to one another.
    """

    @abc.abstractmethod
    def keep(self, host: str) -> float:
        """On the host, every :meth:`every_s`: keep what lets guests run. Blocks as long as that hangs.

        The moment until which guests may run, should nothing be kept any more; one that is over says that they have
        to be stopped now. :raises BackendBusy: nothing could be kept; what was answered before holds.
        """

    @abc.abstractmethod
    def every_s(self) -> float:
        """Seconds between two calls of :meth:`keep`."""

    @abc.abstractmethod
    def grace_s(self) -> float:
        """Seconds a host has, from that moment on, to be rid of its guests; :meth:`Fence.fence` waits for them."""
