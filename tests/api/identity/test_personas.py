"""Which persona may do which operation to what is its own and to what is another's, as golden_personas.json says.

A change of a rule changes that file, so that it is seen and meant. Write it anew with
``STRATOLITH_WRITE_GOLDEN=1 pytest tests/api/identity/test_personas.py`` and read the difference.
"""

import json
import os
from pathlib import Path

from stratolith.core.context import Context
from stratolith.core.policy.engine import Policy
from stratolith.plugins.identity.api import API
from stratolith.plugins.identity.rules import RULES

GOLDEN = Path(__file__).parent / "golden_personas.json"
CHAIN = ("admin", "manager", "member", "reader")
SCOPES = {"system": {"system": "all"}, "domain": {"domain_id": "d"},
          "project": {"project_id": "p", "project_domain_id": "d"}, "none": {}}
POLICY = Policy(RULES)


def personas():
    """Each kind of token with each role, and one without a scope; ``service`` on a project."""
    for scope, ids in SCOPES.items():
        for number, role in enumerate(CHAIN if scope != "none" else ("anybody",)):
            roles = CHAIN[number:] if scope != "none" else ()
            yield f"{scope} {role}", Context(request_id="r", user_id="u", user_domain_id="d", roles=roles,
                                             is_admin="admin" in roles and scope != "domain", **ids)
    yield "service", Context(request_id="r", user_id="u", roles=("service",), project_id="p", project_domain_id="d")


def target(domain, project, user):
    """All that rules look at of a thing in a domain, a project, of a user."""
    return {"user_id": user, "project_id": project, "domain_id": domain, "target.domain_id": domain,
            "target.domain.id": domain, "target.user.id": user, "target.user.domain_id": domain,
            "target.group.domain_id": domain, "target.project.id": project, "target.project.domain_id": domain,
            "target.credential.user_id": user, "target.token.user_id": user, "target.role.name": "member",
            "target.role.domain_id": None, "target.limit.project_id": project, "target.limit.domain.id": None,
            "target.limit.project.domain_id": domain, "target.trust.trustor_user_id": user,
            "target.trust.trustee_user_id": user}


def allowed(rule, whose):
    """The personas that a rule lets past; of each kind of token the least, as the greater may what the lesser may."""
    least = {}
    for persona, context in personas():
        if POLICY.allows(context, rule, whose):
            least[persona.partition(" ")[0]] = persona
    return ", ".join(least.values())


def table():
    own, others = target("d", "p", "u"), target("e", "q", "v")
    rules = {operation.rule for operation in API.operations if not operation.public}
    rules |= {rule.name for rule in RULES if rule.name.startswith("identity:")}
    return {rule: {"own": allowed(rule, own), "others": allowed(rule, others)} for rule in sorted(rules)}


def test_personas_are_as_written_down():
    now = table()
    if os.environ.get("STRATOLITH_WRITE_GOLDEN"):
        GOLDEN.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    written = json.loads(GOLDEN.read_text())
    changes = [f"{name}: {written.get(name)} -> {now.get(name)}" for name in sorted({*written, *now})
               if written.get(name) != now.get(name)]
    assert not changes, "\n".join(changes)


def test_the_greater_may_what_the_lesser_may():
    for rule in table():
        for whose in (target("d", "p", "u"), target("e", "q", "v")):
            for scope, ids in SCOPES.items():
                if scope == "none":
                    continue
                answers = [POLICY.allows(Context(request_id="r", user_id="u", user_domain_id="d", roles=CHAIN[number:],
                                                 **ids), rule, whose) for number in range(4)]
                assert answers == sorted(answers, reverse=True), (rule, scope, answers)


def test_only_administrators_reach_what_is_anothers_to_write():
    """But for the system's readers, who write nothing, and services, which validate."""
    for rule, who in table().items():
        verb = rule.partition(":")[2].split("_")[0]
        if verb in ("create", "update", "delete", "add", "remove", "revoke"):
            assert {one.split()[-1] for one in who["others"].split(", ") if one} <= {"admin"}, (rule, who)
