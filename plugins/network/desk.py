"""What the nouns, and what stands beside them, ask of one another: the service as they see it.

A noun knows no other noun's module, but the part of it that is declared here.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ...core.context import Context
from ...core.db.engine import Transaction
from ...core.drivers.network import Vif
from .addresses import Net
from .noun import Document, Ground, Noun
from .options import Options


class DeskNoun(Noun):
    """A noun that may ask the others."""

    service: Desk

    def __init__(self, service: Desk) -> None:
        super().__init__(service)


class SubnetNoun(DeskNoun):
    """The subnets."""

    @abc.abstractmethod
    def of_network(self, tx: Transaction, network_id: str) -> list[tuple[Document, str]]:
        """The subnets of a network with their cursors, the oldest first."""

    @abc.abstractmethod
    def locked(self, tx: Transaction, network_id: str) -> list[tuple[Document, str]]:
        """The same, with their rows locked: whoever gives addresses away does so alone."""


class PoolNoun(DeskNoun):
    """The subnet pools."""

    @abc.abstractmethod
    def default_id(self, tx: Transaction, version: int) -> str:
        """The default pool of a version. :raises NotFound: there is none."""

    @abc.abstractmethod
    def carve(self, tx: Transaction, context: Context, pool_id: str, body: Document, project_id: str) -> Net:
        """A free range of the pool: the one asked for, or the first of the length asked for."""


class PortNoun(DeskNoun):
    """The ports."""

    @abc.abstractmethod
    def write(self, tx: Transaction, context: Context, body: Document, project_id: str, secure: bool = True,
              id: str = "", **internal: Any) -> Document:
        """Write a port of ``body``'s attributes, with addresses and groups. No policy, no quota."""

    @abc.abstractmethod
    def drop(self, tx: Transaction, context: Context, old: Document) -> None:
        """Delete a port and let go of all it holds."""

    @abc.abstractmethod
    def lose_subnet(self, tx: Transaction, context: Context, id: str, subnet_id: str) -> None:
        """Take away the port's addresses of a subnet that goes."""

    @abc.abstractmethod
    def address_all(self, tx: Transaction, context: Context, subnet: Document) -> None:
        """Give all ports of the network the address they make themselves in a new subnet."""


class GroupNoun(DeskNoun):
    """The security groups."""

    @abc.abstractmethod
    def default(self, tx: Transaction, context: Context, project_id: str) -> str:
        """The id of the project's default group, which is made when there is none."""

    @abc.abstractmethod
    def ensure_default(self, context: Context) -> None:
        """See that the caller's project has its default group."""

    @abc.abstractmethod
    def check(self, tx: Transaction, context: Context, project_id: str, ids: Sequence[str]) -> None:
        """See that a project's ports may have these groups. :raises NotFound: one is not there for it."""

    @abc.abstractmethod
    def by_name(self, tx: Transaction, project_id: str, names: Sequence[str]) -> list[str]:
        """Ids of a project's groups from ids or names."""


class RuleNoun(DeskNoun):
    """The rules of security groups."""

    @abc.abstractmethod
    def write(self, tx: Transaction, body: Document, project_id: str) -> Document:
        """Write a checked rule. :raises AlreadyExists: the group has it."""


class RouterNoun(DeskNoun):
    """The routers."""

    @abc.abstractmethod
    def add_interface(self, context: Context, id: str, body: Mapping[str, str]) -> Document:
        """Lead the router into a subnet, by a new port on the subnet's gateway address or a given port."""

    @abc.abstractmethod
    def remove_interface(self, context: Context, id: str, body: Mapping[str, str]) -> Document:
        """Take the router out of a subnet and delete the port it had there."""


class FloatingIpNoun(DeskNoun):
    """The floating IPs."""

    @abc.abstractmethod
    def fixed_lost(self, tx: Transaction, port: Document, addresses: Sequence[str]) -> None:
        """Disassociate what stood for addresses that a port loses."""

    @abc.abstractmethod
    def drop_idle(self, tx: Transaction, context: Context, network_id: str) -> None:
        """Give back the addresses of a network that stand for nothing."""


class Wires(Protocol):
    """What wires hosts as the rows say."""

    def facts(self, tx: Transaction, host: str) -> dict[str, Any]:
        """What a host's agent told of its driver; nothing when it never beat."""

    def binding(self, tx: Transaction, host: str) -> Document:
        """The binding attributes that a host gives its ports."""

    def network_changed(self, tx: Transaction, context: Context, network_id: str) -> None:
        """Wire the network anew where it is wired."""

    def network_gone(self, tx: Transaction, context: Context, network_id: str) -> None:
        """Unwire a network that goes."""

    def group_changed(self, tx: Transaction, context: Context, groups: Sequence[str]) -> None:
        """Wire the networks anew whose ports have these groups."""

    def port_changed(self, tx: Transaction, context: Context, old: Document | None, new: Document | None) -> None:
        """Wire what a new, changed or deleted port touches, and tell compute of its server."""

    def port_left(self, tx: Transaction, port: Document) -> None:
        """Unwire a port that is deleted or let go, where it is wired or its network is: an unwiring may have failed."""

    def tell_compute(self, tx: Transaction, server_id: str) -> None:
        """Tell compute, soon after the commit, that a server's addresses changed."""

    def router_changed(self, tx: Transaction, context: Context, router_id: str) -> None:
        """Wire a router anew on its host."""

    def router_gone(self, tx: Transaction, context: Context, router: Document, host: str) -> None:
        """Unwire a router that goes."""

    def plug(self, context: Context, documents: Sequence[Document], host: str) -> list[Vif]:
        """Wire ports on ``host`` and say how their guest joins them, in order."""

    def unplug(self, context: Context, documents: Sequence[Document], host: str) -> None:
        """Unwire ports on ``host``, and networks that nothing there needs any more."""

    def unplug_later(self, documents: Sequence[Document], host: str) -> None:
        """Unwire ports on ``host``, which is away, once it answers: it may restore what it has before they leave it."""


class Places(Protocol):
    """What keeps the zones of networks and routers."""

    def hints(self, tx: Transaction, asked: Sequence[str] | None) -> list[str]:
        """The zones that a new network or router asks for. :raises NotFound: an agent lives in none of this name."""

    def wired(self, tx: Transaction, networks: Sequence[str], host: str) -> None:
        """Networks are wired on ``host`` now, too."""

    def unwired(self, tx: Transaction, networks: Sequence[str], host: str) -> None:
        """Networks are wired on ``host`` no more."""

    def placed(self, tx: Transaction, router_id: str, host: str) -> None:
        """A router stands on ``host`` from now on."""

    def moved(self, tx: Transaction, hosts: Sequence[str]) -> None:
        """The agents of ``hosts`` came, or told other zones than before."""


class Living(Protocol):
    """What knows which agents live."""

    def alive(self, tx: Transaction, zones: Sequence[str] = ()) -> list[str]:
        """Hosts whose agent beat of late, and which are in one of ``zones`` where some are given."""


class Desk(Ground, Protocol):
    """All of them by name."""

    options: Options
    networks: Noun
    subnets: SubnetNoun
    subnetpools: PoolNoun
    ports: PortNoun
    groups: GroupNoun
    rules: RuleNoun
    routers: RouterNoun
    floating_ips: FloatingIpNoun
    nouns: dict[str, Noun]
    agents: Living
    zones: Places
    wiring: Wires

    @abc.abstractmethod
    def mtu(self, network_type: str) -> int:
        """MTU in bytes of networks of a type that ask for none."""
