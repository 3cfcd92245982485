"""What the network service promises its own agents, and they promise it."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import ClassVar

import msgspec

from ...core.context import Context
from ...core.drivers.network import NetworkSpec, PortSpec, RouterSpec, Vif
from ...core.services.network import NetworkService
from ...core.services.release import in_older_words


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """A sign of life: what the agent's driver is and can wire."""

    host: str
    agent_type: str
    vif_type: str
    network_types: list[str]
    mtu: int
    port_filter: bool
    started_at: str
    tunnel_address: str = ""
    """Underlay address where other hosts' tunnels reach this one."""
    availability_zone: str = ""
    """Zone of the host; agents of the release before leave it to the service."""


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """All that should be wired on one host."""

    networks: list[NetworkSpec]
    ports: list[PortSpec]
    routers: list[RouterSpec]


class NetworkControl(NetworkService):
    """The service as its agents see it."""

    @abc.abstractmethod
    def beat(self, context: Context, beat: Beat) -> None:
        """Take note that an agent lives."""

    @abc.abstractmethod
    @in_older_words
    def beats(self, context: Context, beats: list[Beat]) -> None:
        """``beat`` for many agents, in a few queries."""
        for one in beats:
            self.beat(context, one)

    @abc.abstractmethod
    def expected(self, context: Context, host: str) -> Expected:
        """All that should be wired on ``host`` now."""


class NetworkAgent(abc.ABC):
    """The wiring of one host, as the service asks for it. Each verb may be called twice."""

    api: ClassVar[tuple[int, int]] = (1, 0)

    @abc.abstractmethod
    def plug(self, networks: Sequence[NetworkSpec], ports: Sequence[PortSpec]) -> list[Vif]:
        """Wire the networks, then the ports on them, and say how guests join, in the order of ``ports``."""

    @abc.abstractmethod
    def unplug(self, ports: Sequence[str], networks: Sequence[str]) -> None:
        """Unwire ports, then whole networks."""

    @abc.abstractmethod
    def apply(self, networks: Sequence[NetworkSpec], ports: Sequence[PortSpec], routers: Sequence[RouterSpec]) -> None:
        """Make networks, ports and routers as specified."""

    @abc.abstractmethod
    def remove(self, routers: Sequence[str], networks: Sequence[str]) -> None:
        """Unwire routers, then whole networks."""


def queue(host: str) -> str:
    """The mesh queue of a host's agent."""
    return f"agent.network.{host}"
