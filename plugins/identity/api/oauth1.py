"""OAuth 1.0a (OS-OAUTH1): consumers, request tokens and access tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core.db.engine import Row
from ....core.errors import NotFound
from ....core.http.call import Call, Reply
from ....core.http.moment import to_microsecond
from ....core.http.table import Operation
from ..service import Identity
from .application_credentials import ROLE, of_path
from .auth import presented
from .callers import caller
from .lists import LIST, answer, page, split
from .roles import view as role_view
from .schemas import TEXT, body

CREATE = body("consumer", {"description": TEXT, "secret": False})
UPDATE = body("consumer", {"description": TEXT}, least=1, more=False)
AUTHORIZE = {"type": "object", "required": ["roles"],
             "properties": {"roles": {"type": "array", "items": ROLE, "minItems": 1, "maxItems": 256}}}
FORM = "application/x-www-form-urlencoded"


def view(call: Call, row: Row) -> dict[str, Any]:
    """A consumer as the API shows it."""
    return {**row.extra, "id": row.id, "description": row.description,
            "links": {"self": call.address(f"/v3/OS-OAUTH1/consumers/{row.id}")}}


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List consumers."""
    rows = service.oauth1.all(page(service, call))
    return answer(service, call, "consumers", [view(call, row) for row in rows])


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create a consumer; its secret is told this once."""
    known, extra = split(call.body["consumer"], ("description",))
    row, secret = service.oauth1.create(call.context, known.get("description"), extra)
    return {"consumer": {**view(call, row), "secret": secret}}


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a consumer."""
    return {"consumer": view(call, service.oauth1.find(call.path["consumer_id"]))}


def update(service: Identity, call: Call) -> Mapping[str, Any]:
    """Update a consumer's description."""
    row = service.oauth1.update(call.context, call.path["consumer_id"], call.body["consumer"]["description"])
    return {"consumer": view(call, row)}


def delete(service: Identity, call: Call) -> None:
    """Delete a consumer."""
    service.oauth1.delete(call.context, call.path["consumer_id"])


def request_token(service: Identity, call: Call) -> Reply:
    """A request token for the consumer that signed."""
    return _form(*service.oauth1.request_token(presented(call), call.header("REQUESTED-PROJECT-ID")))


def access_token(service: Identity, call: Call) -> Reply:
    """An access token for an authorized request token."""
    return _form(*service.oauth1.access_token(call.context, presented(call)))


def _form(row: Row, secret: str) -> Reply:
    text = f"oauth_token={row.id}&oauth_token_secret={secret}"
    return Reply(text + (f"&oauth_expires_at={_end(row)}" if row.expires_at else ""), 201, content_type=FORM)


def _end(row: Row) -> str | None:
    return None if row.expires_at is None else to_microsecond(row.expires_at) + "Z"


def authorize(service: Identity, call: Call) -> Mapping[str, Any]:
    """Authorize a request token."""
    verifier = service.oauth1.authorize(call.context, caller(service, call), call.path["request_token_id"],
                                        call.body["roles"])
    return {"token": {"oauth_verifier": verifier}}


def token_view(call: Call, row: Row) -> dict[str, Any]:
    """An access token as the API shows it."""
    path = f"/v3/users/{row.user_id}/OS-OAUTH1/access_tokens/{row.id}"
    return {"id": row.id, "consumer_id": row.consumer_id, "project_id": row.project_id,
            "authorizing_user_id": row.user_id, "expires_at": _end(row),
            "links": {"self": call.address(path), "roles": call.address(path + "/roles")}}


def tokens(service: Identity, call: Call) -> Mapping[str, Any]:
    """List the access tokens that a user gave."""
    rows = service.oauth1.all_tokens(call.path["user_id"], page(service, call))
    return answer(service, call, "access_tokens", [token_view(call, row) for row in rows])


def _token(service: Identity, call: Call) -> Row:
    return service.oauth1.find_token(call.path["user_id"], call.path["access_token_id"])


def token(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show an access token."""
    return {"access_token": token_view(call, _token(service, call))}


def revoke(service: Identity, call: Call) -> None:
    """Revoke an access token."""
    service.oauth1.delete_token(call.context, call.path["user_id"], call.path["access_token_id"])


def roles(service: Identity, call: Call) -> Mapping[str, Any]:
    """List the roles of an access token."""
    row = _token(service, call)
    known = service.roles.by_id(row.role_ids)
    return {"roles": [role_view(call, known[id]) for id in row.role_ids if id in known],
            "links": {"self": call.address(call.request.path), "previous": None, "next": None}}


def role(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show a role of an access token."""
    role_id = call.path["role_id"]
    if role_id not in _token(service, call).role_ids:
        raise NotFound(f"Could not find role: {role_id}.")
    return {"role": role_view(call, service.roles.find(role_id))}


ONE = "/OS-OAUTH1/consumers/{consumer_id}"
GIVEN = "/users/{user_id}/OS-OAUTH1/access_tokens"
TOKEN = GIVEN + "/{access_token_id}"
OPERATIONS = (
    Operation("GET", "/OS-OAUTH1/consumers", index, "identity:list_consumers", query=LIST, summary="List consumers"),
    Operation("POST", "/OS-OAUTH1/consumers", create, "identity:create_consumer", body=CREATE, status=201,
              summary="Create a consumer"),
    Operation("GET", ONE, show, "identity:get_consumer", summary="Show a consumer"),
    Operation("PATCH", ONE, update, "identity:update_consumer", body=UPDATE, summary="Update a consumer"),
    Operation("DELETE", ONE, delete, "identity:delete_consumer", status=204, summary="Delete a consumer"),
    Operation("POST", "/OS-OAUTH1/request_token", request_token, public=True, status=201,
              summary="Create a request token"),
    Operation("PUT", "/OS-OAUTH1/authorize/{request_token_id}", authorize, "identity:authorize_request_token",
              body=AUTHORIZE, summary="Authorize a request token"),
    Operation("POST", "/OS-OAUTH1/access_token", access_token, public=True, status=201,
              summary="Create an access token"),
    Operation("GET", GIVEN, tokens, "identity:list_access_tokens", target=of_path, query=LIST,
              summary="List the access tokens that a user gave"),
    Operation("GET", TOKEN, token, "identity:get_access_token", target=of_path, summary="Show an access token"),
    Operation("DELETE", TOKEN, revoke, "identity:delete_access_token", target=of_path, status=204,
              summary="Revoke an access token"),
    Operation("GET", TOKEN + "/roles", roles, "identity:list_access_token_roles", target=of_path,
              summary="List the roles of an access token"),
    Operation("GET", TOKEN + "/roles/{role_id}", role, "identity:get_access_token_role", target=of_path,
              summary="Show a role of an access token"),
)
