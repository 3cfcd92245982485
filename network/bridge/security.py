"""What a port's guest may send and receive, as rules of the bridge table.

Three chains: ``src`` ends the journey of packets whose sender is forged, ``out`` of what the
guest may not send, ``in`` of what it may not receive. A packet that may pass returns.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from ...core.drivers.network import PortSpec, Rule
from . import nft
from .nft import DROP, RETURN, Statement, field, match, meta

KNOWN = 0x02000000
"""The bit of a packet's mark that says: of a connection that was allowed before."""

Expression = tuple[Statement, ...]

KNOWN_FLOW = match({"&": [meta("mark"), KNOWN]}, KNOWN)
NEIGHBOURS = ("nd-neighbor-solicit", "nd-neighbor-advert")
LISTENERS = ("mld-listener-query", "mld-listener-report", "mld-listener-done", "mld2-listener-report")
PROTOCOLS = {"icmp": 1, "igmp": 2, "tcp": 6, "egp": 8, "udp": 17, "dccp": 33, "ipv6-route": 43, "ipv6-frag": 44,
             "rsvp": 46, "gre": 47, "esp": 50, "ah": 51, "ipv6-icmp": 58, "icmpv6": 58, "ipv6-nonxt": 59,
             "ipv6-opts": 60, "ospf": 89, "ipip": 4, "ipv6-encap": 41, "pgm": 113, "vrrp": 112, "sctp": 132,
             "udplite": 136}
PORTED = {6: "tcp", 17: "udp", 33: "dccp", 132: "sctp", 136: "udplite"}


def link_local(mac: str) -> str:
    """The IPv6 link-local address that a guest makes from its MAC (RFC 4291, appendix A)."""
    octets = bytearray.fromhex(mac.replace(":", ""))
    octets[0] ^= 2
    return str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + bytes(octets[:3]) + b"\xff\xfe" + bytes(octets[3:])))


def source_rules(port: PortSpec) -> Iterator[Expression]:
    """Return for every sender that is the port's own or an allowed pair; drop the rest."""
    pairs: dict[str, list[str]] = {port.mac.lower(): [address for _, address in port.addresses]}
    for mac, address in port.allowed_pairs:
        pairs.setdefault((mac or port.mac).lower(), []).append(address)
    for mac, addresses in pairs.items():
        yield from _senders(mac, addresses)
    yield (DROP,)


def _senders(mac: str, addresses: Sequence[str]) -> Iterator[Expression]:
    own = match(field("ether", "saddr"), mac)
    four = [text for text in addresses if ":" not in text]
    six = [text for text in addresses if ":" in text] + [link_local(mac)]
    unset = match(field("ip", "saddr"), "0.0.0.0")
    arp = match(field("arp", "saddr ether"), mac)
    yield own, unset, *_udp(68, 67), RETURN
    yield own, arp, match(field("arp", "saddr ip"), "0.0.0.0"), RETURN
    if four:
        yield own, match(field("ip", "saddr"), nft.networks(four)), RETURN
        yield own, arp, match(field("arp", "saddr ip"), nft.networks(four)), RETURN
    # A neighbour advertisement claims the address in its target field, 8 bytes into the message.
    target = {"payload": {"base": "th", "offset": 64, "len": 128}}
    for claimed in (text for text in six if "/" not in text):
        yield (own, match(field("icmpv6", "type"), "nd-neighbor-advert"),
               match(target, f"0x{int(ipaddress.IPv6Address(claimed)):032x}"), RETURN)
    if not any("/" in text for text in six):
        yield own, match(field("icmpv6", "type"), "nd-neighbor-advert"), DROP
    yield own, match(field("ip6", "saddr"), nft.networks(six)), RETURN
    yield own, match(field("ip6", "saddr"), "::"), match(field("icmpv6", "type"), nft.any_of(
        ("nd-neighbor-solicit", "nd-router-solicit", "mld-listener-report", "mld2-listener-report"))), RETURN


def guest_rules(port: PortSpec, source: str) -> Iterator[Expression]:
    """What the guest may send."""
    if not port.admin_up:
        yield (DROP,)
        return
    if not port.filtered:
        return
    yield (nft.jump(source),)
    yield *_udp(67, 68), DROP
    yield *_udp(547, 546), DROP
    yield match(field("icmpv6", "type"), nft.any_of(("nd-router-advert", "nd-redirect"))), DROP
    yield *_udp(68, 67), RETURN
    yield *_udp(546, 547), RETURN
    yield match(field("ether", "type"), "arp"), RETURN
    yield match(field("icmpv6", "type"), nft.any_of(("nd-router-solicit", *NEIGHBOURS, *LISTENERS))), RETURN
    yield KNOWN_FLOW, RETURN
    for rule in port.rules:
        if rule.direction == "egress":
            yield from allow(rule)
    yield (DROP,)


def visitor_rules(port: PortSpec, dhcp: str) -> Iterator[Expression]:
    """What the guest may receive; ``dhcp`` is the device behind which our DHCP server is."""
    if not port.admin_up:
        yield (DROP,)
        return
    if not port.filtered:
        return
    ours = match(meta("iifname"), dhcp)
    yield ours, *_udp(67, 68), RETURN
    yield ours, *_udp(547, 546), RETURN
    yield match(field("ether", "type"), "arp"), RETURN
    yield match(field("icmpv6", "type"), nft.any_of(("nd-router-advert", *NEIGHBOURS, *LISTENERS))), RETURN
    yield KNOWN_FLOW, RETURN
    for rule in port.rules:
        if rule.direction == "ingress":
            yield from allow(rule)
    yield (DROP,)


def allow(rule: Rule) -> Iterator[Expression]:
    """The rule's packets return; none do when it names a group without members of its IP version."""
    six = rule.ethertype == "IPv6"
    family: Expression = (match(field("ether", "type"), "ip6" if six else "ip"),)
    remote = [text for text in rule.remote if (":" in text) == six]
    if rule.remote or rule.remote_group:
        if not remote:
            return
        side = "saddr" if rule.direction == "ingress" else "daddr"
        family = (match(field("ip6" if six else "ip", side), nft.networks(remote)),)
    yield *family, *_protocol(rule, six), RETURN


def _protocol(rule: Rule, six: bool) -> Expression:
    if rule.protocol in ("", "any", "0"):
        return ()
    number = PROTOCOLS.get(rule.protocol) or int(rule.protocol)
    if number in (1, 58):
        number = 58 if six else 1
        return match(meta("l4proto"), number), *_icmp(rule, "icmpv6" if six else "icmp")
    if rule.port_min is None or number not in PORTED:
        return (match(meta("l4proto"), number),)
    top = rule.port_max if rule.port_max is not None else rule.port_min
    span = rule.port_min if top == rule.port_min else {"range": [rule.port_min, top]}
    return (match(field(PORTED[number], "dport"), span),)


def _icmp(rule: Rule, name: str) -> Expression:
    """ICMP's type and code stand in the fields of the ports."""
    wanted: list[Statement] = []
    if rule.port_min is not None:
        wanted.append(match(field(name, "type"), rule.port_min))
    if rule.port_max is not None:
        wanted.append(match(field(name, "code"), rule.port_max))
    return tuple(wanted)


def _udp(source: int, target: int) -> Expression:
    return match(field("udp", "sport"), source), match(field("udp", "dport"), target)
