"""The rules of what is lent: application credentials, access rules, trusts and OAuth 1.0a.

Access rules are a user's own: those of others only a token for the system reaches.
"""

from __future__ import annotations

from .base import ADMIN, ADMIN_OR_READER

SYSTEM_READER = "(role:reader and system_scope:all)"
SYSTEM_ADMIN = "(role:admin and system_scope:all)"
TRUSTOR = "user_id:%(target.trust.trustor_user_id)s"
TRUSTEE = "user_id:%(target.trust.trustee_user_id)s"
READ_OWN = f"{SYSTEM_READER} or rule:owner"
DELETE_OWN = f"{SYSTEM_ADMIN} or rule:owner"
READ_TRUST = f"{ADMIN_OR_READER} or {TRUSTOR} or {TRUSTEE}"

APPLICATION_CREDENTIALS = (
    ("list_application_credentials", f"{ADMIN_OR_READER} or rule:owner", "List a user's application credentials."),
    ("get_application_credential", f"{ADMIN_OR_READER} or rule:owner", "Show an application credential."),
    ("create_application_credential", "rule:owner", "Create an application credential of one's own."),
    ("delete_application_credential", f"{ADMIN} or rule:owner", "Delete an application credential."),
    ("list_access_rules", READ_OWN, "List a user's access rules."),
    ("get_access_rule", READ_OWN, "Show an access rule."),
    ("delete_access_rule", DELETE_OWN, "Delete an access rule."),
)
TRUSTS = (
    ("create_trust", "user_id:%(trust.trustor_user_id)s", "Create a trust of one's own."),
    ("list_trusts", ADMIN_OR_READER, "List all trusts."),
    ("list_trusts_for_trustor", f"{ADMIN_OR_READER} or {TRUSTOR}", "List the trusts that a user gave."),
    ("list_trusts_for_trustee", f"{ADMIN_OR_READER} or {TRUSTEE}", "List the trusts that a user got."),
    ("get_trust", READ_TRUST, "Show a trust."),
    ("list_roles_for_trust", READ_TRUST, "List the roles of a trust."),
    ("get_role_for_trust", READ_TRUST, "Show a role of a trust."),
    ("delete_trust", f"{ADMIN} or {TRUSTOR}", "Delete a trust."),
)
OAUTH1 = (
    ("list_consumers", ADMIN_OR_READER, "List consumers."),
    ("get_consumer", ADMIN_OR_READER, "Show a consumer."),
    ("create_consumer", ADMIN, "Create a consumer."),
    ("update_consumer", ADMIN, "Change a consumer."),
    ("delete_consumer", ADMIN, "Delete a consumer."),
    ("authorize_request_token", ADMIN, "Lend roles to the consumer of a request token."),
    ("list_access_tokens", ADMIN, "List the access tokens that a user gave."),
    ("get_access_token", ADMIN, "Show an access token."),
    ("delete_access_token", ADMIN, "Revoke an access token."),
    ("list_access_token_roles", ADMIN, "List the roles of an access token."),
    ("get_access_token_role", ADMIN, "Show a role of an access token."),
)
