"""The rules of credentials."""

from __future__ import annotations

from .base import ADMIN, ADMIN_OR_READER, OWN_CREDENTIAL

CREDENTIALS = (
    ("list_credentials", "", "List credentials; each is shown only to who may see it."),
    ("get_credential", f"{ADMIN_OR_READER} or {OWN_CREDENTIAL}", "Show a credential."),
    ("create_credential", f"{ADMIN} or {OWN_CREDENTIAL}", "Create a credential."),
    ("update_credential", f"{ADMIN} or {OWN_CREDENTIAL}", "Change a credential."),
    ("delete_credential", f"{ADMIN} or {OWN_CREDENTIAL}", "Delete a credential."),
    ("ec2_list_credentials", f"{ADMIN_OR_READER} or rule:owner", "List a user's EC2 credentials."),
    ("ec2_get_credential", f"{ADMIN_OR_READER} or {OWN_CREDENTIAL}", "Show an EC2 credential."),
    ("ec2_create_credential", f"{ADMIN} or (role:member and rule:owner)", "Create an EC2 credential."),
    ("ec2_delete_credential", f"{ADMIN} or (role:member and {OWN_CREDENTIAL})", "Delete an EC2 credential."),
    ("ec2tokens_validate", "rule:service_or_admin", "Exchange a request that was signed for a token."),
    ("s3tokens_validate", "rule:service_or_admin", "Exchange a request to object storage for a token."),
)
