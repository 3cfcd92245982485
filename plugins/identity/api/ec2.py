"""EC2 credentials, and tokens for who signed requests with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ....core.db.engine import Row
from ....core.drivers.identity import Condition
from ....core.errors import NotFound
from ....core.http.call import Call, Reply
from ....core.http.table import Operation
from ..credentials import EC2
from ..service import Identity
from ..tables import credentials
from .callers import caller
from .lists import LIST, answer, in_sql, page
from .schemas import ID

TEXT = {"type": ["string", "null"], "maxLength": 65535}
CREATE = {"type": "object", "properties": {"tenant_id": ID}, "required": ["tenant_id"]}
VALUES = {"type": ["object", "null"], "maxProperties": 500}
SIGNED = {"type": "object", "required": ["access", "signature"], "properties": {
    "access": {"type": "string", "maxLength": 255}, "signature": {"type": "string", "maxLength": 1024}, "host": TEXT,
    "verb": TEXT, "path": TEXT, "params": VALUES, "headers": VALUES, "body_hash": TEXT}}
EC2_TOKEN = {"type": "object", "properties": {"credentials": SIGNED, "ec2Credentials": SIGNED},
             "anyOf": [{"required": ["credentials"]}, {"required": ["ec2Credentials"]}]}
S3_TOKEN = {"type": "object", "required": ["credentials"], "properties": {"credentials": {
    "type": "object", "required": ["access", "signature", "token"],
    "properties": {"access": {"type": "string", "maxLength": 255}, "signature": {"type": "string", "maxLength": 1024},
                   "token": {"type": "string", "maxLength": 65535}}}}}


def view(service: Identity, call: Call, row: Row) -> dict[str, Any]:
    """An EC2 credential as the API shows it."""
    blob = msgspec.json.decode(service.credentials.blob(row))
    access = blob.get("access", "")
    return {"user_id": row.user_id, "tenant_id": row.project_id, "access": access, "secret": blob.get("secret", ""),
            "trust_id": blob.get("trust_id"),
            "links": {"self": call.address(f"/v3/users/{row.user_id}/credentials/OS-EC2/{access}")}}


def index(service: Identity, call: Call) -> Mapping[str, Any]:
    """List a user's EC2 credentials."""
    service.users.find(call.path["user_id"])
    wanted = [Condition("user_id", "equals", call.path["user_id"]), Condition("type", "equals", EC2)]
    rows = service.credentials.all(in_sql(credentials, wanted), page(service, call))
    lent = caller(service, call).delegation
    shown = [view(service, call, row) for row in rows if service.credentials.in_reach(row, lent)]
    return {**answer(service, call, "credentials", []), "credentials": shown}


def create(service: Identity, call: Call) -> Mapping[str, Any]:
    """Create an EC2 credential."""
    row = service.ec2.create(call.context, caller(service, call), call.path["user_id"], call.body["tenant_id"])
    return {"credential": view(service, call, row)}


def show(service: Identity, call: Call) -> Mapping[str, Any]:
    """Show an EC2 credential."""
    return {"credential": view(service, call, _own(service, call))}


def delete(service: Identity, call: Call) -> None:
    """Delete an EC2 credential."""
    service.credentials.delete(call.context, _own(service, call).id)


def _own(service: Identity, call: Call) -> Row:
    """The credential of the path's access key, whose owner the rules were about, whichever user the path names.

    :raises NotFound: there is none that the caller's token reaches.
    """
    row = service.ec2.find(call.path["access"])
    if not service.credentials.in_reach(row, caller(service, call).delegation):
        raise NotFound(f"Could not find credential: {call.path['access']}.")
    return row


def of_path(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on what is a user's: the user of the path."""
    return {"user_id": call.path["user_id"], "target.credential.user_id": call.path["user_id"]}


def of_one(service: Identity, call: Call) -> Mapping[str, Any]:
    """The target of the rules on one credential: whose it is. :raises NotFound: there is none."""
    return {"user_id": call.path["user_id"],
            "target.credential.user_id": service.ec2.find(call.path["access"]).user_id}


def token(service: Identity, call: Call) -> Reply:
    """A token for who signed a request to a service that speaks Amazon's language."""
    entry = service.ec2.authenticate(call.body.get("credentials") or call.body["ec2Credentials"])
    return Reply(service.tokens.body(entry, True), 200, {"X-Subject-Token": entry.text, "Vary": "X-Auth-Token"},
                 content_type="application/json")


def storage_token(service: Identity, call: Call) -> Reply:
    """What a token would say of who signed a request to object storage."""
    entry = service.ec2.authenticate_storage(call.body["credentials"])
    return Reply(service.tokens.body(entry, True), 200, {"X-Subject-Token": entry.text, "Vary": "X-Auth-Token"},
                 content_type="application/json")


MANY = "/users/{user_id}/credentials/OS-EC2"
ONE = MANY + "/{access}"
OPERATIONS = (
    Operation("GET", MANY, index, "identity:ec2_list_credentials", target=of_path, query=LIST,
              summary="List a user's EC2 credentials"),
    Operation("POST", MANY, create, "identity:ec2_create_credential", target=of_path, body=CREATE, status=201,
              summary="Create an EC2 credential"),
    Operation("GET", ONE, show, "identity:ec2_get_credential", target=of_one, summary="Show an EC2 credential"),
    Operation("DELETE", ONE, delete, "identity:ec2_delete_credential", target=of_one, status=204,
              summary="Delete an EC2 credential"),
    Operation("POST", "/ec2tokens", token, "identity:ec2tokens_validate", body=EC2_TOKEN,
              summary="Issue a token for a signed request"),
    Operation("POST", "/s3tokens", storage_token, "identity:s3tokens_validate", body=S3_TOKEN,
              summary="Issue a token for a signed request to object storage"),
)
