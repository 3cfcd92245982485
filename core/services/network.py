"""What the network service promises the other services."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ..context import Context
from ..drivers.network import Vif
from .base import ServiceInterface


class NicRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One interface a server asks for: a port, or a network with perhaps a fixed address."""

    network_id: str = ""
    port_id: str = ""
    fixed_ip: str = ""
    tag: str = ""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """One address of a server's port."""

    address: str
    version: int
    subnet_id: str = ""
    kind: str = "fixed"
    """``fixed`` or ``floating``."""


class Nic(msgspec.Struct, frozen=True, kw_only=True):
    """One interface of a server as it is."""

    port_id: str
    network_id: str
    network_name: str
    mac: str
    addresses: list[Address] = []
    mtu: int = 1500
    created: bool = True
    """Compute asked for this port, so it goes with the server; false for a port the user brought."""
    tag: str = ""
    state: str = "DOWN"


class NetworkService(ServiceInterface):
    """Ports for servers."""

    service = "network"

    @abc.abstractmethod
    def resolve(self, context: Context, requests: Sequence[NicRequest] | None, count: int,
                security_groups: Sequence[str] = ()) -> list[NicRequest]:
        """Check what ``count`` servers ask for before anything is made; none means: choose.

        The choice is the one network the project can use; no network at all gives no interface.
        ``security_groups`` are names or ids.
        :raises NotFound: unknown network, port or security group.
        :raises BadRequest: an address outside the subnets.
        :raises Conflict: several networks are possible, or a port or address is in use (the fact ``type`` of the
            latter is ``IpAddressInUse``).
        :raises QuotaExceeded: the project may not have that many more ports.
        """

    @abc.abstractmethod
    def own_network(self, context: Context) -> str:
        """The id of a network of the caller's project, made with its subnet and router if it was not before.

        :raises Conflict: the cloud lacks what it would be made from. :raises QuotaExceeded: the project has its share.
        """

    @abc.abstractmethod
    def allocate(self, context: Context, server_id: str, project_id: str, host: str, zone: str, hostname: str,
                 requests: Sequence[NicRequest], security_groups: Sequence[str]) -> list[Nic]:
        """Make or take the ports of a server and bind them to ``host``; the same again changes nothing.

        ``security_groups`` are names or ids; none means the project's default group.
        """

    @abc.abstractmethod
    def attach(self, context: Context, server_id: str, project_id: str, host: str, zone: str, hostname: str,
               request: NicRequest, port_id: str) -> Nic:
        """Make or take one more port of a server and bind it to ``host``; the same again changes nothing.

        A port that is made gets the id ``port_id``, behind those the server has.
        :raises Conflict: the port or the address is in use. :raises QuotaExceeded: the project has its share.
        """

    @abc.abstractmethod
    def plug(self, context: Context, server_id: str, host: str) -> list[Vif]:
        """Wire all ports of a server on ``host`` and say how its guest joins them, in order."""

    @abc.abstractmethod
    def bind(self, context: Context, server_id: str, host: str, zone: str = "") -> None:
        """Bind all ports of a server to ``host`` in ``zone``, or to no host when that is empty; again is the same.

        Nothing is wired or unwired: see :meth:`plug` and :meth:`unplug`.
        """

    @abc.abstractmethod
    def unplug(self, context: Context, server_id: str, host: str, later: bool = False) -> None:
        """Unwire all ports of a server on ``host``; the ports and their addresses stay.

        ``later``: the host is away, so that it is done once it answers, unless the ports are bound to it then.
        """

    @abc.abstractmethod
    def release(self, context: Context, server_id: str, port_ids: Sequence[str] | None = None) -> None:
        """Unwire and delete the server's ports that compute asked for, and let go of the others.

        ``port_ids`` limits it to these. Nothing when there is none.
        """

    @abc.abstractmethod
    def nics(self, context: Context, server_ids: Sequence[str]) -> dict[str, list[Nic]]:
        """The interfaces of servers, by server id, in the order they were asked for."""

    @abc.abstractmethod
    def security_groups(self, context: Context, server_id: str) -> list[str]:
        """Names of the security groups of a server's ports."""

    @abc.abstractmethod
    def add_security_group(self, context: Context, server_id: str, project_id: str, group: str) -> None:
        """Add a security group, by name or id, to all ports of a server that can have one; again is the same.

        :raises NotFound: the project has no such group. :raises Conflict: several have the name.
        :raises BadRequest: no port of the server can have a security group.
        """

    @abc.abstractmethod
    def remove_security_group(self, context: Context, server_id: str, project_id: str, group: str) -> None:
        """Take a security group, by name or id, from all ports of a server.

        :raises NotFound: the project has no such group, or no port of the server has it.
        :raises Conflict: several groups have the name.
        """

    @abc.abstractmethod
    def documents(self, context: Context, noun: str, filters: Mapping[str, list[str]]) -> list[dict[str, Any]]:
        """What the Networking API lists of a noun (``network``, ``security_group``, ``floatingip``, ...)."""

    @abc.abstractmethod
    def document(self, context: Context, noun: str, id: str) -> dict[str, Any]:
        """What the Networking API shows of one. :raises NotFound: there is none that the caller may see."""

    @abc.abstractmethod
    def make(self, context: Context, noun: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make one, by the Networking API's attributes; its errors are those of the noun."""

    @abc.abstractmethod
    def change(self, context: Context, noun: str, id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change attributes of one. :raises NotFound: there is none."""

    @abc.abstractmethod
    def remove(self, context: Context, noun: str, id: str) -> None:
        """Delete one. :raises NotFound: there is none. :raises InUse: something uses it."""

    @abc.abstractmethod
    def network_data(self, context: Context, server_id: str) -> dict[str, Any]:
        """The document ``network_data.json`` of a server (links, networks, services)."""

    @abc.abstractmethod
    def owner_of_address(self, context: Context, network_id: str, address: str) -> str:
        """Id of the server that has ``address`` in the network, for the metadata service.

        :raises NotFound: nobody has it.
        """
