"""Security groups and their rules over HTTP."""

from __future__ import annotations

from typing import Any

from ....core.http.call import Call
from ..service import Service
from .noun import Face
from .shape import BOOLEAN, NAME, NAME_OR_NONE, UUID, Schema, attributes, maybe, owned

CHANGEABLE = {"name": NAME, "description": NAME_OR_NONE, "stateful": BOOLEAN}
PORT: Schema = {"type": ["integer", "string", "null"]}
RULE = attributes(owned({
    "security_group_id": UUID, "direction": {"enum": ["ingress", "egress"]}, "ethertype": {"type": ["string", "null"]},
    "protocol": {"type": ["string", "integer", "null"]}, "port_range_min": PORT, "port_range_max": PORT,
    "remote_ip_prefix": maybe({"type": "string", "format": "cidr"}), "remote_group_id": NAME_OR_NONE}),
    ["security_group_id", "direction"])


class Groups(Face):
    """Security groups; the project's default one is made when it is first looked for."""

    def index(self, service: Service, call: Call) -> dict[str, Any]:
        """A list."""
        service.groups.ensure_default(call.context)
        return super().index(service, call)


FACE = Groups("security_group", "security_groups", "/security-groups")
RULES = Face("security_group_rule", "security_group_rules", "/security-group-rules")
OPERATIONS = (*FACE.operations(attributes(owned(CHANGEABLE)), attributes(CHANGEABLE)), *FACE.tag_operations(),
              *RULES.operations(RULE, None))
