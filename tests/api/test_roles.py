"""Which role may do which operation to what is its own, as golden_roles.json says.

A change of a rule changes that file, so that it is seen and meant. Write it anew with
``STRATOLITH_WRITE_GOLDEN=1 pytest tests/api/test_roles.py`` and read the difference.
"""

import json
import os
from pathlib import Path

from stratolith.core.context import Context
from stratolith.core.process.slice import SERVICES

GOLDEN = Path(__file__).parent / "golden_roles.json"
PROJECT, USER = "p" * 32, "u" * 32
ROLES = {"admin": ("admin", "manager", "member", "reader"), "manager": ("manager", "member", "reader"),
         "member": ("member", "reader"), "reader": ("reader",), "none": ()}
"""The roles with those that each implies, from the mightiest; ``none`` has a token without a project."""
IN_PROJECT = {"project_id": PROJECT, "tenant_id": PROJECT}
OWN = {**IN_PROJECT, "user_id": USER, "trust": {"trustor_user_id": USER},
       "owner": PROJECT, "member_id": PROJECT, "visibility": "private",
       "domain_id": "default", "network:project_id": PROJECT, "network:tenant_id": PROJECT,
       "security_group:project_id": PROJECT, "shared": False, "router:external": False,
       "target": {"user": {"id": USER, "domain_id": "default"}, "token": {"user_id": USER},
                  "project": {"id": PROJECT, "domain_id": "default"}, "domain": {"id": "default"},
                  "group": {"domain_id": "default"}, "credential": {"user_id": USER},
                  "trust": {"trustor_user_id": USER, "trustee_user_id": USER},
                  "role": {"name": "member", "domain_id": None}}}
"""What the caller owns, in the words of all services' rules."""


def context(role):
    scope = {} if role == "none" else {"project_id": PROJECT, "project_domain_id": "default"}
    return Context(request_id="req-1", user_id=USER, user_domain_id="default", roles=ROLES[role],
                   is_admin=role == "admin", **scope)


def allowed(policy):
    """By service and operation, the roles that its rule lets past, joined by blanks."""
    found = {}
    for name in SERVICES.names():
        face = SERVICES.load(name)().face
        for operation in face.operations if face is not None else ():
            if operation.public:
                roles = "public"
            else:
                roles = " ".join(role for role in ROLES if policy.allows(context(role), operation.rule, OWN))
            known = found.setdefault(face.name, {}).setdefault(operation.name, roles)
            assert known == roles, f"{operation.name} has rules that differ between microversions"
    return found


def test_the_roles_of_all_operations_are_as_written_down(cloud):
    now = allowed(cloud.cloud.policy)
    if os.environ.get("STRATOLITH_WRITE_GOLDEN"):
        GOLDEN.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    written = json.loads(GOLDEN.read_text())
    before, after = ({f"{service} {operation}": roles for service, operations in table.items()
                      for operation, roles in operations.items()} for table in (written, now))
    changes = [f"{name}: {before.get(name)} -> {after.get(name)}" for name in sorted({*before, *after})
               if before.get(name) != after.get(name)]
    assert not changes, "\n".join(changes)


def test_roles_contain_one_another(cloud):
    """Who has the mightier role may do what the lesser may; without a role nothing of a project is open."""
    rights = ["public"] + [" ".join(list(ROLES)[:length]) for length in range(6)]
    for service, operations in allowed(cloud.cloud.policy).items():
        for operation, roles in operations.items():
            assert roles in rights, f"{service} {operation}: {roles}"


def test_readers_are_let_past_no_write(cloud):
    """What is a reader's own, as keypairs and credentials are, is told by name here."""
    own = {"compute POST /v2.1/os-keypairs", "compute DELETE /v2.1/os-keypairs/{keypair_name}",
           "identity DELETE /v3/auth/tokens", "identity POST /v3/credentials",
           "identity POST /v3/users/{user_id}/application_credentials",
           "identity DELETE /v3/users/{user_id}/application_credentials/{application_credential_id}",
           "identity DELETE /v3/users/{user_id}/access_rules/{access_rule_id}",
           "identity POST /v3/OS-TRUST/trusts", "identity DELETE /v3/OS-TRUST/trusts/{trust_id}",
           "identity PATCH /v3/credentials/{credential_id}", "identity DELETE /v3/credentials/{credential_id}",
           "block-storage POST /v3/volumes/{volume_id}/action os-show_image_metadata"}
    for service, operations in allowed(cloud.cloud.policy).items():
        for operation, roles in operations.items():
            if operation.split()[0] not in ("GET", "HEAD") and roles != "public":
                assert ("reader" in roles.split()) == (f"{service} {operation}" in own), f"{service} {operation}"


def test_no_two_slices_give_one_name_to_different_rules_of_operations():
    """Names that rules are made of may mean something else to each service, as in OpenStack."""
    slices = {name: SERVICES.load(name) for name in SERVICES.names()}
    used = {operation.rule for one in slices.values() if one.face is not None for operation in one.face.operations}
    seen = {}
    for one in slices.values():
        for rule in one.rules:
            if rule.name in used or ":" in rule.name:
                assert seen.setdefault(rule.name, rule.check) == rule.check, rule.name
