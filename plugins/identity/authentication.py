"""Authentication: from what a client presents to a user, and from what it asks for to a scope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ...core.drivers.identity import User
from ...core.drivers.token import TokenPayload
from ...core.errors import BadRequest, NotFound, Unauthorized
from .assignments import SYSTEM
from .projects import Projects
from .store import Store
from .tokens import UNSCOPED, Entry, Scope, Tokens


class Proof(msgspec.Struct, frozen=True):
    """What one method proved: a user, by a method, perhaps by an earlier token."""

    user: User
    methods: tuple[str, ...]
    parent: TokenPayload | None = None


class Authentication:
    """The methods ``password`` and ``token``. A further method is one more line in ``_methods``."""

    def __init__(self, store: Store, project_nouns: Projects, tokens: Tokens) -> None:
        self._store = store
        self._projects = project_nouns
        self._tokens = tokens
        self._methods = {"password": self._password, "token": self._token}

    def authenticate(self, auth: Mapping[str, Any]) -> Entry:
        """A new token for the object ``auth`` of the API.

        :raises Unauthorized: who asks is not who it says, or has no role in the scope asked for.
        :raises BadRequest: a method is named without what it needs.
        """
        begun = self._tokens.begin()
        identity = auth["identity"]
        proofs = [self._prove(method, identity) for method in dict.fromkeys(identity["methods"])]
        user = proofs[0].user
        if any(proof.user.id != user.id for proof in proofs):
            raise Unauthorized()
        parent = next((proof.parent for proof in proofs if proof.parent is not None), None)
        methods = tuple(dict.fromkeys(method for proof in proofs for method in proof.methods))
        scope = self._scope(auth.get("scope"), user)
        return self._tokens.issue(begun, user.id, scope, methods, parent)

    def _prove(self, method: str, identity: Mapping[str, Any]) -> Proof:
        prove = self._methods.get(method)
        if prove is None:
            raise Unauthorized("Attempted to authenticate with an unsupported method.")
        if not isinstance(identity.get(method), Mapping):
            raise BadRequest(f"Expecting to find {method} in identity.")
        return prove(identity[method])

    def _password(self, given: Mapping[str, Any]) -> Proof:
        user = given["user"]
        if "id" in user:
            who = self._store.backend.authenticate(user["password"], user_id=user["id"])
        else:
            domain_id = self._domain_id(user.get("domain", {}))
            who = self._store.backend.authenticate(user["password"], name=user["name"], domain_id=domain_id)
        return Proof(who, ("password",))

    def _token(self, given: Mapping[str, Any]) -> Proof:
        entry = self._tokens.entry(given["id"])
        return Proof(entry.grant.user, (*entry.payload.methods, "token"), entry.payload)

    def _domain_id(self, domain: Mapping[str, Any]) -> str:
        """The id of the domain named; of an unknown one something that no user is in, so that it costs as much."""
        if "id" in domain:
            return str(domain["id"])
        if "name" not in domain:
            raise BadRequest("Expecting to find domain in user.")
        try:
            return self._store.memory.get(("domain named", domain["name"]),
                                          lambda: str(self._projects.named("", domain["name"]).id))
        except NotFound:
            return ""

    def _scope(self, asked: Any, user: User) -> Scope:
        if asked is None:
            return self._default_scope(user)
        if asked == "unscoped" or "unscoped" in asked:
            return UNSCOPED
        named = [kind for kind in ("project", "domain", SYSTEM) if kind in asked]
        if len(named) != 1:
            raise BadRequest("Exactly one of project, domain and system is to be named as scope.")
        kind = named[0]
        if kind == SYSTEM:
            return Scope(SYSTEM, "all")
        return self._named_scope(kind, asked[kind])

    def _named_scope(self, kind: str, asked: Mapping[str, Any]) -> Scope:
        """A project or domain by id or name; grants tell later whether it may be used."""
        if "id" in asked:
            return Scope(kind, asked["id"])
        domain_id = "" if kind == "domain" else self._domain_id(asked.get("domain", {}))
        if kind == "project" and not domain_id:
            raise Unauthorized()
        try:
            return self._store.memory.get(
                ("scope named", domain_id, asked["name"]),
                lambda: Scope(kind, self._projects.named(domain_id, asked["name"]).id))
        except NotFound as exc:
            raise Unauthorized() from exc

    def _default_scope(self, user: User) -> Scope:
        """The user's default project if it has a role there, else nothing."""
        if not user.default_project_id:
            return UNSCOPED
        scope = Scope("project", user.default_project_id)
        try:
            self._tokens.grant(user.id, scope)
        except Unauthorized:
            return UNSCOPED
        return scope
