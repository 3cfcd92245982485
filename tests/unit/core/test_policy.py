"""The policy language and the explanations."""

import pytest
from stratolith.core.context import Context
from stratolith.core.errors import BadConfiguration, Forbidden
from stratolith.core.policy.engine import Policy, read_file
from stratolith.core.policy.rules import Rule, parse

ADMIN = Context(request_id="r", user_id="a", project_id="ap", roles=("admin", "member", "reader"), is_admin=True)
MEMBER = Context(request_id="r", user_id="u", project_id="p", roles=("member", "reader"))
SYSTEM = Context(request_id="r", user_id="s", system="all", roles=("reader",))


def allows(text, context, target=None, rules=()):
    policy = Policy([Rule(name, check, "") for name, check in rules])
    return parse(text, policy.check)(context, target or {})


@pytest.mark.parametrize(("text", "context", "target", "expected"), [
    ("", MEMBER, {}, True),
    ("@", MEMBER, {}, True),
    ("!", ADMIN, {}, False),
    ("role:admin", ADMIN, {}, True),
    ("role:Admin", ADMIN, {}, True),
    ("role:admin", MEMBER, {}, False),
    ("not role:admin", MEMBER, {}, True),
    ("role:admin or role:member", MEMBER, {}, True),
    ("role:admin and role:member", MEMBER, {}, False),
    ("role:reader and (role:admin or role:member)", MEMBER, {}, True),
    ("(role:reader and not role:member) or role:admin", MEMBER, {}, False),
    ("project_id:%(project_id)s", MEMBER, {"project_id": "p"}, True),
    ("project_id:%(project_id)s", MEMBER, {"project_id": "q"}, False),
    ("project_id:%(project_id)s", MEMBER, {}, False),
    ("project_id:%(project_id)s", SYSTEM, {"project_id": ""}, False),
    ("tenant:%(tenant_id)s", MEMBER, {"tenant_id": "p"}, True),
    ("user_id:%(target.user.id)s", MEMBER, {"target": {"user": {"id": "u"}}}, True),
    ("user_id:%(target.user.id)s", MEMBER, {"target.user.id": "u"}, True),
    ("'public':%(visibility)s", MEMBER, {"visibility": "public"}, True),
    ("True:%(shared)s", MEMBER, {"shared": True}, True),
    ("None:%(owner)s", MEMBER, {"owner": None}, True),
    ("is_admin:True", ADMIN, {}, True),
    ("is_admin:True", MEMBER, {}, False),
    ("system_scope:all", SYSTEM, {}, True),
    ("system_scope:all", MEMBER, {}, False),
    ("unknown_credential:x", ADMIN, {}, False),
    ("role:%(wanted)s", MEMBER, {"wanted": "member"}, True),
])
def test_checks(text, context, target, expected):
    assert allows(text, context, target) is expected


def test_rules_name_rules():
    rules = [("owner", "project_id:%(project_id)s"), ("both", "rule:owner or role:admin")]
    assert allows("rule:both", MEMBER, {"project_id": "p"}, rules)
    assert allows("rule:both", ADMIN, {"project_id": "p"}, rules)
    assert not allows("rule:both", MEMBER, {"project_id": "other"}, rules)


def test_an_undeclared_rule_denies_everybody():
    assert not Policy().allows(ADMIN, "nobody:declared", {})
    with pytest.raises(Forbidden):
        Policy().enforce(ADMIN, "nobody:declared", {})


@pytest.mark.parametrize("text", ["role", "role:a and", "(role:a", "role:a)", "or role:a", "role:a role:b"])
def test_nonsense_is_refused(text):
    with pytest.raises(BadConfiguration):
        parse(text, Policy().check)


def test_an_operator_s_file_wins_and_is_checked(tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text('# ours\n"a:b": "role:member"\n"c": "rule:nowhere"\n')
    found = read_file(file)
    policy = Policy([Rule("a:b", "role:admin", "")], {"a:b": found["a:b"]})
    assert policy.allows(MEMBER, "a:b", {})
    with pytest.raises(BadConfiguration, match="nowhere"):
        Policy([], found).validate()


def test_an_explanation_names_every_rule_on_the_way():
    policy = Policy([Rule("show", "rule:owner or role:admin", ""), Rule("owner", "project_id:%(project_id)s", "")])
    lines = policy.explain(MEMBER, "show", {"project_id": "other"})
    assert lines[0].startswith("show: denies")
    assert lines[1].strip().startswith("owner: denies")
