"""Who bears a token, in one form, whether identity said so or the token itself."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import msgspec

from ...core.drivers.token import TokenPayload

VOUCHED = frozenset(("mapped", "saml2", "openid", "external"))
"""Methods by which somebody else says who a user is."""


class AccessRule(msgspec.Struct, frozen=True):
    """One thing that an application credential may do: a method and a path of a service (by its type)."""

    service: str
    method: str
    path: str


class Identified(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who bears a token and what it may. Moments are seconds since the epoch."""

    user_id: str
    user_name: str
    user_domain_id: str
    user_domain_name: str
    issued_at: float
    expires_at: float
    audit_ids: tuple[str, ...]
    methods: tuple[str, ...] = ()
    project_id: str = ""
    project_name: str = ""
    project_domain_id: str = ""
    project_domain_name: str = ""
    domain_id: str = ""
    domain_name: str = ""
    system: str = ""
    roles: tuple[tuple[str, str], ...] = ()
    access_rules: tuple[AccessRule, ...] | None = None
    """None where anything may be done."""
    catalog: list[Any] | None = None

    @property
    def subjects(self) -> frozenset[str]:
        """What entries of the list of revocations concern this token."""
        found = {"all", f"user:{self.user_id}", f"domain:{self.user_domain_id}"}
        found.update(f"audit:{id}" for id in self.audit_ids[:1])
        for kind, id in (("project", self.project_id), ("domain", self.project_domain_id), ("domain", self.domain_id)):
            if id:
                found.add(f"{kind}:{id}")
        return frozenset(found)

    @property
    def role_names(self) -> tuple[str, ...]:
        """Names of the roles. One with a comma in it would be read as two, and is left out."""
        return tuple(name for _, name in self.roles if "," not in name)


def of_payload(payload: TokenPayload) -> Identified | None:
    """Whom a signed token names; none where it does not say enough and identity must be asked.

    What was lent is asked about, because it has rules that tokens do not tell, and so are users for whom a provider
    vouches, because what they are in lasts only as long as that is believed.
    """
    bearer = payload.bearer
    if bearer is None or payload.trust_id or payload.application_credential_id or payload.access_token_id:
        return None
    if not VOUCHED.isdisjoint(payload.methods):
        return None
    domain = (bearer.domain_id, bearer.domain_name)
    projects, own = (domain if payload.project_id else ("", "")), (domain if payload.domain_id else ("", ""))
    return Identified(
        user_id=payload.user_id, user_name=bearer.user_name, user_domain_id=bearer.user_domain_id,
        user_domain_name=bearer.user_domain_name, issued_at=payload.issued_at, expires_at=payload.expires_at,
        audit_ids=tuple(filter(None, (payload.audit_id, payload.parent_audit_id))), methods=payload.methods,
        system=payload.system, roles=bearer.roles, project_id=payload.project_id, project_name=bearer.project_name,
        project_domain_id=projects[0], project_domain_name=projects[1], domain_id=own[0], domain_name=own[1])


def of_body(token: Mapping[str, Any]) -> Identified:
    """Whom an answer of identity names. :raises KeyError, TypeError, ValueError: it is no such answer."""
    user, project, domain = token["user"], token.get("project", {}), token.get("domain", {})
    credential = token.get("application_credential", {})
    rules = credential.get("access_rules")
    return Identified(
        user_id=user["id"], user_name=user["name"], user_domain_id=user["domain"]["id"],
        user_domain_name=user["domain"]["name"], issued_at=_seconds(token["issued_at"]),
        expires_at=_seconds(token["expires_at"]), audit_ids=tuple(token.get("audit_ids", ())),
        methods=tuple(token.get("methods", ())), project_id=project.get("id", ""), project_name=project.get("name", ""),
        project_domain_id=project.get("domain", {}).get("id", ""),
        project_domain_name=project.get("domain", {}).get("name", ""), domain_id=domain.get("id", ""),
        domain_name=domain.get("name", ""), system="all" if token.get("system", {}).get("all") else "",
        roles=tuple((role["id"], role["name"]) for role in token.get("roles", ())),
        access_rules=None if rules is None else tuple(
            AccessRule(rule["service"], rule["method"], rule["path"]) for rule in rules),
        catalog=token.get("catalog"))


def to_body(one: Identified) -> dict[str, Any]:
    """The same as the body of identity's answer, for services that read that."""
    token: dict[str, Any] = {
        "user": {"id": one.user_id, "name": one.user_name,
                 "domain": {"id": one.user_domain_id, "name": one.user_domain_name}},
        "issued_at": _text(one.issued_at), "expires_at": _text(one.expires_at), "audit_ids": list(one.audit_ids),
        "methods": list(one.methods)}
    if one.project_id:
        token["project"] = {"id": one.project_id, "name": one.project_name,
                            "domain": {"id": one.project_domain_id, "name": one.project_domain_name}}
    if one.domain_id:
        token["domain"] = {"id": one.domain_id, "name": one.domain_name}
    if one.system:
        token["system"] = {"all": True}
    if one.roles:
        token["roles"] = [{"id": id, "name": name} for id, name in one.roles]
    if one.catalog is not None:
        token["catalog"] = one.catalog
    return {"token": token}


def _seconds(text: str) -> float:
    found = datetime.datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).timestamp()


def _text(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
