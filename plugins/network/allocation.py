"""Which addresses a port gets: those asked for, one of each version, and those guests make themselves."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import sqlalchemy as sa

from ...core.db.engine import Transaction
from . import faults
from .addresses import eui64, is_automatic, network_of, next_free, number_of, plain
from .noun import Document
from .tables import addresses

MOST = 5
Fixed = list[dict[str, str]]
Subnets = Sequence[tuple[Document, str]]
_HELD = sa.select(addresses.c.port_id).where(addresses.c.subnet_id == sa.bindparam("subnet_id"),
                                             addresses.c.number == sa.bindparam("number"))
_RELEASE = addresses.delete().where(addresses.c.subnet_id == sa.bindparam("this_subnet"),
                                    addresses.c.number == sa.bindparam("this_number"))


def choose(tx: Transaction, port: Document, wanted: Sequence[dict[str, Any]] | None, subnets: Subnets,
           held: Fixed = ()) -> Fixed:  # type: ignore[assignment]
    """The fixed addresses for ``port``, free at this moment; ``held`` are its present ones.

    :raises BadRequest: an address or subnet asked for is not of the network.
    :raises Conflict: an address is taken, or none is left.
    """
    internal = port["device_owner"].startswith("network:router")
    if wanted is None:
        found = _any(tx, port, subnets)
    else:
        found = _asked(tx, port, wanted, subnets, held, internal)
    if internal:
        return found
    for subnet, _ in subnets:
        if is_automatic(subnet) and all(one["subnet_id"] != subnet["id"] for one in found):
            found.append({"subnet_id": subnet["id"], "ip_address": eui64(subnet["cidr"], port["mac_address"])})
    return found


def _any(tx: Transaction, port: Document, subnets: Subnets) -> Fixed:
    found: Fixed = []
    for version in (4, 6):
        fitting = [(subnet, cursor) for subnet, cursor in subnets
                   if subnet["ip_version"] == version and not is_automatic(subnet)
                   and _serves(subnet, port["device_owner"])]
        if not fitting:
            continue
        for subnet, cursor in fitting:
            address = next_free(tx, subnet, cursor)
            if address is not None:
                found.append({"subnet_id": subnet["id"], "ip_address": address})
                break
        else:
            raise faults.no_address(port["network_id"])
    return found


def _serves(subnet: Document, owner: str) -> bool:
    kinds = subnet.get("service_types") or []
    return not kinds or any(owner.startswith(kind) for kind in kinds)


def _asked(tx: Transaction, port: Document, wanted: Sequence[dict[str, Any]], subnets: Subnets,
           held: Fixed, internal: bool) -> Fixed:
    if len(wanted) > MOST:
        raise faults.invalid("Exceeded maximum amount of fixed ips per port")
    known = {subnet["id"]: (subnet, cursor) for subnet, cursor in subnets}
    found: Fixed = []
    left = list(held)
    for one in wanted:
        fixed = _one(tx, port, one, known, left, internal)
        if fixed in found:
            raise faults.invalid(f"Duplicate IP addresses in fixed_ips: {fixed['ip_address']}")
        if fixed in left:
            left.remove(fixed)
        found.append(fixed)
    return found


def _one(tx: Transaction, port: Document, one: dict[str, Any], known: dict[str, tuple[Document, str]],
         left: Fixed, internal: bool) -> dict[str, str]:
    address = one.get("ip_address")
    subnet_id = one.get("subnet_id")
    if not subnet_id:
        if not address:
            raise faults.invalid("IP allocation requires subnet_id or ip_address")
        subnet_id = _containing(address, known)
    if subnet_id not in known:
        raise faults.invalid(f"Failed to create port on network {port['network_id']}, because fixed_ips included "
                             f"invalid subnet {subnet_id}")
    subnet, cursor = known[subnet_id]
    automatic = is_automatic(subnet) and not internal
    if automatic:
        made = eui64(subnet["cidr"], port["mac_address"])
        if address and plain(address) != made and {"subnet_id": subnet_id, "ip_address": plain(address)} not in left:
            raise faults.invalid(f"IPv6 address {address} can not be directly assigned to a port on subnet {subnet_id} "
                                 "as the subnet is configured for automatic addresses",
                                 "AllocationOnAutoAddressSubnet")
        return {"subnet_id": subnet_id, "ip_address": made}
    if address:
        return {"subnet_id": subnet_id, "ip_address": _checked(tx, plain(address), subnet, port["id"])}
    kept = next((fixed for fixed in left if fixed["subnet_id"] == subnet_id), None)
    if kept is not None:
        return kept
    free = next_free(tx, subnet, cursor)
    if free is None:
        raise faults.no_address(port["network_id"])
    known[subnet_id] = (subnet, number_of(free))
    return {"subnet_id": subnet_id, "ip_address": free}


def _containing(address: str, known: dict[str, tuple[Document, str]]) -> str:
    parsed = ip_address(address)
    for id, (subnet, _) in known.items():
        if parsed in network_of(subnet["cidr"]):
            return id
    raise faults.invalid(f"IP address {address} is not a valid IP for any of the subnets on the specified network.",
                         "InvalidIpForNetwork")


def _checked(tx: Transaction, address: str, subnet: Document, port_id: str) -> str:
    net, parsed = network_of(subnet["cidr"]), ip_address(address)
    edge = net.version == 4 and net.num_addresses > 2 and parsed in (net.network_address, net.broadcast_address)
    if parsed not in net or edge or (net.version == 6 and net.num_addresses > 2 and parsed == net.network_address):
        raise faults.invalid(f"IP address {address} is not a valid IP for the specified subnet.", "InvalidIpForSubnet")
    holder = tx.value(_HELD, {"subnet_id": subnet["id"], "number": number_of(address)})
    if holder is not None and holder != port_id:
        raise faults.address_taken(address, subnet["id"])
    return address


def rows(port: Document, fixed: Fixed) -> list[dict[str, str]]:
    """The rows that take ``fixed`` for ``port``."""
    return [{"subnet_id": one["subnet_id"], "number": number_of(one["ip_address"]), "port_id": port["id"],
             "network_id": port["network_id"], "address": one["ip_address"]} for one in fixed]


def replace(tx: Transaction, port: Document, old: Fixed, new: Fixed) -> None:
    """Let go of the addresses only in ``old`` and take those only in ``new``."""
    for one in old:
        if one not in new:
            tx.execute(_RELEASE, {"this_subnet": one["subnet_id"], "this_number": number_of(one["ip_address"])})
    tx.insert(addresses, rows(port, [one for one in new if one not in old]))
