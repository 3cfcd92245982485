"""``/resource_providers/{uuid}/aggregates``: the aggregates a provider is a member of."""

from __future__ import annotations

from typing import Any

import msgspec

from ....core.http.call import Call
from ....core.http.table import Operation
from .. import provider
from .answer import dated
from .inventories import agree

LIST = {"type": "array", "items": {"type": "string", "format": "uuid"}, "uniqueItems": True}
OBJECT = {"type": "object", "properties": {"aggregates": LIST, "resource_provider_generation": {"type": "integer"}},
          "required": ["aggregates", "resource_provider_generation"], "additionalProperties": False}


def _view(service: Any, call: Call, row: Any) -> Any:
    body = {"aggregates": msgspec.Raw(row.aggregates.encode())}
    if call.since("1.19"):
        body["resource_provider_generation"] = row.generation
    return dated(service, call, body)


def show(service: Any, call: Call) -> Any:
    """The aggregates of a provider."""
    with service.db.read() as tx:
        row = provider.get(tx, call.path["uuid"])
    return _view(service, call, row)


def replace(service: Any, call: Call) -> Any:
    """These aggregates and no others; from 1.19 only for who has seen the provider as it is."""
    id, now, body = call.path["uuid"], service.clock.now(), call.body
    with service.db.write() as tx:
        row = provider.get(tx, id)
        if call.since("1.19"):
            agree(row, body["resource_provider_generation"])
            provider.advance(tx, now, id, row.generation)
        provider.set_aggregates(tx, now, id, body if isinstance(body, list) else body["aggregates"])
        row = provider.get(tx, id)
    return _view(service, call, row)


ALL = "/resource_providers/{uuid}/aggregates"
OPERATIONS = (
    Operation("GET", ALL, show, "placement:resource_providers:aggregates:list", since="1.1",
              summary="List a provider's aggregates."),
    Operation("PUT", ALL, replace, "placement:resource_providers:aggregates:update",
              body={"1.1": LIST, "1.19": OBJECT}, since="1.1", summary="Replace a provider's aggregates."),
)
