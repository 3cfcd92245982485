"""The rules of tokens."""

from __future__ import annotations

from .base import ADMIN, ADMIN_OR_READER

TOKENS = (
    ("validate_token", f"{ADMIN_OR_READER} or rule:service_role or rule:token_subject", "Validate a token."),
    ("check_token", f"{ADMIN_OR_READER} or rule:token_subject", "Tell whether a token is good."),
    ("revoke_token", f"{ADMIN} or rule:token_subject", "Make a token useless."),
    ("list_revocations", f"{ADMIN_OR_READER} or rule:service_role", "List what was revoked or changed, by number."),
    ("list_revoke_events", "rule:service_or_admin", "List revocation events."),
    ("revocation_list", "rule:service_or_admin", "List revoked tokens of long ago, of which there are none any more."),
    ("get_auth_catalog", "", "Show the catalog of one's own token."),
    ("get_auth_projects", "", "List the projects one can have a token for."),
    ("get_auth_domains", "", "List the domains one can have a token for."),
    ("get_auth_system", "", "Tell whether one can have a token for the system."),
)
