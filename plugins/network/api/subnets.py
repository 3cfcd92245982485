"""Subnets and subnet pools over HTTP."""

from __future__ import annotations

from .noun import Face
from .shape import (
    BOOLEAN,
    CIDR,
    IP,
    IP_OR_NONE,
    NAME,
    NAME_OR_NONE,
    NUMBER,
    NUMBER_OR_NONE,
    POOL,
    ROUTE,
    UUID,
    UUID_OR_NONE,
    VERSION,
    attributes,
    listed,
    maybe,
    owned,
)

MODE = {"enum": ["slaac", "dhcpv6-stateful", "dhcpv6-stateless", None]}
CHANGEABLE = {"name": NAME, "description": NAME_OR_NONE, "gateway_ip": IP_OR_NONE, "enable_dhcp": BOOLEAN,
              "allocation_pools": maybe(listed(POOL)), "dns_nameservers": maybe(listed(IP, uniqueItems=True)),
              "host_routes": maybe(listed(ROUTE, uniqueItems=True)), "service_types": maybe(listed(NAME))}
CREATE = attributes(owned({**CHANGEABLE, "network_id": UUID, "ip_version": VERSION, "cidr": maybe(CIDR),
                           "prefixlen": NUMBER_OR_NONE, "subnetpool_id": UUID_OR_NONE, "ipv6_ra_mode": MODE,
                           "ipv6_address_mode": MODE, "use_default_subnetpool": BOOLEAN}), ["network_id", "ip_version"])
UPDATE = attributes(CHANGEABLE)

POOL_CHANGEABLE = {"name": NAME, "description": NAME_OR_NONE, "prefixes": listed(CIDR, minItems=1, uniqueItems=True),
                   "default_prefixlen": NUMBER, "min_prefixlen": NUMBER, "max_prefixlen": NUMBER,
                   "default_quota": NUMBER_OR_NONE, "is_default": BOOLEAN}
POOL_CREATE = attributes(owned({**POOL_CHANGEABLE, "shared": BOOLEAN}), ["name", "prefixes"])
POOL_UPDATE = attributes(POOL_CHANGEABLE)

FACE = Face("subnet", "subnets", "/subnets")
POOLS = Face("subnetpool", "subnetpools", "/subnetpools")
OPERATIONS = (*FACE.operations(CREATE, UPDATE), *FACE.tag_operations(),
              *POOLS.operations(POOL_CREATE, POOL_UPDATE), *POOLS.tag_operations())
