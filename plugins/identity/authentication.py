"""Authentication: from what a client presents to a user, and from what it asks for to a scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from ...core.drivers.identity import User
from ...core.errors import BadRequest, Forbidden, NotFound, Unauthorized
from .application_credentials import ApplicationCredentials
from .assignments import SYSTEM
from .methods import Method, Naming, Proof, Request
from .projects import Projects
from .receipts import Receipts
from .store import Store
from .tokens import UNSCOPED, Begin, Entry, Scope, Tokens
from .trusts import Trusts

LAST = ("totp",)
"""Methods whose proofs are spent: tried once all others have proven something."""
NO_RESCOPING = "A token that was lent makes no other token. Use what it was made with."


class Target(msgspec.Struct, frozen=True):
    """What a token is to be for, whom it names, and what is to be done once nothing can fail any more."""

    scope: Scope
    user_id: str
    settle: Callable[[], None] | None = None


class Authentication:
    """All ways to a token.

    ``methods`` are the methods by name, and ``scopes`` the kinds of scopes by the name that bodies give them; nouns
    put further ones there.
    """

    def __init__(self, store: Store, project_nouns: Projects, tokens: Tokens, receipts: Receipts, trusts: Trusts,
                 application_credentials: ApplicationCredentials, naming: Naming) -> None:
        self._store = store
        self._projects = project_nouns
        self._tokens = tokens
        self._receipts = receipts
        self._trusts = trusts
        self._application_credentials = application_credentials
        self._naming = naming
        self.methods: dict[str, Method] = {
            "password": self._password, "token": self._token, "application_credential": self._application_credential}
        self.scopes: dict[str, Callable[[Mapping[str, Any], User], Target]] = {
            "project": lambda asked, user: Target(self._named("project", asked), user.id),
            "domain": lambda asked, user: Target(self._named("domain", asked), user.id),
            "system": lambda asked, user: Target(Scope(SYSTEM, "all"), user.id),
            "OS-TRUST:trust": self._trust}

    def authenticate(self, auth: Mapping[str, Any], request: Request = Request()) -> Entry:
        """A new token for the object ``auth`` of the API.

        :raises Unauthorized: who asks is not who it says, or has no role in the scope asked for.
        :raises MoreNeeded: it is, but has to prove more. :raises BadRequest: a method is named without what it needs.
        :raises Forbidden: it may not have a token of this kind.
        """
        begun = self._tokens.begin()
        proofs = self._proofs(auth["identity"], request)
        user = proofs[0].user
        if any(proof.user.id != user.id for proof in proofs):
            raise Unauthorized()
        methods = tuple(dict.fromkeys(method for proof in proofs for method in proof.methods))
        self._receipts.check(begun, user, methods)
        return self._issue(begun, self._target(auth.get("scope"), user, proofs), methods, proofs)

    def _issue(self, begun: Begin, target: Target, methods: tuple[str, ...], proofs: list[Proof]) -> Entry:
        parent = next((proof.parent for proof in proofs if proof.parent is not None), None)
        if target.settle is not None:
            self._tokens.grant(target.user_id, target.scope)
            target.settle()
        return self._tokens.issue(begun, target.user_id, target.scope, methods, parent)

    # What is presented.

    def _proofs(self, identity: Mapping[str, Any], request: Request) -> list[Proof]:
        named = sorted(dict.fromkeys(identity["methods"]), key=lambda method: method in LAST)
        proofs = [self._receipts.proof(request.receipt)] if request.receipt else []
        return proofs + [self._prove(method, identity, request) for method in named]

    def _prove(self, method: str, identity: Mapping[str, Any], request: Request) -> Proof:
        prove = self.methods.get(method)
        if prove is None:
            raise Unauthorized("Attempted to authenticate with an unsupported method.")
        given = identity.get(method)
        if not isinstance(given, Mapping):
            raise BadRequest(f"Expecting to find {method} in identity.")
        return prove(given, request)

    def _password(self, given: Mapping[str, Any], request: Request) -> Proof:
        user = given["user"]
        if "id" in user:
            who = self._store.backend.authenticate(user["password"], user_id=user["id"])
        else:
            domain_id = self._naming.domain_id(user.get("domain", {}))
            who = self._store.backend.authenticate(user["password"], name=user["name"], domain_id=domain_id)
        return Proof(user=who, methods=("password",))

    def _token(self, given: Mapping[str, Any], request: Request) -> Proof:
        # As in Keystone, a token that is none is not found; who presents one has to know it.
        entry = self._tokens.subject(given["id"])
        if entry.grant.delegation is not None:
            raise Forbidden(NO_RESCOPING)
        if entry.grant.scope.kind and not self._store.options.allow_rescope_scoped_token:
            raise Forbidden("A token with a scope makes no other token here.")
        return Proof(user=entry.grant.user, methods=(*entry.payload.methods, "token"), parent=entry.payload)

    def _application_credential(self, given: Mapping[str, Any], request: Request) -> Proof:
        if "id" in given:
            row = self._application_credentials.proven(given["secret"], credential_id=given["id"])
        else:
            user_id = self._naming.user_id(given.get("user") or {})
            row = self._application_credentials.proven(given["secret"], user_id=user_id, name=given["name"])
        scope = Scope("project", row.project_id, "application_credential", row.id)
        return Proof(user=self._tokens.grant(row.user_id, scope).user, methods=("application_credential",),
                     scope=scope)

    # What is asked for.

    def _target(self, asked: Any, user: User, proofs: list[Proof]) -> Target:
        given = next((proof.scope for proof in proofs if proof.scope is not None), None)
        if given is not None:
            if asked not in (None, "unscoped") and not self._same(asked, given):
                raise Unauthorized("What was presented is for a scope of its own; no other can be asked for.")
            return Target(given, user.id)
        if asked is None:
            return Target(self._default_scope(user), user.id)
        if asked == "unscoped" or "unscoped" in asked:
            return Target(UNSCOPED, user.id)
        named = [kind for kind in self.scopes if kind in asked]
        if len(named) != 1:
            raise BadRequest("Exactly one of " + ", ".join(self.scopes) + " is to be named as scope.")
        return self.scopes[named[0]](asked[named[0]], user)

    def _same(self, asked: Mapping[str, Any], given: Scope) -> bool:
        return set(asked) == {"project"} and self._named("project", asked["project"]).id == given.id

    def _named(self, kind: str, asked: Mapping[str, Any]) -> Scope:
        """A project or domain by id or name; grants tell later whether it may be used."""
        if "id" in asked:
            return Scope(kind, asked["id"])
        domain_id = "" if kind == "domain" else self._naming.domain_id(asked.get("domain", {}))
        if kind == "project" and not domain_id:
            raise Unauthorized()
        try:
            return self._store.memory.get(
                ("scope named", domain_id, asked["name"]),
                lambda: Scope(kind, self._projects.named(domain_id, asked["name"]).id))
        except NotFound as exc:
            raise Unauthorized() from exc

    def _trust(self, asked: Mapping[str, Any], user: User) -> Target:
        lent = self._trusts.usable(asked["id"], user.id)
        scope = Scope("project" if lent.project_id else "", lent.project_id, lent.kind, lent.id)
        return Target(scope, lent.user_id, lambda: self._trusts.use(lent.id))

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
