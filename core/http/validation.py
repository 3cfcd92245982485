"""Checking what comes in: JSON bodies against schemas, query parameters against their kinds."""

from __future__ import annotations

import datetime
import ipaddress
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import jsonschema_rs
import msgspec

from ..errors import BadRequest
from .table import Operation, Query, Schema, Version, is_versioned, version

decode = msgspec.json.Decoder().decode


def _quiet(check: Callable[[str], object]) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        try:
            check(text)
        except ValueError:
            return False
        return True
    return holds


def is_uuid(text: str) -> bool:
    """Tell whether ``text`` is a UUID, with or without dashes."""
    try:
        return uuid.UUID(text).hex == text.replace("-", "").lower() and len(text) in (32, 36)
    except ValueError:
        return False


def as_integer(text: str) -> int | None:
    """The whole number that ``text`` writes with at most 18 digits, or none."""
    return int(text) if re.fullmatch(r"-?[0-9]{1,18}", text) else None


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "uuid": is_uuid,
    "ipv4": _quiet(ipaddress.IPv4Address),
    "ipv6": _quiet(ipaddress.IPv6Address),
    "ip": _quiet(ipaddress.ip_address),
    "cidr": _quiet(lambda text: ipaddress.ip_network(text, strict=False)),
    "moment": _quiet(datetime.datetime.fromisoformat),
}


class BodyCheck:
    """The compiled schemas of one operation; compiled when first used."""

    def __init__(self, operation: Operation) -> None:
        body = operation.body
        self.takes_body = body is not None
        schemas: Mapping[str, Schema] = {}
        if body is not None:
            schemas = body if is_versioned(body) else {"0.0": body}
        self._schemas = sorted(((version(since), schema) for since, schema in schemas.items()), reverse=True)
        self._compiled: dict[Version, Any] = {}

    def check(self, asked: Version, body: Any) -> None:
        """See that ``body`` fits the schema of microversion ``asked``. :raises BadRequest: it does not."""
        for since, schema in self._schemas:
            if asked >= since or since == (0, 0):
                validator = self._compiled.get(since) or self._compile(since, schema)
                if not validator.is_valid(body):
                    raise _refusal(validator, body)
                return

    def _compile(self, since: Version, schema: Schema) -> Any:
        validator = self._compiled[since] = _validator(schema)
        return validator


def _validator(schema: Schema) -> Any:
    return jsonschema_rs.validator_for(dict(schema), formats=dict(FORMATS), validate_formats=True)


def validate(schema: Schema, value: Any) -> None:
    """See that a value that came on another way than as a body fits ``schema``. :raises BadRequest: it does not."""
    validator = _validator(schema)
    if not validator.is_valid(value):
        raise _refusal(validator, value)


LENGTHS = {"maxLength": "long", "minLength": "short"}


def _refusal(validator: Any, body: Any) -> BadRequest:
    """What is wrong first; the facts ``reason``, ``keyword`` and ``schema_path`` say it in parts."""
    error = next(iter(validator.iter_errors(body)))
    path = [str(part) for part in error.schema_path] or [""]
    return BadRequest(_explain(error), check="body", reason=str(error.message), keyword=path[-1], schema_path=path[:-1])


def _explain(error: Any) -> str:
    length = LENGTHS.get(error.schema_path[-1]) if isinstance(error.instance, str) and error.instance_path else None
    if length is not None:
        # OpenStack's own words, which its clients' tests know.
        value = _short(error.instance)
        return f"Invalid input for field/attribute {error.instance_path[-1]}. Value: {value}. '{value}' is too {length}"
    where = "".join(f"[{part}]" if isinstance(part, int) else f"/{part}" for part in error.instance_path)
    return f"Invalid input for field/attribute {where.lstrip('/') or 'body'}. {_short(str(error.message))}"


def _short(text: str) -> str:
    return text if len(text) <= 400 else text[:400] + "..."


BOOLEANS = frozenset(("", "0", "1", "true", "false", "t", "f", "yes", "no", "y", "n", "on", "off"))

KINDS: Mapping[str, Callable[[str], bool]] = {
    "text": lambda text: True,
    "uuid": is_uuid,
    "integer": lambda text: re.fullmatch(r"[+-]?[0-9]{1,18}", text) is not None,
    "natural": lambda text: re.fullmatch(r"\+?[0-9]{1,100}", text) is not None,
    "boolean": lambda text: text.lower() in BOOLEANS,
    "moment": FORMATS["moment"],
}


LONGEST_QUERY = 16384
"""Characters of a query string; OpenStack's own servers take no longer request lines."""
MOST_PARAMETERS = 500
"""Parameters of one request. Many become conditions, and databases bound how many a statement may have."""


def parse_query(text: str) -> dict[str, list[str]]:
    """A query string as lists of texts.

    :raises BadRequest: it is too long, has too many parts, is not UTF-8 once unquoted, or holds a NUL character.
    """
    found: dict[str, list[str]] = {}
    if len(text) > LONGEST_QUERY or text.count("&") >= MOST_PARAMETERS:
        raise BadRequest(f"the query string has more than {LONGEST_QUERY} characters or {MOST_PARAMETERS} parameters",
                         check="query")
    for part in text.split("&"):
        if part:
            name, _, value = part.partition("=")
            found.setdefault(_unquoted(name), []).append(_unquoted(value))
    if "\0" in text or "%00" in text:
        raise BadRequest("the query string holds a NUL character", check="query")
    return found


def _unquoted(text: str) -> str:
    if "%" not in text and "+" not in text and text.isascii():
        return text
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError as exc:
        raise BadRequest("the query string is not UTF-8") from exc


def check_query(query: Query, asked: Version, values: Mapping[str, list[str]]) -> None:
    """See that ``values`` are what ``query`` knows. :raises BadRequest: they are not."""
    for name, given in values.items():
        kind = query.known.get(name)
        if kind is not None and name in query.since and asked < version(query.since[name]):
            kind = None
        if kind is None:
            if query.strict and not any(re.fullmatch(pattern, name) for pattern in query.patterns):
                raise BadRequest(f"Additional properties are not allowed: query parameter {name!r} was unexpected",
                                 check="query", unknown=name, patterns=tuple(query.patterns))
            continue
        many = kind.startswith("*")
        if len(given) > 1 and not many:
            raise BadRequest(f"Query parameter {name!r} may be given only once", check="query")
        for value in given:
            if not fits(kind.lstrip("*"), value):
                raise BadRequest(f"Invalid input for query parameters {name}. Value: {value[:100]}. "
                                 f"It is no {kind.lstrip('*')}", check="query")


def fits(kind: str, value: str) -> bool:
    """Tell whether a query value is of ``kind``."""
    if "\0" in value:
        return False
    if kind.startswith("one of:"):
        return value in [choice.strip() for choice in kind[7:].split(",")]
    return KINDS[kind](value)


INTEGERS = 1 << 63
"""Whole numbers of databases lie between minus this and this, without the latter."""
SUSPECT = re.compile(rb"[0-9]{19}|[:,\[]\s*-?[0-9]+(?:\.[0-9]+)?[eE]|\\u0000")
"""What data has that may hold a number or a character that no database takes."""


def parse_json(data: bytes) -> Any:
    """``data`` as JSON.

    :raises BadRequest: it is none, or not UTF-8, or holds a NUL character or a number beyond 64 bits.
    """
    body = decode_json(data)
    refuse_extremes(data, body)
    return body


def decode_json(data: bytes) -> Any:
    """``data`` as JSON, whatever it holds. :raises BadRequest: it is none, or not UTF-8."""
    try:
        return decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise BadRequest(f"The request body is no valid JSON: {exc}", check="json", reason=str(exc)) from exc


def refuse_extremes(data: bytes, body: Any) -> None:
    """See that no part of ``body``, which ``data`` writes, is a NUL character or a number beyond 64 bits.

    :raises BadRequest: one is.
    """
    if not SUSPECT.search(data):
        return
    # Without recursion, as bodies may be deep.
    left = [body]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left.extend(one)
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)
        elif isinstance(one, str):
            if "\0" in one:
                raise BadRequest("The request body holds a NUL character", check="json")
        elif isinstance(one, (int, float)) and not -INTEGERS <= one < INTEGERS:
            raise BadRequest("The request body holds a number beyond 64 bits", check="json")
