"""EC2 credentials: access keys and secrets, and logins by requests that were signed with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...core.context import Context
from ...core.db.engine import Row
from ...core.errors import CloudError, NotFound, Unauthorized
from . import aws
from .credentials import EC2, Credentials, id_of
from .projects import Projects
from .store import Store
from .tokens import Entry, Grant, Scope, Tokens

NOBODY = "0" * 32
METHODS = ("ec2credential",)


class Ec2:
    """EC2 credentials of users, and tokens for who signs with them."""

    def __init__(self, store: Store, project_nouns: Projects, secrets: Credentials, tokens: Tokens) -> None:
        self._store = store
        self._projects = project_nouns
        self._credentials = secrets
        self._tokens = tokens

    def find(self, access: str) -> Row:
        """The credential of an access key. :raises NotFound: there is none."""
        try:
            row = self._credentials.find(id_of(access))
        except NotFound as exc:
            raise NotFound(f"Could not find credential: {access}.") from exc
        if row.type != EC2:
            raise NotFound(f"Could not find credential: {access}.")
        return row

    def create(self, context: Context, grant: Grant, user_id: str, project_id: str) -> Row:
        """A new access key of a user for a project. :raises NotFound: one of them is unknown."""
        self._store.backend.user(user_id)
        self._projects.find(project_id)
        blob = msgspec.json.encode({"access": self._store.clock.hex_id(), "secret": self._store.clock.hex_id(),
                                    "trust_id": None}).decode()
        return self._credentials.create(context, {"user_id": user_id, "project_id": project_id, "type": EC2}, blob,
                                        grant.delegation)

    def authenticate(self, given: Mapping[str, Any]) -> Entry:
        """A token for who signed a request to a service that speaks Amazon's language.

        :raises Unauthorized: the key is unknown, the signature is not its, or the request is too old or too new; all
            of this in the same words.
        """
        request = aws.Signed(
            access=given["access"], signature=given.get("signature") or "", host=given.get("host") or "",
            verb=given.get("verb") or "", path=given.get("path") or "",
            params={name: str(value) for name, value in (given.get("params") or {}).items()},
            headers={name.lower(): str(value) for name, value in (given.get("headers") or {}).items()},
            body_hash=given.get("body_hash") or "")
        row, blob = self._key(request.access)
        good = aws.signatures(request, str(blob.get("secret", "")))
        self._check_time(aws.lifetime(request, self._store.options.signature_window_s))
        return self._login(row, blob, any(aws.same(request.signature, one) for one in good))

    def authenticate_storage(self, given: Mapping[str, Any]) -> Entry:
        """A token for who signed a request to object storage, which tells the text that was signed.

        :raises Unauthorized: as :meth:`authenticate`.
        """
        text = aws.decoded(given["token"])
        row, blob = self._key(given["access"])
        good = aws.signature_of_storage(text, str(blob.get("secret", "")))
        self._check_time(aws.lifetime_of_storage(text, self._store.options.signature_window_s))
        return self._login(row, blob, aws.same(given["signature"], good))

    def _key(self, access: str) -> tuple[Row | None, Mapping[str, Any]]:
        """The credential of an access key and its blob; for an unknown one a secret that nobody has."""
        try:
            row = self.find(access)
            blob = msgspec.json.decode(self._credentials.blob(row))
        except (CloudError, msgspec.DecodeError):
            row, blob = None, {}
        if row is None or not isinstance(blob, dict) or blob.get("access") != access or not blob.get("secret"):
            return None, {"secret": NOBODY}
        return row, blob

    def _check_time(self, lifetime: tuple[float, float]) -> None:
        if not lifetime[0] <= self._store.clock.time() <= lifetime[1]:
            raise Unauthorized()

    def _login(self, row: Row | None, blob: Mapping[str, Any], signed: bool) -> Entry:
        begun = self._tokens.begin()
        if row is None or not signed:
            raise Unauthorized()
        lent, lent_id = self._credentials.lent_by(msgspec.json.encode(blob).decode())
        return self._tokens.issue(begun, row.user_id, Scope("project", row.project_id, lent, lent_id), METHODS)
