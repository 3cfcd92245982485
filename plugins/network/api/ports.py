"""Ports over HTTP."""

from __future__ import annotations

from .noun import Face
from .shape import (
    BOOLEAN,
    CIDR,
    FIXED_IP,
    MAC,
    NAME,
    NAME_OR_NONE,
    UUID,
    VERSION,
    Schema,
    attributes,
    listed,
    maybe,
    owned,
)

PAIR: Schema = {"type": "object", "properties": {"mac_address": MAC, "ip_address": CIDR},
                "required": ["ip_address"], "additionalProperties": False}
OPTION: Schema = {"type": "object", "properties": {"opt_name": {"type": "string", "minLength": 1, "maxLength": 64},
                                                   "opt_value": NAME_OR_NONE, "ip_version": VERSION},
                  "required": ["opt_name", "opt_value"], "additionalProperties": False}
VNIC = {"enum": ["normal", "direct", "macvtap", "direct-physical", "baremetal", "virtio-forwarder",
                 "smart-nic", "vdpa", "accelerator-direct", "accelerator-direct-physical", "remote-managed"]}
CHANGEABLE = {"name": NAME, "description": NAME_OR_NONE, "admin_state_up": BOOLEAN, "mac_address": MAC,
              "fixed_ips": maybe(listed(FIXED_IP)), "device_id": NAME_OR_NONE, "device_owner": NAME_OR_NONE,
              "security_groups": maybe(listed(UUID, uniqueItems=True)), "allowed_address_pairs": maybe(listed(PAIR)),
              "extra_dhcp_opts": maybe(listed(OPTION)), "port_security_enabled": BOOLEAN,
              "binding:host_id": NAME_OR_NONE, "binding:profile": {"type": ["object", "null"]},
              "binding:vnic_type": VNIC}
CREATE = attributes(owned({**CHANGEABLE, "network_id": UUID}), ["network_id"])
UPDATE = attributes(CHANGEABLE)

FACE = Face("port", "ports", "/ports")
OPERATIONS = (*FACE.operations(CREATE, UPDATE), *FACE.tag_operations())
