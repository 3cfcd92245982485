"""A router: a namespace with a leg in each of its networks, and address translation by nftables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_interface
from pathlib import Path

from ...core.drivers.network import RouterSpec
from ...core.errors import NotFound
from . import announcement, flow, namespace, nft
from .advertisement import Advertisement
from .link import Links, mute
from .names import Names
from .nft import ACCEPT, DROP, Command, Statement, Table, field, match, meta
from .options import Options

SETTINGS = {"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1, "ipv4/conf/all/rp_filter": 0,
            "ipv4/conf/default/rp_filter": 0, **namespace.PROMPT}
DSTNAT, SRCNAT = -100, 100
DHCPV6_SERVER = 547
NAT = Table("ip", "nat")
GUARD = Table("ip6", "guard")
Leg = tuple[str, str]
"""(network id, mac): what makes one device."""


class Router:
    """One router of this host."""

    def __init__(self, options: Options, names: Names, router_id: str, folder: Path) -> None:
        self._options = options
        self._advertisement = Advertisement(options, folder)
        self._names = names
        self._id = router_id
        self._space = names.router_namespace(router_id)

    def apply(self, router: RouterSpec) -> None:
        """Make the router as specified.

        :raises NotFound: a network went away meanwhile.
        """
        namespace.create(self._space, self._options.timeout_s)
        with namespace.entered(self._space):
            namespace.set_kernel(SETTINGS)
        legs = _legs(router)
        with namespace.entered(self._options.host_namespace), Links() as links:
            for network_id, mac in legs:
                self._join(links, network_id, mac)
        with namespace.entered(self._space), Links() as links:
            self._drop_strangers(links, legs)
            nft.commit(self._options, _translation(router, self._outside(router)))
            flow.prune(router.floating if router.gateway else (), _own(router))
            fresh = self._address(links, router, legs)
            links.set_routes(dict(_routes(router)))
            for device, mac, address in fresh:
                announcement.send(device, mac, address)
            self._advertisement.apply({self._device(leg): addresses for leg, addresses in legs.items()
                                       if not router.gateway or leg != router.gateway[:2]})

    def remove(self) -> None:
        """Remove the router; nothing if it is not there."""
        self._advertisement.remove()
        namespace.remove(self._space, self._options.timeout_s)

    def _device(self, leg: Leg) -> str:
        return self._names.leg(self._id, *leg)

    def _outside(self, router: RouterSpec) -> str:
        return self._device(router.gateway[:2]) if router.gateway else ""

    def _join(self, links: Links, network_id: str, mac: str) -> None:
        device, bridge = self._device((network_id, mac)), self._names.bridge(network_id)
        mtu = links.mtu(bridge)
        if not mtu:
            raise NotFound(f"network {network_id} is not on this host any more")
        links.ensure_pair(device, device, self._space)
        mute(device)
        links.set(device, mtu=mtu)
        links.join(device, bridge)
        with namespace.entered(self._space), Links() as inside:
            inside.set(device, mtu=mtu, address=mac)
            inside.set(device, state="up")

    def _drop_strangers(self, links: Links, legs: dict[Leg, list[str]]) -> None:
        wanted = {self._device(leg) for leg in legs} | {"lo"}
        for device in links.aliases():
            if device not in wanted and device.startswith(self._names.prefix):
                links.remove(device)

    def _address(self, links: Links, router: RouterSpec, legs: dict[Leg, list[str]]) -> Iterator[tuple[str, str, str]]:
        """Give every leg its addresses; the new IPv4 ones come back, to be made known."""
        floating = [f"{outer}/32" for outer, _ in router.floating] if router.gateway else []
        fresh: list[tuple[str, str, str]] = []
        for leg, addresses in legs.items():
            device = self._device(leg)
            own = floating if router.gateway and leg == router.gateway[:2] else []
            for text in links.set_addresses(device, [*addresses, *(text for text in own if text not in addresses)]):
                if ":" not in text:
                    fresh.append((device, leg[1], text.partition("/")[0]))
        return iter(fresh)


def _legs(router: RouterSpec) -> dict[Leg, list[str]]:
    """Addresses of each leg; a leg with several addresses comes as several interfaces of one MAC."""
    legs: dict[Leg, list[str]] = {}
    for network_id, mac, address in (*router.interfaces, *((router.gateway,) if router.gateway else ())):
        legs.setdefault((network_id, mac), []).append(address)
    return legs


def _routes(router: RouterSpec) -> Iterator[tuple[str, str]]:
    if router.gateway and router.gateway_ip:
        yield ("::/0" if ":" in router.gateway_ip else "0.0.0.0/0"), router.gateway_ip
    yield from router.routes


def _translation(router: RouterSpec, outside: str) -> list[Command]:
    """The whole table anew, in one transaction: connections that are known keep their translation."""
    return [
        GUARD.table(), GUARD.base("input", "input", 0), GUARD.chain("input", "flush"),
        GUARD.rule("input", match(field("udp", "dport"), DHCPV6_SERVER), DROP),
        NAT.table(), NAT.table("delete"), NAT.table(),
        NAT.base("prerouting", "prerouting", DSTNAT, "nat"), NAT.base("output", "output", DSTNAT, "nat"),
        NAT.base("postrouting", "postrouting", SRCNAT, "nat"),
        *(NAT.rule(chain, *rule) for chain in ("prerouting", "output") for rule in _inward(router)),
        *(NAT.rule("postrouting", *rule) for rule in (_outward(router, outside) if outside else ())),
    ]


def _own(router: RouterSpec) -> str:
    """The router's address outside, empty without a gateway."""
    return str(ip_interface(router.gateway[2]).ip) if router.gateway else ""


def _inward(router: RouterSpec) -> Iterator[Sequence[Statement]]:
    for outer, inner in router.floating:
        yield match(field("ip", "daddr"), outer), {"dnat": {"addr": inner}}


def _outward(router: RouterSpec, outside: str) -> Iterator[Sequence[Statement]]:
    """Leaving packets get a floating address, or the router's own.

    Those of a guest that called another by its floating address get one too: the
    answer must come back this way.
    """
    leaving = match(meta("oifname"), outside)
    called = match(nft.ct("status"), "dnat", "in")
    for outer, inner in router.floating:
        yield match(field("ip", "saddr"), inner), leaving, {"snat": {"addr": outer}}
        yield match(field("ip", "saddr"), inner), match(meta("iifname"), outside, "!="), called, {
            "snat": {"addr": outer}}
    yield leaving, called, ACCEPT
    own = _own(router)
    if router.snat and own and ":" not in own:
        yield leaving, {"snat": {"addr": own}}
        yield match(meta("iifname"), outside, "!="), called, {"snat": {"addr": own}}
