"""Schemas of request bodies: the kinds of values, and bodies of one or many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]
BOOLEAN: Schema = {"enum": [True, False, 0, 1, "true", "false", "True", "False", "TRUE", "FALSE", "0", "1"]}
NAME: Schema = {"type": "string", "maxLength": 255}
NAME_OR_NONE: Schema = {"type": ["string", "null"], "maxLength": 255}
UUID: Schema = {"type": "string", "format": "uuid"}
UUID_OR_NONE: Schema = {"anyOf": [UUID, {"type": "null"}]}
PROJECT: Schema = {"type": "string", "maxLength": 255}
IP: Schema = {"type": "string", "format": "ip"}
IP_OR_NONE: Schema = {"anyOf": [IP, {"type": "null"}]}
CIDR: Schema = {"type": "string", "format": "cidr"}
MAC: Schema = {"type": "string", "pattern": "^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$"}
NUMBER: Schema = {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^-?[0-9]{1,9}$"}]}
NUMBER_OR_NONE: Schema = {"anyOf": [*NUMBER["anyOf"], {"type": "null"}]}
VERSION: Schema = {"enum": [4, 6, "4", "6"]}
ROUTE: Schema = {"type": "object", "properties": {"destination": CIDR, "nexthop": IP},
                 "required": ["destination", "nexthop"], "additionalProperties": False}
TAGS: Schema = {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 255}, "maxItems": 50}
POOL: Schema = {"type": "object", "properties": {"start": IP, "end": IP}, "required": ["start", "end"],
                "additionalProperties": False}
FIXED_IP: Schema = {"type": "object", "properties": {"ip_address": IP, "subnet_id": UUID},
                    "additionalProperties": False, "minProperties": 1}


def maybe(schema: Schema) -> Schema:
    """``schema`` or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def listed(items: Schema, **more: Any) -> Schema:
    """A list of ``items``."""
    return {"type": "array", "items": items, **more}


def owned(properties: Mapping[str, Schema]) -> dict[str, Schema]:
    """Attributes of a creation with those that all nouns have."""
    return {"project_id": PROJECT, "tenant_id": PROJECT, "description": NAME_OR_NONE, **properties}


def attributes(properties: Mapping[str, Schema], required: Sequence[str] = ()) -> Schema:
    """An object of these attributes and no others."""
    return {"type": "object", "properties": dict(properties), "required": list(required),
            "additionalProperties": False}


def one(name: str, schema: Schema) -> Schema:
    """A body of one."""
    return {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}


def one_or_many(name: str, plural: str, schema: Schema) -> Schema:
    """A body of one, or of a list whose items may be wrapped like a body of one."""
    item = {"if": {"type": "object", "required": [name]}, "then": one(name, schema), "else": schema}
    return {"type": "object", "properties": {name: schema, plural: {"type": "array", "items": item, "minItems": 1}},
            "minProperties": 1, "maxProperties": 1, "additionalProperties": False}
