"""The policy language and the explanations."""

import pytest
from stratolith.core.context import Context
from stratolith.core.errors import BadConfiguration, Forbidden
from stratolith.core.policy.engine import Policy, read_file
from stratolith.core.policy.explanation import explain
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


def test_circles_of_rules_are_refused():
    with pytest.raises(BadConfiguration, match="a -> b -> a"):
        Policy([Rule("a", "rule:b", ""), Rule("b", "role:x or rule:a", "")]).validate()


def test_each_service_means_its_own():
    policy = Policy([Rule("one:show", "rule:owner", "", service="one"),
                     Rule("two:show", "rule:owner", "", service="two"),
                     Rule("owner", "user_id:%(user_id)s", "", service="one"),
                     Rule("owner", "project_id:%(project_id)s", "", service="two")], {"two/owner": "!"})
    target = {"user_id": MEMBER.user_id, "project_id": MEMBER.project_id}
    assert policy.allows(MEMBER, "one:show", target)
    assert not policy.allows(MEMBER, "two:show", target)
    assert policy.source("owner", "two") == "policy file"
    assert set(policy.keys()) == {"one:show", "two:show", "one/owner", "owner"}


def test_rules_say_which_tokens_they_take():
    policy = Policy([Rule("make", "role:admin or rule:also", "", frozenset(("project", "system"))),
                     Rule("also", "role:other", "", frozenset(("system",)))])
    for scope, allowed in (({"project_id": "p"}, True), ({"system": "all"}, True), ({"domain_id": "d"}, False)):
        assert policy.allows(Context(request_id="r", roles=("admin",), **scope), "make", {}) is allowed
        assert policy.allows(Context(request_id="r", roles=("other",), **scope), "make", {}) is allowed


def test_what_a_caller_has_not_is_none():
    policy = Policy([Rule("inside", "not domain_id:None", ""), Rule("everywhere", "None:%(target.domain)s", "")])
    assert policy.allows(Context(request_id="r", domain_id="d"), "inside", {})
    assert not policy.allows(Context(request_id="r", project_id="p"), "inside", {})
    assert policy.allows(MEMBER, "everywhere", {"target.domain": None})
    assert not policy.allows(MEMBER, "everywhere", {})
    assert not policy.allows(MEMBER, "everywhere", {"target.domain": "d"})


def test_an_explanation_says_what_is_missing():
    policy = Policy([Rule("act", "rule:boss or (role:member and user_id:%(owner)s and not role:reader)", ""),
                     Rule("boss", "role:admin", "")])
    found = explain(policy, MEMBER, "act", {"owner": "x"})
    assert not found.allowed and found.missing[0] == ("role:admin",)
    assert found.missing[1][0].startswith("user_id:%(owner)s (the caller has ")
    assert explain(policy, ADMIN, "act", {}).because == ("role:admin",)
    assert explain(policy, ADMIN, "nothing", {}).source == "not declared"
