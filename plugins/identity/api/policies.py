"""Policies that identity keeps for services, and their associations (OS-ENDPOINT-POLICY)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ....core.db.engine import Row
from ....core.http.call import Call
from ....core.http.table import Operation
from ..policies import Subject
from ..service import Identity
from ..tables import policies
from .catalog import endpoint_view
from .lists import LIST, answer, conditions, in_sql, page, split
from .schemas import NAME, body

PROPERTIES = {"type": NAME, "blob": {"type": ["string", "object"]}}
CREATE = body("policy", PROPERTIES, ["blob", "type"])
UPDATE = body("policy", PROPERTIES, least=1)


def view(call: Call, row: Row) -> dict[str, Any]:
    """A policy as the API shows it."""
    return {**row.extra, "id": row.id, "type": row.type, "blob": row.blob,
            "links": {"self": call.address(f"/v3/policies/{row.id}")}}


def _values(call: Call) -> dict[str, Any]:
    known, extra = split(call.body["policy"], PROPERTIES)
    return {**known, "extra": extra}


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List policies."""
    found = in_sql(policies, conditions(call, ("type",)))
    rows = service.policies.all(found, page(service, call))
    return answer(service, call, "policies", [view(call, row) for row in rows])


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create a policy."""
    return {"policy": view(call, service.policies.create(call.context, _values(call)))}


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a policy."""
    return {"policy": view(call, service.policies.find(call.path["policy_id"]))}


def update(service: Identity, call: Call) -> Mapping[str, Any]:
    """Update a policy."""
    return {"policy": view(call, service.policies.update(call.context, call.path["policy_id"], _values(call)))}


def delete(service: Identity, call: Call) -> None:
    """Delete a policy."""
    service.policies.delete(call.context, call.path["policy_id"])


def _subject(call: Call) -> Subject:
    return {name: call.path[name] for name in ("endpoint_id", "service_id", "region_id") if name in call.path}


def associate(service: Identity, call: Call) -> None:
    """Let a policy be the one for an endpoint, a service, or a service in a region."""
    service.policies.associate(call.context, call.path["policy_id"], _subject(call))


def check(service: Identity, call: Call) -> None:
    """Tell whether a policy is the one for it."""
    service.policies.check(call.path["policy_id"], _subject(call))


def dissociate(service: Identity, call: Call) -> None:
    """Let a policy be the one for it no more."""
    service.policies.dissociate(call.context, call.path["policy_id"], _subject(call))


def endpoints(service: Identity, call: Call) -> Mapping[str, Any]:
    """List the endpoints that a policy is for."""
    rows = service.policies.endpoints_of(call.path["policy_id"])
    return answer(service, call, "endpoints", [endpoint_view(call, row) for row in rows])


def of_endpoint(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show the policy in force for an endpoint."""
    return {"policy": view(call, service.policies.of_endpoint(call.path["endpoint_id"]))}


ONE = "/policies/{policy_id}"
ROOT = ONE + "/OS-ENDPOINT-POLICY"
SUBJECTS = (("/endpoints/{endpoint_id}", "endpoint", "an endpoint"),
            ("/services/{service_id}", "service", "a service"),
            ("/services/{service_id}/regions/{region_id}", "region_and_service", "a service in a region"))


def _associations() -> Iterator[Operation]:
    for path, noun, words in SUBJECTS:
        rule = f"policy_association_for_{noun}"
        yield Operation("PUT", ROOT + path, associate, f"identity:create_{rule}", status=204,
                        summary=f"Associate a policy with {words}")
        yield Operation("GET", ROOT + path, check, f"identity:check_{rule}", status=204,
                        summary=f"Check a policy's association with {words}")
        yield Operation("DELETE", ROOT + path, dissociate, f"identity:delete_{rule}", status=204,
                        summary=f"End a policy's association with {words}")


OPERATIONS = (
    Operation("GET", "/policies", index, "identity:list_policies", query=LIST, summary="List policies"),
    Operation("POST", "/policies", create, "identity:create_policy", body=CREATE, status=201,
              summary="Create a policy"),
    Operation("GET", ONE, show, "identity:get_policy", summary="Show a policy"),
    Operation("PATCH", ONE, update, "identity:update_policy", body=UPDATE, summary="Update a policy"),
    Operation("DELETE", ONE, delete, "identity:delete_policy", status=204, summary="Delete a policy"),
    *_associations(),
    Operation("GET", ROOT + "/endpoints", endpoints, "identity:list_endpoints_for_policy",
              summary="List a policy's endpoints"),
    Operation("GET", "/endpoints/{endpoint_id}/OS-ENDPOINT-POLICY/policy", of_endpoint,
              "identity:get_policy_for_endpoint", summary="Show an endpoint's policy"),
)
