"""``/traits`` and ``/resource_providers/{uuid}/traits``: what providers are capable of."""

from __future__ import annotations

from typing import Any

import msgspec

from ....core.errors import BadRequest, NotFound
from ....core.http.call import Call
from ....core.http.table import Operation, Query
from .. import name, provider
from ..standard import CUSTOM_NAME
from .answer import dated, location
from .inventories import agree

SET = {"type": "object",
       "properties": {"traits": {"type": "array", "uniqueItems": True,
                                 "items": {"type": "string", "minLength": 1, "maxLength": 255,
                                           "pattern": "^[A-Z0-9_]+$"}},
                      "resource_provider_generation": {"type": "integer"}},
       "required": ["traits", "resource_provider_generation"], "additionalProperties": False}


def index(service: Any, call: Call) -> Any:
    """All traits, or those whose name is asked for, or those that some provider has or none has."""
    wanted, associated = call.one("name"), call.one("associated").lower()
    if "associated" in call.query and associated not in ("true", "false"):
        raise BadRequest(f"The query parameter \"associated\" only accepts \"true\" or \"false\": {associated}")
    if "name" in call.query and not wanted.startswith(("startswith:", "in:")):
        raise BadRequest("Badly formatted name parameter. Expected name query string parameter in form: "
                         f"?name=[in|startswith]:[name1,name2|prefix]. Got: \"{wanted}\"")
    with service.db.read() as tx:
        found = name.traits_named(tx, wanted)
        if associated:
            bearing = name.traits_in_use(tx)
            found = [one for one in found if (one in bearing) == (associated == "true")]
    return dated(service, call, {"traits": found})


def show(service: Any, call: Call) -> Any:
    """204 when the trait exists."""
    with service.db.read() as tx:
        if name.unknown_traits(tx, [call.path["name"]]):
            raise NotFound(f"No such trait(s): {call.path['name']}.")
    return dated(service, call, None, status=204)


def put(service: Any, call: Call) -> Any:
    """201 when the trait is new, 204 when it was there."""
    wanted, now = call.path["name"], service.clock.now()
    if not CUSTOM_NAME.fullmatch(wanted) or len(wanted) > 255:
        raise BadRequest("The trait is invalid. A valid trait must be no longer than 255 characters, start with the "
                         "prefix \"CUSTOM_\" and use following characters: \"A\"-\"Z\", \"0\"-\"9\" and \"_\"")
    with service.db.write() as tx:
        new = bool(name.unknown_traits(tx, [wanted]))
        name.know_traits(tx, now, [wanted])
    return dated(service, call, None, [now], location(call, f"/traits/{wanted}"), 201 if new else 204)


def delete(service: Any, call: Call) -> None:
    """A custom trait that no provider has."""
    with service.db.write() as tx:
        name.forget_trait(tx, call.path["name"])


def _view(service: Any, call: Call, row: Any) -> Any:
    return dated(service, call, {"traits": msgspec.Raw(row.traits.encode()),
                                 "resource_provider_generation": row.generation})


def of_provider(service: Any, call: Call) -> Any:
    """The traits of a provider."""
    with service.db.read() as tx:
        row = provider.get(tx, call.path["uuid"])
    return _view(service, call, row)


def replace(service: Any, call: Call) -> Any:
    """These traits and no others."""
    id, now = call.path["uuid"], service.clock.now()
    with service.db.write() as tx:
        row = provider.get(tx, id)
        agree(row, call.body["resource_provider_generation"])
        unknown = name.unknown_traits(tx, call.body["traits"])
        if unknown:
            raise BadRequest(f"No such trait {', '.join(unknown)}")
        provider.advance(tx, now, id, row.generation)
        provider.set_traits(tx, now, id, call.body["traits"])
        row = provider.get(tx, id)
    return _view(service, call, row)


def clear(service: Any, call: Call) -> None:
    """No traits any more."""
    id, now = call.path["uuid"], service.clock.now()
    with service.db.write() as tx:
        row = provider.get(tx, id)
        provider.advance(tx, now, id, row.generation)
        provider.set_traits(tx, now, id, ())


OF_PROVIDER = "/resource_providers/{uuid}/traits"
RULE = "placement:resource_providers:traits:"
OPERATIONS = (
    Operation("GET", "/traits", index, "placement:traits:list", since="1.6",
              query=Query({"name": "text", "associated": "text"}, strict=True), summary="List traits."),
    Operation("GET", "/traits/{name}", show, "placement:traits:show", since="1.6", status=204,
              summary="See whether a trait exists."),
    Operation("PUT", "/traits/{name}", put, "placement:traits:update", since="1.6", status=204,
              summary="Create a custom trait."),
    Operation("DELETE", "/traits/{name}", delete, "placement:traits:delete", since="1.6", status=204,
              summary="Delete a custom trait."),
    Operation("GET", OF_PROVIDER, of_provider, RULE + "list", since="1.6", summary="List a provider's traits."),
    Operation("PUT", OF_PROVIDER, replace, RULE + "update", body=SET, since="1.6",
              summary="Replace a provider's traits."),
    Operation("DELETE", OF_PROVIDER, clear, RULE + "delete", since="1.6", status=204,
              summary="Remove a provider's traits."),
)
