"""Why any user may or may not do any operation: the policy asked with what a token of that user would say."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec

from ...core.context import Context
from ...core.errors import BadRequest
from ...core.http.naming import find
from ...core.policy.engine import Policy
from ...core.policy.explanation import Explanation, explain
from ...core.process.slice import SERVICES
from .assignments import SYSTEM, Assignments
from .projects import Projects
from .store import Store


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question: ``rule`` by name, or ``operation`` as ``POST /identity/v3/users``; ``target`` is what the rule
    compares with, by default the user's own project and domain. ``scope`` is a kind and an id, or empty."""

    user_id: str
    rule: str = ""
    operation: str = ""
    scope_kind: str = ""
    scope_id: str = ""
    target: Mapping[str, Any] = {}


class Explanations:
    """Answers about other people's rights."""

    def __init__(self, store: Store, project_nouns: Projects, grants: Assignments) -> None:
        self._store = store
        self._projects = project_nouns
        self._assignments = grants

    def explain(self, policy: Policy, asked: Asked) -> tuple[Context, Explanation]:
        """Who would ask, and why it may or may not.

        :raises NotFound: user, project or domain are unknown. :raises BadRequest: there is no such rule or operation.
        """
        context = self._context(asked)
        name = asked.rule or self._rule(asked.operation)
        if name not in policy.rules:
            policy = Policy(dataclasses.replace(rule, service=service) for service in SERVICES.names()
                            for rule in SERVICES.load(service).rules)
        if name not in policy.rules:
            raise BadRequest(f"There is no rule {name!r}.")
        target = {"project_id": context.project_id, "tenant_id": context.project_id, "user_id": context.user_id,
                  "domain_id": context.domain_id, **asked.target}
        return context, explain(policy, context, name, target)

    def _rule(self, operation: str) -> str:
        faces = (SERVICES.load(name).face for name in SERVICES.names())
        found = find((face for face in faces if face is not None), operation)
        if found is None:
            raise BadRequest(f"No service has the operation {operation!r}.")
        if found.public:
            raise BadRequest(f"The operation {operation!r} asks for no token.")
        return found.rule

    def _context(self, asked: Asked) -> Context:
        user = self._store.backend.user(asked.user_id)
        kind = asked.scope_kind
        target = (self._projects.find(asked.scope_id) if kind == "project"
                  else self._projects.find_domain(asked.scope_id) if kind == "domain" else None)
        roles = self._assignments.roles_of(user.id, kind, target) if kind else []
        names = tuple(name.lower() for _, name in roles)
        return Context(
            request_id="req-explain", user_id=user.id, user_name=user.name, user_domain_id=user.domain_id,
            project_id=asked.scope_id if kind == "project" else "",
            project_domain_id=(target.domain_id or target.id) if target is not None and kind == "project" else "",
            domain_id=asked.scope_id if kind == "domain" else "", system="all" if kind == SYSTEM else "",
            roles=names, role_ids=tuple(id for id, _ in roles),
            is_admin="admin" in names and kind in ("project", SYSTEM))
