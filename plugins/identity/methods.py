"""What a method of authentication is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ...core.drivers.identity import User
from ...core.drivers.token import TokenPayload
from ...core.errors import BadRequest, NotFound
from .projects import Projects
from .store import Store
from .tokens import Scope


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What came beside the body, for methods that sign requests, and the receipt of what was proven before."""

    method: str = "POST"
    url: str = ""
    """The address as the client sees it, without the query."""
    query: str = ""
    authorization: str = ""
    receipt: str = ""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What one method proved: a user, by one or more methods, perhaps by an earlier token or for one scope only."""

    user: User
    methods: tuple[str, ...]
    parent: TokenPayload | None = None
    scope: Scope | None = None


Method = Callable[[Mapping[str, Any], Request], Proof]
"""Takes the method's part of the body. Raises Unauthorized: nothing is proven; BadRequest: something is missing."""


class Naming:
    """Users and domains as bodies name them: by id, or by name."""

    def __init__(self, store: Store, project_nouns: Projects) -> None:
        self._store = store
        self._projects = project_nouns

    def domain_id(self, domain: Mapping[str, Any]) -> str:
        """The id of the domain named; of an unknown one something that no user is in, so that it costs as much.

        :raises BadRequest: none is named.
        """
        if "id" in domain:
            return str(domain["id"])
        if "name" not in domain:
            raise BadRequest("Expecting to find domain in user.")
        try:
            return self._store.memory.get(("domain named", domain["name"]),
                                          lambda: str(self._projects.named("", domain["name"]).id))
        except NotFound:
            return ""

    def user_id(self, user: Mapping[str, Any]) -> str:
        """The id of the user named, or nothing. :raises BadRequest: a name comes without a domain."""
        if "id" in user:
            return str(user["id"])
        if "name" not in user:
            raise BadRequest("Expecting to find id or name in user.")
        try:
            return self._store.backend.user_named(self.domain_id(user.get("domain", {})), user["name"]).id
        except NotFound:
            return ""
