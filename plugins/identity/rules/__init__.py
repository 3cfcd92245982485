"""The policy of identity, a module a noun; each line is a name, a check and a sentence."""

from __future__ import annotations

from ....core.policy.rules import Rule
from . import catalog, credentials, projects, roles, tokens, users
from .base import BASE

TABLES = (tokens.TOKENS, users.USERS, users.GROUPS, projects.PROJECTS, projects.DOMAINS, roles.ROLES, roles.GRANTS,
          catalog.CATALOG, credentials.CREDENTIALS)

RULES = (*BASE, *(Rule(f"identity:{name}", check, sentence) for table in TABLES for name, check, sentence in table))
