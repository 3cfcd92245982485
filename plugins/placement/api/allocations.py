"""``/allocations``: who has claimed how much of what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ....core.db.engine import Transaction
from ....core.errors import BadRequest, NotFound
from ....core.http.call import Call
from ....core.http.table import Operation
from ....core.http.validation import is_uuid
from .. import claim, name, provider, usage
from .answer import dashed, dated

OWNER = {"type": "string", "minLength": 1, "maxLength": 255}
UUID_PATTERN = "^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$"
RESOURCES = {"type": "object", "minProperties": 1, "additionalProperties": False,
             "patternProperties": {"^[0-9A-Z_]+$": {"type": "integer", "minimum": 1, "maximum": 2147483647}}}
LISTED: dict[str, Any] = {"type": "object", "required": ["allocations"], "additionalProperties": False, "properties": {
    "allocations": {"type": "array", "minItems": 1, "items": {
        "type": "object", "required": ["resource_provider", "resources"], "additionalProperties": False,
        "properties": {"resource_provider": {"type": "object", "required": ["uuid"], "additionalProperties": False,
                                             "properties": {"uuid": {"type": "string", "format": "uuid"}}},
                       "resources": RESOURCES}}}}}
OWNED = {**LISTED, "properties": {**LISTED["properties"], "project_id": OWNER, "user_id": OWNER},
         "required": ["allocations", "project_id", "user_id"]}


def _mapped(least: int, **more: Any) -> dict[str, Any]:
    by_provider = {"type": "object", "minProperties": least, "additionalProperties": False,
                   "patternProperties": {UUID_PATTERN: {
                       "type": "object", "required": ["resources"], "additionalProperties": False,
                       "properties": {"generation": {"type": "integer"}, "resources": RESOURCES}}}}
    required = [field for field in more if field != "mappings"]
    return {"type": "object", "additionalProperties": False,
            "required": ["allocations", "project_id", "user_id", *required],
            "properties": {"allocations": by_provider, "project_id": OWNER, "user_id": OWNER, **more}}


CONSUMER_GENERATION = {"type": ["integer", "null"]}
MAPPINGS = {"type": "object", "minProperties": 1, "additionalProperties": False,
            "patternProperties": {"^([a-zA-Z0-9_-]{1,64})?$": {
                "type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string", "format": "uuid"}}}}
TYPE = {"type": "string", "pattern": "^[A-Z0-9_]+$", "minLength": 1, "maxLength": 255}
PUT = {"1.0": LISTED, "1.8": OWNED, "1.12": _mapped(1), "1.28": _mapped(0, consumer_generation=CONSUMER_GENERATION),
       "1.34": _mapped(0, consumer_generation=CONSUMER_GENERATION, mappings=MAPPINGS),
       "1.38": _mapped(0, consumer_generation=CONSUMER_GENERATION, mappings=MAPPINGS, consumer_type=TYPE)}


def of_consumers(one: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of many consumers' allocations by consumer."""
    return {"type": "object", "minProperties": 1, "additionalProperties": False,
            "patternProperties": {UUID_PATTERN: one}}


POST = {"1.13": of_consumers(_mapped(0)), **{since: of_consumers(PUT[since]) for since in ("1.28", "1.34", "1.38")}}


def read(call: Call, consumer: str, body: Mapping[str, Any]) -> claim.Claim:
    """A claim as clients write it, in any of its forms."""
    return claim.Claim(consumer, by_provider(body["allocations"]), body.get("project_id", claim.UNKNOWN),
                       body.get("user_id", claim.UNKNOWN), body.get("consumer_type"),
                       body["consumer_generation"] if call.since("1.28") else claim.ANY_GENERATION)


def by_provider(allocations: Any) -> dict[str, dict[str, int]]:
    """Amounts by provider, from the list or the mapping that clients send."""
    if isinstance(allocations, list):
        return {dashed(one["resource_provider"]["uuid"]): one["resources"] for one in allocations}
    return {dashed(id): one["resources"] for id, one in allocations.items()}


def refuse_unknown(tx: Transaction, claims: Sequence[claim.Claim]) -> None:
    """See that classes and providers of ``claims`` exist. :raises BadRequest: one does not."""
    names = {class_ for one in claims for amounts in one.allocations.values() for class_ in amounts}
    unknown = name.unknown_classes(tx, names)
    if unknown:
        raise BadRequest(f"Unable to allocate inventory for consumer {claims[0].consumer}: "
                         f"No such resource class {unknown[0]}.")


def show(service: Any, call: Call) -> Any:
    """What a consumer has."""
    with service.db.read() as tx:
        rows = claim.shown(tx, call.path["consumer"])
    by_id: dict[str, dict[str, Any]] = {}
    for row in rows:
        by_id.setdefault(row.provider_id, {"resources": {}, "generation": row.provider_generation}
                         )["resources"][row.resource_class] = row.used
    body: dict[str, Any] = {"allocations": by_id}
    if rows and call.since("1.12"):
        body.update(project_id=rows[0].project_id, user_id=rows[0].user_id)
        if call.since("1.28"):
            body["consumer_generation"] = rows[0].generation
        if call.since("1.38"):
            body["consumer_type"] = rows[0].type or usage.UNTYPED
    return dated(service, call, body, [row.updated_at for row in rows])


def put(service: Any, call: Call) -> None:
    """Exactly this for one consumer."""
    consumer = call.path["consumer"]
    if not is_uuid(consumer):
        raise BadRequest(f"Malformed consumer_uuid: {consumer}")
    _settle(service, [read(call, dashed(consumer), call.body)])


def post(service: Any, call: Call) -> None:
    """Exactly this for each of many consumers, or nothing for any."""
    _settle(service, [read(call, dashed(consumer), body) for consumer, body in call.body.items()])


def _settle(service: Any, claims: list[claim.Claim]) -> None:
    with service.db.write() as tx:
        refuse_unknown(tx, claims)
        claim.settle(tx, service.clock.now(), claims)


def delete(service: Any, call: Call) -> None:
    """Nothing for the consumer any more."""
    consumer = call.path["consumer"]
    with service.db.write() as tx:
        if not claim.held(tx, consumer):
            raise NotFound(f"No allocations for consumer '{consumer}'")
        claim.settle(tx, service.clock.now(), [claim.Claim(consumer, {})])


def of_provider(service: Any, call: Call) -> Any:
    """Who has what of a provider."""
    with service.db.read() as tx:
        row = provider.get(tx, call.path["uuid"])
        rows = claim.of_provider(tx, row.id)
    found: dict[str, dict[str, Any]] = {}
    for one in rows:
        held = found.setdefault(one.consumer_id, {"resources": {}})
        held["resources"][one.resource_class] = one.used
        if call.since("1.28"):
            held["consumer_generation"] = one.generation
    return dated(service, call, {"allocations": found, "resource_provider_generation": row.generation},
                 [one.updated_at for one in rows])


ONE = "/allocations/{consumer}"
OPERATIONS = (
    Operation("POST", "/allocations", post, "placement:allocations:manage", body=POST, since="1.13", status=204,
              summary="Manage many consumers' allocations."),
    Operation("GET", ONE, show, "placement:allocations:list", summary="Show a consumer's allocations."),
    Operation("PUT", ONE, put, "placement:allocations:update", body=PUT, status=204,
              summary="Replace a consumer's allocations."),
    Operation("DELETE", ONE, delete, "placement:allocations:delete", status=204,
              summary="Delete a consumer's allocations."),
    Operation("GET", "/resource_providers/{uuid}/allocations", of_provider,
              "placement:resource_providers:allocations:list", summary="List a provider's allocations."),
)
