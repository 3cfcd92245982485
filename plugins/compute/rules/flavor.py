"""Rules of flavors, their extra specs and who may use them."""

from __future__ import annotations

from .base import ADMIN, READER, rules

FLAVOR = (
    *rules("@", {
        "flavors": "List and show the flavors that one may use.",
    }),
    *rules(READER, {
        "os-flavor-extra-specs:index": "List a flavor's extra specs.",
        "os-flavor-extra-specs:show": "Show one of a flavor's extra specs.",
    }),
    *rules(ADMIN, {
        "os-flavor-manage:create": "Create a flavor.",
        "os-flavor-manage:update": "Change a flavor's description.",
        "os-flavor-manage:delete": "Delete a flavor.",
        "os-flavor-extra-specs:create": "Set extra specs of a flavor.",
        "os-flavor-extra-specs:update": "Change one of a flavor's extra specs.",
        "os-flavor-extra-specs:delete": "Remove one of a flavor's extra specs.",
        "os-flavor-access": "List the projects that may use a private flavor.",
        "os-flavor-access:add_tenant_access": "Let a project use a private flavor.",
        "os-flavor-access:remove_tenant_access": "Let a project no longer use a private flavor.",
    }),
)
