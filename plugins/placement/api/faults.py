"""The body of placement's faults: a list of errors, as the API-SIG guideline on errors has it."""

from __future__ import annotations

import html
import http
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ....core.errors import CloudError
from ....core.http.table import version

UNDEFINED = "placement.undefined_code"
CODE_SINCE = (1, 23)


def detail(error: CloudError) -> str:
    """What is wrong, told of bodies, queries and versions as placement's clients know it: in one line, as they show
    the last."""
    facts = error.facts
    check = facts.get("check")
    if check == "body":
        reason, keyword = str(facts.get("reason")).replace('"', "'"), facts.get("keyword")
        if keyword in ("minProperties", "minItems"):
            reason = reason.partition(" has less")[0] + " should be non-empty"
        elif keyword == "additionalProperties":
            reason += ": does not match any of the regexes"
        place = "".join(f"['{part}']" for part in cast(Sequence[str], facts.get("schema_path", ())))
        return f"JSON does not validate: {reason}  Failed validating '{keyword}' in schema{place}"
    if check == "json":
        return f"Malformed JSON: {facts.get('reason')}"
    if check == "query" and "unknown" in facts:
        patterns = ", ".join(f"'^{pattern}$'" for pattern in cast(Sequence[str], facts.get("patterns", ())))
        return (f"Invalid query string parameters: Additional properties are not allowed ('{facts['unknown']}' was "
                f"unexpected): '{facts['unknown']}' does not match any of the regexes: {patterns}")
    if check == "query":
        return f"Invalid query string parameters: {error}"
    if facts.get("microversion"):
        word = "Unacceptable version header" if error.status == 406 else "invalid version string"
        return f"{word}: {facts.get('asked')}"
    return str(error)


def fault(status: int, error: CloudError) -> Mapping[str, Any]:
    """One error: status, title and detail, and from microversion 1.23 a code that never changes."""
    facts = error.facts
    one: dict[str, Any] = {"status": status, "title": http.HTTPStatus(status).phrase, "detail": detail(error),
                           "request_id": facts.get("request_id")}
    served = str(facts.get("served") or "").rpartition(" ")[2]
    if not served or version(served) >= CODE_SINCE:
        one["code"] = facts.get("code", UNDEFINED)
    for name in ("min_version", "max_version"):
        if name in facts:
            one[name] = facts[name]
    return {"errors": [one]}


def page(status: int, error: CloudError) -> str:
    """The same for who takes HTML only."""
    title, text = f"{status} {http.HTTPStatus(status).phrase}", html.escape(detail(error))
    return (f"<html>\n <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n  {text}<br /><br />\n"
            f" </body>\n</html>\n")
