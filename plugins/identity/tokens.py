"""Tokens: issued, read back, judged and revoked; what is judged is remembered until identity changes."""

from __future__ import annotations

import base64
import datetime
import threading
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row
from ...core.drivers.identity import User
from ...core.drivers.token import Bearer, TokenPayload
from ...core.errors import NotFound, Unauthorized
from ...core.http.moment import to_microsecond
from .assignments import SYSTEM, Assignments
from .catalog import Catalog
from .delegation import ACCESS_TOKEN, APPLICATION_CREDENTIAL, TRUST, Delegation, Find
from .federation.trusting import trusting
from .memberships import Origin, origin
from .projects import Projects
from .store import Store
from .tables import revocations

ISSUED_BEFORE = (sa.select(sa.func.count()).select_from(revocations)
                 .where(revocations.c.subject.in_(sa.bindparam("subjects", expanding=True)),
                        revocations.c.issued_before > sa.bindparam("issued_at")))
AUDITED = sa.select(sa.func.count()).select_from(revocations).where(revocations.c.subject == sa.bindparam("subject"))
REMEMBERED = 10_000
encode = msgspec.json.Encoder().encode


class Scope(msgspec.Struct, frozen=True):
    """What a token is for: a project, a domain or the system by id, or nothing at all.

    ``kind`` is ``project``, ``domain``, ``system`` or empty. ``lent`` is the kind of the delegation that the token
    was made by and ``lent_id`` its id, or nothing.
    """

    kind: str = ""
    id: str = ""
    lent: str = ""
    lent_id: str = ""


UNSCOPED = Scope()
LENT = ((TRUST, "trust_id"), (APPLICATION_CREDENTIAL, "application_credential_id"), (ACCESS_TOKEN, "access_token_id"))
"""The kinds of delegations, and where tokens hold their ids."""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A user in a scope: everything a token's bearer is and may, as the database says now."""

    user: User
    user_domain_name: str
    scope: Scope
    project_name: str = ""
    project_is_domain: bool = False
    domain_id: str = ""
    domain_name: str = ""
    """Of the project, or the domain that is the scope itself."""
    roles: tuple[tuple[str, str], ...] = ()
    delegation: Delegation | None = None
    subjects: tuple[str, ...] = ()
    """All whose revocation ends the token."""
    origin: Origin | None = None
    """Of users for whom somebody else vouches."""


class Begin(msgspec.Struct, frozen=True):
    """When an authentication began. What changed since then counts against the token it ends in."""

    at: float
    generation: int


class Entry:
    """One token that was judged: what it says, whose it is, and its answers made so far."""

    __slots__ = ("bodies", "context", "expires_at", "generation", "grant", "payload", "text")

    def __init__(self, text: str, payload: TokenPayload, grant: Grant, context: Context, generation: int) -> None:
        self.text = text
        self.payload = payload
        self.grant = grant
        self.context = context
        self.expires_at = payload.expires_at
        self.generation = generation
        self.bodies: dict[bool, bytes] = {}


class Tokens:
    """All that is done with tokens."""

    def __init__(self, store: Store, project_nouns: Projects, grants: Assignments, catalog: Catalog) -> None:
        self._store = store
        self._projects = project_nouns
        self._assignments = grants
        self._catalog = catalog
        self.delegations: dict[str, Find] = {}
        """Where each kind of delegation is looked up; a noun puts its own here."""
        self._known: dict[str, Entry] = {}
        self._offline = store.format.facts().offline
        self._lock = threading.Lock()

    # Judging.

    def context(self, text: str, request_id: str, allow_expired: bool = False) -> Context:
        """Who holds a token. :raises Unauthorized: it is unknown, expired, unless that is allowed, or revoked."""
        entry = self._known.get(text)
        if (entry is None or entry.generation != self._store.revision.current()
                or entry.expires_at <= self._store.clock.time()):
            entry = self.entry(text, allow_expired)
        return msgspec.structs.replace(entry.context, request_id=request_id)

    def entry(self, text: str, allow_expired: bool = False) -> Entry:
        """A token judged by what holds now.

        :raises Unauthorized: it is none of ours, expired (unless that is allowed and not long ago),
            revoked, or its user or scope has gone, is disabled or gives the user no role.
        """
        generation = self._store.revision.current()
        entry = self._known.get(text)
        if entry is None or entry.generation != generation:
            payload = self._store.format.read(text)
            self._check_time(payload.expires_at, allow_expired)
            grant = self.grant(payload.user_id, scope_of(payload))
            self._check_revoked(payload, grant)
            entry = self._remember(text, payload, grant, generation)
        self._check_time(entry.expires_at, allow_expired)
        return entry

    def _check_time(self, expires_at: float, allow_expired: bool) -> None:
        window = self._store.options.allow_expired_window_s if allow_expired else 0
        if expires_at + window <= self._store.clock.time():
            raise Unauthorized()

    def _check_revoked(self, payload: TokenPayload, grant: Grant) -> None:
        with self._store.db.read() as tx:
            if (tx.value(AUDITED, {"subject": f"audit:{payload.audit_id}"})
                    or tx.value(ISSUED_BEFORE, {"subjects": grant.subjects, "issued_at": moment(payload.issued_at)})):
                raise Unauthorized()

    def check_since(self, user_id: str, issued_at: float) -> Grant:
        """What a user is, of whom something was found out at ``issued_at`` (seconds since the epoch).

        :raises Unauthorized: the user is gone or disabled, or that does not count any more.
        """
        grant = self.grant(user_id, UNSCOPED)
        with self._store.db.read() as tx:
            if tx.value(ISSUED_BEFORE, {"subjects": grant.subjects, "issued_at": moment(issued_at)}):
                raise Unauthorized()
        return grant

    def _remember(self, text: str, payload: TokenPayload, grant: Grant, generation: int) -> Entry:
        entry = Entry(text, payload, grant, _context(text, payload, grant), generation)
        with self._lock:
            self._known.pop(text, None)
            while len(self._known) >= REMEMBERED:
                del self._known[next(iter(self._known))]
            self._known[text] = entry
        return entry

    # Grants.

    def grant(self, user_id: str, scope: Scope) -> Grant:
        """What a user is and may in a scope, remembered until identity changes.

        :raises Unauthorized: user or scope are unknown or disabled, or the user has no role there.
        """
        return self._store.memory.get(("grant", user_id, scope), lambda: self._find_grant(user_id, scope))

    def _find_grant(self, user_id: str, scope: Scope) -> Grant:
        try:
            delegation = self.delegations[scope.lent](scope.lent_id) if scope.lent else None
            user = self._store.backend.user(user_id)
            others = () if delegation is None else tuple(
                self._store.backend.user(one) for one in delegation.parties if one != user_id)
            domains = [self._projects.find_domain(one.domain_id) for one in (user, *others)]
            target = None if scope.kind in ("", SYSTEM) else self._projects.find(scope.id)
            target_domain = self._target_domain(scope, target)
        except NotFound as exc:
            raise Unauthorized() from exc
        rows = [row for row in (*domains, target, target_domain) if row is not None]
        if not all(one.enabled for one in (user, *others)) or not all(row.enabled for row in rows):
            raise Unauthorized()
        found = self._roles(user_id, scope, target, delegation)
        if scope.kind and not found:
            raise Unauthorized()
        return Grant(user=user, user_domain_name=domains[0].name, scope=scope, roles=found, delegation=delegation,
                     subjects=_subjects((user, *others), scope, target_domain), origin=origin(self._store, user_id),
                     project_name=target.name if target is not None and scope.kind == "project" else "",
                     project_is_domain=bool(target is not None and target.is_domain),
                     domain_id="" if target_domain is None else target_domain.id,
                     domain_name="" if target_domain is None else target_domain.name)

    def _roles(self, user_id: str, scope: Scope, target: Row | None,
               delegation: Delegation | None) -> tuple[tuple[str, str], ...]:
        """The roles of a user in a scope, or those that are lent. :raises Unauthorized: what was lent is lost."""
        if delegation is not None and (delegation.user_id != user_id
                                       or delegation.project_id != (scope.id if scope.kind == "project" else "")):
            raise Unauthorized()
        if not scope.kind:
            return ()
        if delegation is None:
            return tuple(self._assignments.roles_of(user_id, scope.kind, target))
        lent = self._assignments.lent_by(delegation.lender_id, target, delegation.role_ids)
        if delegation.whole and not delegation.role_ids <= lent.held:
            raise Unauthorized()
        return tuple(lent.roles)

    def _target_domain(self, scope: Scope, target: Row | None) -> Row | None:
        if target is None:
            return None
        if scope.kind == "domain":
            return self._projects.find_domain(target.id)
        return self._projects.find_domain(target.id if target.is_domain else target.domain_id)

    # Issuing and revoking.

    def begin(self) -> Begin:
        """To be called before anything is verified, and given to :meth:`issue`."""
        return Begin(round(self._store.clock.time(), 6), self._store.revision.current())

    def issue(self, begun: Begin, user_id: str, scope: Scope, methods: tuple[str, ...],
              parent: TokenPayload | None = None) -> Entry:
        """A new token. A password changed since it was ``begun`` ends it, however late it is made. One made
        from ``parent`` lasts no longer than it.

        :raises Unauthorized: the user or scope is unknown or disabled, or the user has no role there.
        """
        grant = self.grant(user_id, scope)
        ids = {f"{scope.kind}_id": scope.id} if scope.kind in ("project", "domain") else {}
        ids.update({field: scope.lent_id for kind, field in LENT if kind == scope.lent})
        expires_at = parent.expires_at if parent else round(begun.at + self._store.options.token_lifetime_s, 6)
        if grant.delegation is not None:
            expires_at = min(expires_at, grant.delegation.expires_at)
        payload = TokenPayload(
            user_id=user_id, methods=methods, issued_at=begun.at, audit_id=self._audit_id(), expires_at=expires_at,
            parent_audit_id=(parent.parent_audit_id or parent.audit_id) if parent else "",
            system="all" if scope.kind == SYSTEM else "", bearer=_bearer(grant) if self._offline else None, **ids)
        return self._remember(self._store.format.issue(payload), payload, grant, begun.generation)

    def _audit_id(self) -> str:
        return base64.urlsafe_b64encode(self._store.clock.random_bytes(16)).rstrip(b"=").decode()

    def revoke(self, context: Context, text: str) -> None:
        """Make one token useless. :raises NotFound: it is none, or useless already."""
        entry = self.subject(text)
        with self._store.db.write() as tx:
            self._store.revoke(tx, f"audit:{entry.payload.audit_id}")
            self._store.emit(tx, context, "token", "revoked", entry.payload.audit_id)

    def subject(self, text: str, allow_expired: bool = False) -> Entry:
        """A token that somebody asks about. :raises NotFound: it is none that is good."""
        try:
            return self.entry(text, allow_expired)
        except Unauthorized as exc:
            raise NotFound("Could not find token.") from exc

    # Answers.

    def body(self, entry: Entry, with_catalog: bool) -> bytes:
        """What the API says of a token, made once."""
        known = entry.bodies.get(with_catalog)
        if known is None:
            known = entry.bodies[with_catalog] = encode({"token": self._view(entry, with_catalog)})
        return known

    def _view(self, entry: Entry, with_catalog: bool) -> dict[str, Any]:
        payload, grant = entry.payload, entry.grant
        expiry = grant.user.password_expires_at
        audit_ids = [payload.audit_id] + ([payload.parent_audit_id] if payload.parent_audit_id else [])
        view: dict[str, Any] = {
            "methods": payload.methods, "audit_ids": audit_ids, "expires_at": iso(payload.expires_at),
            "issued_at": iso(payload.issued_at),
            "user": {"id": payload.user_id, "name": grant.user.name,
                     "domain": {"id": grant.user.domain_id, "name": grant.user_domain_name},
                     "password_expires_at": to_microsecond(expiry)}}
        if grant.origin is not None:
            view["user"]["OS-FEDERATION"] = _federation(grant.origin)
        domain = {"id": grant.domain_id, "name": grant.domain_name}
        if grant.scope.kind == "project":
            view["project"] = {"id": grant.scope.id, "name": grant.project_name, "domain": domain}
            view["is_domain"] = grant.project_is_domain
        elif grant.scope.kind == "domain":
            view["domain"] = domain
        elif grant.scope.kind == SYSTEM:
            view["system"] = {"all": True}
        if grant.delegation is not None:
            view.update(grant.delegation.facts)
        if grant.scope.kind:
            view["roles"] = [{"id": id, "name": name} for id, name in grant.roles]
            if with_catalog:
                view["catalog"] = self._catalog.rendered(payload.project_id, payload.user_id)
                if trusted := trusting(self._store):
                    view["service_providers"] = trusted
        return view


def _federation(origin: Origin) -> dict[str, Any]:
    """What a token says of where its user came from."""
    return {"identity_provider": {"id": origin.provider_id}, "protocol": {"id": origin.protocol_id},
            "groups": [{"id": one} for one in origin.groups]}


def scope_of(payload: TokenPayload) -> Scope:
    """The scope of a token."""
    lent, lent_id = next(((kind, id) for kind, field in LENT if (id := getattr(payload, field))), ("", ""))
    if payload.project_id:
        return Scope("project", payload.project_id, lent, lent_id)
    if payload.domain_id:
        return Scope("domain", payload.domain_id)
    return Scope(SYSTEM, payload.system) if payload.system else Scope(lent=lent, lent_id=lent_id)


def _subjects(people: Sequence[User], scope: Scope, target_domain: Row | None) -> tuple[str, ...]:
    """What may be revoked of a token's users and scope, in the words of :meth:`.store.Store.revoke`."""
    found = [subject for one in people for subject in (f"user:{one.id}", f"domain:{one.domain_id}")]
    if scope.kind == "project":
        found.append(f"project:{scope.id}")
    if target_domain is not None:
        found.append(f"domain:{target_domain.id}")
    return tuple(dict.fromkeys(found))


def _bearer(grant: Grant) -> Bearer | None:
    """What those are told who read the token offline; of what is lent they have to ask, as others may end it."""
    if grant.delegation is not None:
        return None
    return Bearer(user_name=grant.user.name, user_domain_id=grant.user.domain_id,
                  user_domain_name=grant.user_domain_name, project_name=grant.project_name, domain_id=grant.domain_id,
                  domain_name=grant.domain_name, roles=grant.roles)


def moment(seconds: float) -> datetime.datetime:
    """Seconds since the epoch as the database keeps moments."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(tzinfo=None)


def iso(seconds: float) -> str:
    """A moment as tokens show it, to the microsecond."""
    return to_microsecond(moment(seconds)) + "Z"


def _context(text: str, payload: TokenPayload, grant: Grant) -> Context:
    names = tuple(name.lower() for _, name in grant.roles)
    of_project = grant.scope.kind == "project"
    return Context(
        request_id="", user_id=payload.user_id, user_name=grant.user.name, user_domain_id=grant.user.domain_id,
        user_domain_name=grant.user_domain_name, project_id=payload.project_id, project_name=grant.project_name,
        project_domain_id=grant.domain_id if of_project else "",
        project_domain_name=grant.domain_name if of_project else "",
        domain_id=payload.domain_id, domain_name="" if of_project else grant.domain_name, system=payload.system,
        roles=names, role_ids=tuple(id for id, _ in grant.roles),
        is_admin="admin" in names and grant.scope.kind in ("project", SYSTEM),
        token=text, audit_id=payload.audit_id, expires=payload.expires_at,
        access_rules=() if grant.delegation is None else grant.delegation.access_rules)
