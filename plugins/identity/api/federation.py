"""OS-FEDERATION: providers of identities, protocols, mappings and service providers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ....core.db.engine import Row
from ....core.errors import BadRequest
from ....core.http.call import Call
from ....core.http.table import Operation, Query
from ..federation.providers import Provider
from ..service import Identity
from ..tables.federation import providers, service_providers
from .lists import answer, conditions, in_sql
from .schemas import BOOLEAN, TEXT, Schema, body

CHOSEN = re.compile(r"[\x21-\x7e]{1,64}")
ROOT = "/OS-FEDERATION"
PROVIDER = ROOT + "/identity_providers/{idp_id}"
PROTOCOLS = PROVIDER + "/protocols"
PROTOCOL = PROTOCOLS + "/{protocol_id}"
MAPPING = ROOT + "/mappings/{mapping_id}"
SERVICE_PROVIDER = ROOT + "/service_providers/{sp_id}"

NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 64}
WORD: Schema = {"type": "string", "minLength": 1, "maxLength": 255}
URL: Schema = {"type": "string", "minLength": 1, "maxLength": 225, "pattern": "^[a-zA-Z0-9+.-]+:.+"}
REMOTE_IDS: Schema = {"type": ["array", "null"], "items": WORD, "uniqueItems": True, "maxItems": 1000}
PROVIDER_SCHEMA = {"enabled": BOOLEAN, "description": TEXT, "remote_ids": REMOTE_IDS,
                   "authorization_ttl": {"type": ["integer", "null"], "minimum": 0, "maximum": 5256000},
                   "domain_id": {**NAME, "type": ["string", "null"]}}
SERVICE_PROVIDER_SCHEMA = {"enabled": BOOLEAN, "description": TEXT, "auth_url": URL, "sp_url": URL,
                           "relay_state_prefix": {**WORD, "type": ["string", "null"]}}
PROTOCOL_SCHEMA = {"mapping_id": NAME, "remote_id_attribute": {**NAME, "type": ["string", "null"]}}

STRINGS: Schema = {"type": "array", "items": {"type": "string"}, "maxItems": 1000}
DOMAIN: Schema = {"type": "object", "properties": {"id": WORD, "name": WORD}, "additionalProperties": False}


def _remote(word: str | None) -> Schema:
    """A requirement; ``word`` says what is asked of the values."""
    known: dict[str, Schema] = {"type": WORD}
    if word is not None:
        known |= {word: STRINGS, "regex": BOOLEAN}
    return {"type": "object", "properties": known, "required": ["type", *([word] if word else [])],
            "additionalProperties": False}


LOCAL: Schema = {"type": "object", "additionalProperties": False, "properties": {
    "user": {"type": "object", "additionalProperties": False, "properties": {
        "id": WORD, "name": WORD, "email": WORD, "domain": DOMAIN, "type": {"enum": ["ephemeral", "local"]}}},
    "group": {"type": "object", "additionalProperties": False, "properties": {"id": WORD, "name": WORD,
                                                                             "domain": DOMAIN},
              "oneOf": [{"required": ["id"]}, {"required": ["name", "domain"]}]},
    "groups": WORD, "group_ids": WORD, "domain": DOMAIN,
    "projects": {"type": "array", "maxItems": 100, "items": {
        "type": "object", "required": ["name", "roles"], "additionalProperties": False, "properties": {
            "name": WORD, "domain": DOMAIN, "roles": {"type": "array", "minItems": 1, "maxItems": 100, "items": {
                "type": "object", "required": ["name"], "additionalProperties": False,
                "properties": {"name": WORD}}}}}}}}
RULE: Schema = {"type": "object", "required": ["local", "remote"], "additionalProperties": False, "properties": {
    "local": {"type": "array", "items": LOCAL, "maxItems": 1000},
    "remote": {"type": "array", "minItems": 1, "maxItems": 1000, "items": {
        "oneOf": [_remote(word) for word in (None, "any_one_of", "not_any_of", "blacklist", "whitelist")]}}}}
RULES: Schema = {"type": "array", "items": RULE, "minItems": 1, "maxItems": 1000}
MAPPING_SCHEMA = {"id": WORD, "rules": RULES, "schema_version": {"enum": ["1.0", "2.0"]}}


def chosen(call: Call, name: str) -> str:
    """An id that its maker chose, from the path. :raises BadRequest: it is too long or holds strange characters."""
    if not CHOSEN.fullmatch(call.path[name]):
        raise BadRequest(f"Invalid id: {call.path[name]!r} is not 1 to 64 visible ASCII characters.")
    return call.path[name]


# Providers.

def view(call: Call, one: Provider) -> dict[str, Any]:
    """A provider as the API shows it."""
    address = call.address(f"/v3/OS-FEDERATION/identity_providers/{one.id}")
    return {"id": one.id, "enabled": one.enabled, "description": one.description, "domain_id": one.domain_id,
            "authorization_ttl": one.authorization_ttl, "remote_ids": one.remote_ids,
            "links": {"self": address, "protocols": address + "/protocols"}}


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List identity providers."""
    matches = service.providers.all(in_sql(providers, conditions(call, ("id",), ("enabled",))))
    return answer(service, call, "identity_providers", [view(call, one) for one in matches])


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create an identity provider."""
    made = service.providers.create(call.context, chosen(call, "idp_id"), call.body["identity_provider"])
    return {"identity_provider": view(call, made)}


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show an identity provider."""
    return {"identity_provider": view(call, service.providers.find(call.path["idp_id"]))}


def update(service: Identity, call: Call) -> Mapping[str, Any]:
    """Change an identity provider."""
    changed = service.providers.update(call.context, call.path["idp_id"], call.body["identity_provider"])
    return {"identity_provider": view(call, changed)}


def delete(service: Identity, call: Call) -> None:
    """Delete an identity provider."""
    service.providers.delete(call.context, call.path["idp_id"])


# Protocols.

def _protocol(call: Call, row: Row) -> dict[str, Any]:
    address = call.address(f"/v3/OS-FEDERATION/identity_providers/{row.provider_id}")
    return {"id": row.id, "mapping_id": row.mapping_id, "remote_id_attribute": row.remote_id_attribute,
            "links": {"self": f"{address}/protocols/{row.id}", "identity_provider": address}}


def protocols(service: Identity, call: Call) -> Mapping[str, Any]:
    """List the protocols of an identity provider."""
    rows = service.providers.protocols(call.path["idp_id"])
    return answer(service, call, "protocols", [_protocol(call, row) for row in rows])


def add_protocol(service: Identity, call: Call) -> Mapping[str, Any]:
    """Give an identity provider a protocol."""
    return {"protocol": _protocol(call, service.providers.add_protocol(
        call.context, call.path["idp_id"], chosen(call, "protocol_id"), call.body["protocol"]))}


def show_protocol(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a protocol."""
    return {"protocol": _protocol(call, service.providers.protocol(call.path["idp_id"], call.path["protocol_id"]))}


def update_protocol(service: Identity, call: Call) -> Mapping[str, Any]:
    """Change a protocol."""
    return {"protocol": _protocol(call, service.providers.update_protocol(
        call.context, call.path["idp_id"], call.path["protocol_id"], call.body["protocol"]))}


def delete_protocol(service: Identity, call: Call) -> None:
    """Take a protocol from an identity provider."""
    service.providers.delete_protocol(call.context, call.path["idp_id"], call.path["protocol_id"])


# Mappings and service providers.

def _mapping(call: Call, row: Row) -> dict[str, Any]:
    return {"id": row.id, "rules": row.rules, "schema_version": row.schema_version,
            "links": {"self": call.address(f"/v3/OS-FEDERATION/mappings/{row.id}")}}


def _service_provider(call: Call, row: Row) -> dict[str, Any]:
    return {"id": row.id, "enabled": row.enabled, "description": row.description, "auth_url": row.auth_url,
            "sp_url": row.sp_url, "relay_state_prefix": row.relay_state_prefix,
            "links": {"self": call.address(f"/v3/OS-FEDERATION/service_providers/{row.id}")}}


def mappings(service: Identity, call: Call) -> Mapping[str, Any]:
    """List mappings."""
    return answer(service, call, "mappings", [_mapping(call, row) for row in service.mappings.all([])])


def create_mapping(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create a mapping."""
    values = {"schema_version": "1.0", **_without_id(call)}
    return {"mapping": _mapping(call, service.mappings.create(call.context, chosen(call, "mapping_id"), values))}


def show_mapping(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a mapping."""
    return {"mapping": _mapping(call, service.mappings.find(call.path["mapping_id"]))}


def update_mapping(service: Identity, call: Call) -> Mapping[str, Any]:
    """Change a mapping."""
    return {"mapping": _mapping(call, service.mappings.update(call.context, call.path["mapping_id"],
                                                              _without_id(call)))}


def _without_id(call: Call) -> dict[str, Any]:
    """What a body says of a mapping; clients repeat the id that is in the path."""
    return {name: value for name, value in call.body["mapping"].items() if name != "id"}


def delete_mapping(service: Identity, call: Call) -> None:
    """Delete a mapping that no protocol uses."""
    service.mappings.delete(call.context, call.path["mapping_id"])


def _stated(values: Mapping[str, Any]) -> dict[str, Any]:
    """A service provider's values as the table has them."""
    stated = dict(values)
    if stated.get("relay_state_prefix", "") is None:
        stated["relay_state_prefix"] = "ss:mem:"
    return stated


def index_service_providers(service: Identity, call: Call) -> Mapping[str, Any]:
    """List service providers."""
    rows = service.service_providers.all(in_sql(service_providers, conditions(call, ("id",), ("enabled",))))
    return answer(service, call, "service_providers", [_service_provider(call, row) for row in rows])


def create_service_provider(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create a service provider."""
    values = {"enabled": False, "description": None, "relay_state_prefix": "ss:mem:",
              **_stated(call.body["service_provider"])}
    return {"service_provider": _service_provider(
        call, service.service_providers.create(call.context, chosen(call, "sp_id"), values))}


def show_service_provider(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a service provider."""
    return {"service_provider": _service_provider(call, service.service_providers.find(call.path["sp_id"]))}


def update_service_provider(service: Identity, call: Call) -> Mapping[str, Any]:
    """Change a service provider."""
    return {"service_provider": _service_provider(call, service.service_providers.update(
        call.context, call.path["sp_id"], _stated(call.body["service_provider"])))}


def delete_service_provider(service: Identity, call: Call) -> None:
    """Delete a service provider."""
    service.service_providers.delete(call.context, call.path["sp_id"])


def _entry(path: str, noun: str, words: str, verbs: Sequence[Any], new: Schema, change: Schema,
           filters: Mapping[str, str]) -> tuple[Operation, ...]:
    """The five operations of a noun whose ids its makers choose."""
    listing, creating, showing, updating, deleting = verbs
    return (
        Operation("GET", path.rpartition("/")[0], listing, f"identity:list_{noun}s", query=Query(filters),
                  summary=f"List {words}s"),
        Operation("PUT", path, creating, f"identity:create_{noun}", body=new, status=201, summary=f"Create {words}"),
        Operation("GET", path, showing, f"identity:get_{noun}", summary=f"Show {words}"),
        Operation("PATCH", path, updating, f"identity:update_{noun}", body=change, summary=f"Update {words}"),
        Operation("DELETE", path, deleting, f"identity:delete_{noun}", status=204, summary=f"Delete {words}"))


KNOWN = {"id": "text", "enabled": "text"}
OPERATIONS = (
    *_entry(PROVIDER, "identity_provider", "identity provider", (index, create, show, update, delete),
            body("identity_provider", PROVIDER_SCHEMA, more=False),
            body("identity_provider", PROVIDER_SCHEMA, more=False), KNOWN),
    *_entry(PROTOCOL, "protocol", "protocol", (protocols, add_protocol, show_protocol, update_protocol,
                                               delete_protocol),
            body("protocol", PROTOCOL_SCHEMA, ["mapping_id"], more=False),
            body("protocol", PROTOCOL_SCHEMA, least=1, more=False), {"id": "text"}),
    *_entry(MAPPING, "mapping", "mapping", (mappings, create_mapping, show_mapping, update_mapping, delete_mapping),
            body("mapping", MAPPING_SCHEMA, ["rules"], more=False),
            body("mapping", MAPPING_SCHEMA, ["rules"], more=False), {"id": "text"}),
    *_entry(SERVICE_PROVIDER, "service_provider", "service provider",
            (index_service_providers, create_service_provider, show_service_provider, update_service_provider,
             delete_service_provider),
            body("service_provider", SERVICE_PROVIDER_SCHEMA, ["auth_url", "sp_url"], more=False),
            body("service_provider", SERVICE_PROVIDER_SCHEMA, least=1, more=False), KNOWN),
)
