"""Networks over HTTP."""

from __future__ import annotations

from .noun import Face
from .shape import BOOLEAN, NAME, NAME_OR_NONE, NUMBER, NUMBER_OR_NONE, attributes, listed, owned

PROVIDER = {"provider:network_type": NAME_OR_NONE, "provider:physical_network": NAME_OR_NONE,
            "provider:segmentation_id": NUMBER_OR_NONE}
CHANGEABLE = {"name": NAME, "description": NAME_OR_NONE, "admin_state_up": BOOLEAN, "shared": BOOLEAN,
              "router:external": BOOLEAN, "is_default": BOOLEAN, "port_security_enabled": BOOLEAN, "mtu": NUMBER,
              "dns_domain": NAME, **PROVIDER}
CREATE = attributes(owned({**CHANGEABLE, "availability_zone_hints": listed(NAME)}))
UPDATE = attributes(CHANGEABLE)

FACE = Face("network", "networks", "/networks")
OPERATIONS = (*FACE.operations(CREATE, UPDATE), *FACE.tag_operations())
