"""What those need who check tokens by themselves: public keys, and the list of revocations."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import msgspec

from ....core.drivers.revocation import Entry
from ....core.drivers.token import Published
from ....core.errors import BadRequest
from ....core.http.call import Call, Reply
from ....core.http.moment import to_microsecond
from ....core.http.table import Operation, Query
from ..service import Identity

KEYS_GOOD_FOR_S = 60


def keys(service: Identity, call: Call) -> Reply:
    """The public keys of tokens as a JSON Web Key Set (RFC 7517); none where the format has none."""
    published = service.store.format
    told = published.public_keys() if isinstance(published, Published) else ()
    return Reply({"keys": told}, headers={"Cache-Control": f"public, max-age={KEYS_GOOD_FOR_S}"})


def part(service: Identity, call: Call) -> Mapping[str, Any]:
    """What was revoked or changed after the change of a number."""
    found = service.revocations.since(call.number("since") or 0)
    return {"revocations": msgspec.to_builtins(found)}


def events(service: Identity, call: Call) -> Mapping[str, Any]:
    """Revocations as OS-REVOKE shows them."""
    return {"events": [_event(one) for one in service.revocations.events(_moment(call.one("since")))],
            "links": {"self": call.address(call.request.path), "previous": None, "next": None}}


def _event(one: Entry) -> dict[str, Any]:
    kind, _, id = one.subject.partition(":")
    before = datetime.datetime.fromtimestamp(one.issued_before, datetime.UTC).replace(tzinfo=None)
    return {f"{kind}_id": id, "issued_before": to_microsecond(before) + "Z"}


def _moment(text: str) -> datetime.datetime | None:
    """:raises BadRequest: the text is no moment."""
    if not text:
        return None
    try:
        found = datetime.datetime.fromisoformat(text)
        return found.astimezone(datetime.UTC).replace(tzinfo=None) if found.tzinfo else found
    except (ValueError, OverflowError) as exc:
        raise BadRequest("The value of since is no moment in the form of ISO 8601.") from exc


OPERATIONS = (
    Operation("GET", "/auth/jwks", keys, public=True, summary="Show the public keys of tokens"),
    Operation("GET", "/auth/revocations", part, "identity:list_revocations", query=Query({"since": "natural"}),
              summary="List what was revoked or changed since"),
    Operation("GET", "/OS-REVOKE/events", events, "identity:list_revoke_events", query=Query({"since": "text"}),
              summary="List revocation events"),
)
