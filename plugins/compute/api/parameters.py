"""Pieces of the JSON schemas of compute's bodies that many nouns share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ....core.errors import BadRequest

Piece = dict[str, Any]
MAX_INT = 0x7FFFFFFF
PRINTABLE = "\\x00-\\x1f\\x7f"

NAME: Piece = {"type": "string", "minLength": 1, "maxLength": 255,
               "pattern": f"^[^\\s{PRINTABLE}]([^{PRINTABLE}]*[^\\s{PRINTABLE}])?$"}
"""A name: printable, with no space at either end."""
HOST: Piece = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9._-]+$"}
"""A host's name."""
BOOLEAN: Piece = {"enum": [True, False, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes", "y", "t",
                           "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no", "n", "f", 1, 0]}
"""A truth value, or one of the texts that stand for it."""
TRUE = frozenset((True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes", "y", "t", 1))


def natural(minimum: int = 0, maximum: int = MAX_INT) -> Piece:
    """A number from ``minimum``, 0 or 1, to ``maximum``, itself or as text; read it with :func:`number`."""
    return {"type": ["integer", "string"], "minimum": minimum, "maximum": maximum,
            "pattern": "^0*[1-9][0-9]*$" if minimum else "^[0-9]+$", "maxLength": 20}


def number(value: int | str, name: str, maximum: int = MAX_INT) -> int:
    """A value that passed :func:`natural`. :raises BadRequest: its text stands for more than ``maximum``."""
    found = int(value)
    if found > maximum:
        raise BadRequest(f"Invalid input for field/attribute {name}. Value: {value}. "
                         f"{found} is greater than the maximum of {maximum}")
    return found


def boolean(value: object) -> bool:
    """A value that passed :data:`BOOLEAN`."""
    return value in TRUE


def closed(properties: Mapping[str, Piece], required: Iterable[str] = ()) -> Piece:
    """An object with these properties and no others."""
    return {"type": "object", "properties": dict(properties), "required": list(required),
            "additionalProperties": False}


def wrapped(name: str, inner: Piece) -> Piece:
    """An object whose only property is ``name``."""
    return closed({name: inner}, (name,))
