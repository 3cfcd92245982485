"""Pieces of JSON schemas that several nouns use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"[\S]+"}
PROJECT_NAME: Schema = {**NAME, "maxLength": 64}
ID: Schema = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[a-zA-Z0-9-]+$"}
NULLABLE_ID: Schema = {**ID, "type": ["string", "null"]}
TEXT: Schema = {"type": ["string", "null"], "maxLength": 65535}
BOOLEAN: Schema = {"type": "boolean"}
NULLABLE_BOOLEAN: Schema = {"type": ["boolean", "null"]}
OPTIONS: Schema = {"type": "object", "properties": {
    **dict.fromkeys(
        ("ignore_change_password_upon_first_use", "ignore_password_expiry", "ignore_lockout_failure_attempts",
         "ignore_user_inactivity", "lock_password", "multi_factor_auth_enabled"), NULLABLE_BOOLEAN),
    "multi_factor_auth_rules": {
        "type": ["array", "null"], "maxItems": 64, "uniqueItems": True,
        "items": {"type": "array", "minItems": 1, "maxItems": 16, "uniqueItems": True,
                  "items": {"type": "string", "maxLength": 64}}}}}
"""Options of users; null takes one back."""
IMMUTABLE: Schema = {"type": "object", "properties": {"immutable": {"type": ["boolean", "null"]}},
                     "additionalProperties": False}
TAG: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[^,/]*$"}
TAGS: Schema = {"type": "array", "items": TAG, "uniqueItems": True, "maxItems": 80}
PASSWORD: Schema = {"type": "string", "maxLength": 4096}
NULLABLE_PASSWORD: Schema = {**PASSWORD, "type": ["string", "null"]}


def body(noun: str, properties: Mapping[str, Any], required: Sequence[str] = (), more: bool = True,
         least: int = 0) -> Schema:
    """A body that holds one object under the name of its noun; ``more`` attributes may be given."""
    return {"type": "object", "required": [noun], "properties": {noun: {
        "type": "object", "properties": dict(properties), "required": list(required), "minProperties": least,
        "additionalProperties": more}}}
