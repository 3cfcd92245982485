"""The rules of credentials."""

from __future__ import annotations

from .base import ADMIN, ADMIN_OR_READER, OWN_CREDENTIAL

CREDENTIALS = (
    ("list_credentials", "", "List credentials; each is shown only to who may see it."),
    ("get_credential", f"{ADMIN_OR_READER} or {OWN_CREDENTIAL}", "Show a credential."),
    ("create_credential", f"{ADMIN} or {OWN_CREDENTIAL}", "Create a credential."),
    ("update_credential", f"{ADMIN} or {OWN_CREDENTIAL}", "Change a credential."),
    ("delete_credential", f"{ADMIN} or {OWN_CREDENTIAL}", "Delete a credential."),
)
