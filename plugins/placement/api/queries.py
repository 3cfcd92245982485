"""Query parameters with a language of their own: resources, traits and aggregates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.validation import is_uuid

BAD_VALUE = "placement.query.bad_value"
NATURAL = re.compile(r"[0-9]{1,18}")


def resources(text: str) -> dict[str, int]:
    """``VCPU:2,MEMORY_MB:512`` as amounts. :raises BadRequest: it is not of that form."""
    found: dict[str, int] = {}
    for pair in text.split(","):
        name, colon, amount = pair.strip().partition(":")
        if not (name and colon):
            got = pair.strip() if text else "empty string"
            raise BadRequest("Badly formed resources parameter. Expected resources query string parameter in form: "
                             f"?resources=VCPU:2,MEMORY_MB:1024. Got: {got}.", code=BAD_VALUE)
        if not NATURAL.fullmatch(amount.removeprefix("-")):
            raise BadRequest(f"Requested resource {name} expected positive integer amount. Got: {amount}.",
                             code=BAD_VALUE)
        if int(amount) < 1:
            raise BadRequest(f"Requested resource {name} requires amount >= 1. Got: {amount}.", code=BAD_VALUE)
        found[name] = int(amount)
    return found


class Traits:
    """Traits of a request: each inner list of ``any_of`` means one of these; and those that must be absent."""

    __slots__ = ("any_of", "forbidden")

    def __init__(self) -> None:
        self.any_of: list[list[str]] = []
        self.forbidden: list[str] = []

    def names(self) -> set[str]:
        """All traits that are named."""
        return {name for names in self.any_of for name in names}.union(self.forbidden)


def traits(call: Call, name: str, values: Sequence[str]) -> Traits:
    """``A,!B`` and ``in:A,B`` as traits. :raises BadRequest: not of that form, or it contradicts itself."""
    found = Traits()
    for value in values if call.since("1.39") else values[-1:]:
        _one_value(call, name, value, found)
    both = sorted({names[0] for names in found.any_of if len(names) == 1}.intersection(found.forbidden))
    if both:
        keys = f"{name}: {', '.join(both)}" if name == "root_required" else (
            f"the following traits keys: {name}: ({', '.join(both)})")
        raise BadRequest(f"Conflicting required and forbidden traits found in {keys}", code=BAD_VALUE)
    return found


def _one_value(call: Call, name: str, value: str, found: Traits) -> None:
    if value.startswith("in:"):
        words = value[3:].split(",")
        if not call.since("1.39"):
            raise BadRequest(f"Invalid query string parameters: The format 'in:HW_CPU_X86_VMX,CUSTOM_MAGIC' only "
                             f"supported since microversion 1.39. Got: {value}", code=BAD_VALUE)
        if not all(words) or any(word.startswith("!") for word in words):
            raise _bad_traits(call, name, value)
        found.any_of.append([word.strip() for word in words])
        return
    for word in value.split(","):
        word = word.strip()
        if not word.lstrip("!") or (word.startswith("!") and not call.since("1.22")) or word.startswith("!!"):
            raise _bad_traits(call, name, value)
        if word.startswith("!"):
            found.forbidden.append(word[1:])
        else:
            found.any_of.append([word])


def _bad_traits(call: Call, name: str, value: str) -> BadRequest:
    form = "HW_CPU_X86_VMX,CUSTOM_MAGIC" if not call.since("1.22") else "HW_CPU_X86_VMX,!CUSTOM_MAGIC"
    return BadRequest(f"Invalid query string parameters: Expected '{name}' parameter value of the form: {form}. "
                      f"Got: {value}", code=BAD_VALUE)


class Members:
    """Aggregates of a request: each inner list of ``any_of`` means one of these; and those to keep out of."""

    __slots__ = ("any_of", "forbidden")

    def __init__(self) -> None:
        self.any_of: list[list[str]] = []
        self.forbidden: list[str] = []

    def __bool__(self) -> bool:
        return bool(self.any_of or self.forbidden)


def members(call: Call, name: str, values: Sequence[str]) -> Members:
    """``UUID``, ``in:UUID,UUID``, ``!UUID`` and ``!in:UUID,UUID`` as aggregates.

    :raises BadRequest: not of that form, or given too often.
    """
    if len(values) > 1 and not call.since("1.24"):
        raise BadRequest(f"Multiple {name} parameters are not supported", code="placement.query.duplicate_key")
    found = Members()
    for value in values:
        forbids = value.startswith("!")
        if forbids and not call.since("1.32"):
            raise BadRequest(f"Forbidden member_of parameters are not supported in the specified microversion, got: "
                             f"'{value}'", code=BAD_VALUE)
        ids = _aggregates(name, value.removeprefix("!"))
        if forbids:
            found.forbidden.extend(ids)
        else:
            found.any_of.append(ids)
    return found


def _aggregates(name: str, text: str) -> list[str]:
    ids = text[3:].split(",") if text.startswith("in:") else [text]
    if not text.startswith("in:") and "," in text:
        raise BadRequest(f"Multiple values for '{name}' must be prefixed with the 'in:' or '!in:' keyword using the "
                         f"valid microversion. Got: {text}", code=BAD_VALUE)
    for one in ids:
        if not is_uuid(one):
            raise BadRequest(f"Invalid query string parameters: Expected '{name}' parameter to contain valid UUID(s). "
                             f"Got: {one}", code=BAD_VALUE)
    return ids


NO_CLASS = "Invalid resource class in resources parameter: No such resource class"


def refuse_unknown(kind: str, names: Iterable[str]) -> None:
    """See that nothing is left over. :raises BadRequest: these names are unknown."""
    left = ", ".join(names)
    if left:
        raise BadRequest(f"{kind}: {left}.")


def uuid(name: str, text: str) -> str:
    """``text``, which must be a UUID. :raises BadRequest: it is none."""
    if not is_uuid(text):
        raise BadRequest(f"Invalid query string parameters: Expected '{name}' parameter to be a format of uuid. "
                         f"Got: {text}", code=BAD_VALUE)
    return text
