"""Rules of keypairs: they are a user's own, in whatever project the user is."""

from __future__ import annotations

from .base import rules

OWN = "rule:context_is_admin or user_id:%(user_id)s"

KEYPAIR = rules(OWN, {
    "os-keypairs:index": "List a user's keypairs.",
    "os-keypairs:show": "Show a keypair.",
    "os-keypairs:create": "Create or import a keypair.",
    "os-keypairs:delete": "Delete a keypair.",
})
