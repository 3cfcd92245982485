"""The policy of identity, a module a noun; each line is a name, a check and a sentence."""

from __future__ import annotations

from ....core.policy.rules import Rule
from . import catalog, credentials, delegation, domain_config, federation, limits, projects, roles, tokens, users
from .base import BASE
from .scopes import scopes_of

TABLES = (tokens.TOKENS, users.USERS, users.GROUPS, projects.PROJECTS, projects.DOMAINS, roles.ROLES, roles.GRANTS,
          catalog.CATALOG, catalog.ENDPOINT_GROUPS, catalog.POLICIES, limits.LIMITS, domain_config.DOMAIN_CONFIG,
          credentials.CREDENTIALS, delegation.APPLICATION_CREDENTIALS, delegation.TRUSTS, delegation.OAUTH1,
          federation.FEDERATION)

RULES = (*BASE, *(Rule(f"identity:{name}", check, sentence, scopes_of(name))
                  for table in TABLES for name, check, sentence in table))
