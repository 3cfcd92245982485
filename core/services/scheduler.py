"""What the scheduler promises the other services."""

from __future__ import annotations

import abc

import msgspec

from ..context import Context
from ..drivers.filter import Aggregate, Host, Request, ServerGroup
from .base import ServiceInterface

__all__ = ["Aggregate", "Host", "Request", "SchedulerService", "Selection", "ServerGroup"]


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server goes: claimed already. ``explanation`` is for the operation's record."""

    provider: str
    host: str
    node: str
    zone: str
    explanation: list[str] = []


class SchedulerService(ServiceInterface):
    """One decision at a time, with its reasons."""

    service = "scheduler"

    @abc.abstractmethod
    def select(self, context: Context, request: Request) -> Selection:
        """Choose a host and claim its resources for ``request.server_id`` in placement.

        Asked again for a server that has its claim, it gives the same host.
        :raises NoValidHost: none fits; the fact ``explanation`` holds survivors per filter.
        """

    @abc.abstractmethod
    def explain(self, context: Context, request: Request) -> list[str]:
        """What :meth:`select` would say now, a line a step, claiming nothing."""
