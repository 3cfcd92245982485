"""Changes to an image as JSON patches: the two media types of the Image API, read into :class:`Change`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from ...core.errors import BadRequest, Conflict, Forbidden, UnsupportedMedia
from .schemas import ATTRIBUTES, READ_ONLY, RESERVED

V21 = "application/openstack-images-v2.1-json-patch"
V20 = "application/openstack-images-v2.0-json-patch"
VERBS = ("add", "replace", "remove")
SETTABLE = frozenset(ATTRIBUTES) - READ_ONLY
CHECKS = {name: jsonschema_rs.validator_for(dict(ATTRIBUTES[name])) for name in SETTABLE}


@dataclasses.dataclass(frozen=True)
class Change:
    """One change: ``verb`` is add, replace or remove of the attribute or property ``name``."""

    verb: str
    name: str
    value: Any = None

    def apply(self, values: dict[str, Any]) -> None:
        """Make the change in ``values``, the attributes to set with all properties and tags.

        :raises Forbidden: a basic attribute cannot be removed.
        :raises Conflict: there is no such property to replace or remove.
        """
        if self.name in SETTABLE:
            if self.verb == "remove":
                raise Forbidden(f"Property {self.name} may not be removed.")
            values[self.name] = list(self.value) if self.name == "tags" else self.value
            return
        known: dict[str, str] = values["properties"]
        if self.verb != "add" and self.name not in known:
            raise Conflict(f"Property {self.name} does not exist.")
        if self.verb == "remove":
            del known[self.name]
        else:
            known[self.name] = self.value


def read(media_type: str, body: Any) -> list[Change]:
    """The changes in a request's body.

    :raises UnsupportedMedia: it is neither of the two media types.
    :raises BadRequest: it is no such patch, or a value does not fit.
    :raises Forbidden: an attribute is read-only or reserved.
    """
    kind = media_type.partition(";")[0].strip().lower()
    if kind not in (V20, V21):
        raise UnsupportedMedia(f"Unsupported media type {kind}; use {V21}")
    if not isinstance(body, list):
        raise BadRequest("Request body must be a JSON array of operation objects.")
    return [_change(one, kind) for one in body]


def _change(one: Any, kind: str) -> Change:
    if not isinstance(one, dict):
        raise BadRequest("Operations must be JSON objects.")
    verb, path = _words(one, kind)
    if verb not in VERBS:
        raise BadRequest(f"Operations must be one of: {', '.join(VERBS)}.")
    name = _name(path)
    if verb != "remove" and "value" not in one:
        raise BadRequest(f'Operation "{verb}" requires a member named "value".')
    check_name(name)
    value = one.get("value")
    if verb != "remove":
        check_value(name, value)
    return Change(verb, name, value)


def _words(one: Mapping[str, Any], kind: str) -> tuple[str, str]:
    if kind == V21:
        verb, path = one.get("op"), one.get("path")
    else:
        found = [verb for verb in VERBS if verb in one]
        if len(found) != 1:
            raise BadRequest(f"Operation objects must contain exactly one of: {', '.join(VERBS)}.")
        verb, path = found[0], one[found[0]]
    if not isinstance(verb, str) or not isinstance(path, str):
        raise BadRequest("Operation objects must name an operation and a path.")
    return verb, path


def _name(path: str) -> str:
    """The one attribute a JSON pointer leads to."""
    if not path.startswith("/") or path == "/" or path.endswith("/") or re.search(r"~(?![01])", path):
        raise BadRequest(f"Invalid JSON pointer for this resource: {path!r}")
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
    if parts[0] == "locations":
        raise Forbidden("It's not allowed to add/replace/remove locations if locations are invisible.")
    if len(parts) != 1:
        raise BadRequest(f"Invalid JSON pointer for this resource: {path!r}")
    return parts[0]


def check_name(name: str) -> None:
    """See that an attribute may be set. :raises Forbidden: it is read-only or reserved."""
    if name in READ_ONLY:
        raise Forbidden(f"Attribute '{name}' is read-only.")
    if name in RESERVED or name.startswith("os_glance"):
        raise Forbidden(f"Attribute '{name}' is reserved.")
    if len(name) > 255 or not name:
        raise BadRequest("Property names have 1 to 255 characters")


def check_value(name: str, value: Any) -> None:
    """See that a value fits its attribute. :raises BadRequest: it does not."""
    check = CHECKS.get(name)
    if check is None:
        if not isinstance(value, str):
            raise BadRequest(f"Invalid image metadata: {name}: {value!r} is not of type 'string'")
    elif not check.is_valid(value):
        raise BadRequest(f"Invalid image metadata: Failed validating {name!r}: {value!r}")
