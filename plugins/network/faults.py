"""The slice's errors in the words of the Networking API: each with its type and its sentence."""

from __future__ import annotations

from ...core.errors import AlreadyExists, BadRequest, Conflict, Forbidden, InUse, NotFound, QuotaExceeded

WORDS = {"network": ("NetworkNotFound", "Network"), "subnet": ("SubnetNotFound", "Subnet"),
         "port": ("PortNotFound", "Port"), "router": ("RouterNotFound", "Router"),
         "floatingip": ("FloatingIPNotFound", "Floating IP"),
         "security_group": ("SecurityGroupNotFound", "Security group"),
         "security_group_rule": ("SecurityGroupRuleNotFound", "Security group rule"),
         "subnetpool": ("SubnetPoolNotFound", "Subnet pool"), "agent": ("AgentNotFound", "Agent"),
         "availability_zone": ("AvailabilityZoneNotFound", "AvailabilityZone")}


def missing(noun: str, id: str) -> NotFound:
    """There is no such ``noun``, or the caller may not see it."""
    kind, word = WORDS[noun]
    if noun.startswith("security"):
        return NotFound(f"{word} {id} does not exist", type=kind)
    return NotFound(f"{word} {id} could not be found.", type=kind)


def invalid(message: str, type: str = "InvalidInput") -> BadRequest:
    """The values asked for cannot be."""
    return BadRequest(f"Invalid input for operation: {message}." if type == "InvalidInput" else message, type=type)


def conflict(type: str, message: str) -> Conflict:
    """The present state forbids it."""
    return Conflict(message, type=type)


def in_use(type: str, message: str) -> InUse:
    """Something still uses it."""
    return InUse(message, type=type)


def exists(type: str, message: str) -> AlreadyExists:
    """There is one already."""
    return AlreadyExists(message, type=type)


def over_quota(resource: str) -> QuotaExceeded:
    """The project has as many as it may."""
    return QuotaExceeded(f"Quota exceeded for resources: ['{resource}'].", type="OverQuota")


def disallowed(rule: str) -> Forbidden:
    """A policy rule says no."""
    return Forbidden(f"rule:{rule} is disallowed by policy", type="PolicyNotAuthorized")


def no_address(network_id: str) -> Conflict:
    """All addresses of the network's pools are taken."""
    return Conflict(f"No more IP addresses available on network {network_id}.", type="IpAddressGenerationFailure")


def address_taken(address: str, subnet_id: str) -> Conflict:
    """Somebody else has the address."""
    return Conflict(f"IP address {address} already allocated in subnet {subnet_id}", type="IpAddressAlreadyAllocated")
