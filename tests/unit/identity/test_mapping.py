"""The rules of mappings, rule by rule."""

import json

import pytest
from stratolith.core.cli.main import main
from stratolith.core.errors import Unauthorized
from stratolith.plugins.identity.federation.mapping import evaluate, folded

ANN = {"HTTP_OIDC_SUB": ["ann"], "OIDC-groups": ["staff", "admins"], "mail": ["ann@acme.example"]}


def mapped(local, remote, asserted=ANN):
    found = {folded(name): values for name, values in asserted.items()}
    return evaluate([{"local": local, "remote": remote}], found)


NAME, SUB = {"user": {"name": "{0}"}}, {"type": "OIDC-sub"}


def test_names_of_attributes_are_one_however_they_are_written():
    assert {folded(name) for name in ("HTTP_OIDC_EMAIL", "OIDC-email", "oidc_email", "Oidc-Email")} == {"oidc_email"}


def test_values_take_their_places():
    found = mapped([{"user": {"name": "{0} of {1}", "email": "{1}"}}], [SUB, {"type": "mail"}])
    assert (found.kind, found.user_name, found.email) == ("ephemeral", "ann of ann@acme.example", "ann@acme.example")
    assert found.user_id == "ann%20of%20ann%40acme.example"


def test_only_requirements_that_hand_values_on_are_counted():
    found = mapped([{"user": {"name": "{0}"}}, {"groups": "{1}", "domain": {"name": "Default"}}],
                   [{"type": "mail", "any_one_of": ["ann@acme.example"]}, SUB, {"type": "OIDC-groups"}])
    assert found.user_name == "ann"
    assert found.named_groups == [("staff", {"name": "Default"}), ("admins", {"name": "Default"})]


@pytest.mark.parametrize(("requirement", "groups"), [
    ({"whitelist": ["staff", "other"]}, ["staff"]), ({"blacklist": ["staff"]}, ["admins"]),
    ({"whitelist": ["^ad"], "regex": True}, ["admins"]), ({"blacklist": ["^ad"], "regex": True}, ["staff"]),
    ({"whitelist": []}, [])])
def test_lists_let_some_values_through(requirement, groups):
    found = mapped([NAME, {"group_ids": "{1}"}], [SUB, {"type": "OIDC-groups", **requirement}])
    assert found.group_ids == groups


@pytest.mark.parametrize("requirement", [
    {"type": "missing"}, {"type": "OIDC-groups", "any_one_of": ["guests"]},
    {"type": "OIDC-groups", "not_any_of": ["admins"]},
    {"type": "mail", "any_one_of": ["@other$"], "regex": True},
    {"type": "mail", "not_any_of": ["@acme"], "regex": True}])
def test_a_rule_counts_only_when_all_its_requirements_are_met(requirement):
    with pytest.raises(Unauthorized):
        mapped([NAME], [SUB, requirement])


def test_an_expression_in_a_plain_list_is_no_expression():
    with pytest.raises(Unauthorized):
        mapped([NAME], [SUB, {"type": "mail", "any_one_of": [".*"]}])


def test_rules_that_count_add_up_and_the_first_user_stays():
    rules = [{"local": [NAME, {"group": {"id": "g1"}}], "remote": [SUB]},
             {"local": [{"user": {"name": "late"}}, {"group": {"name": "g2", "domain": {"id": "d"}}}],
              "remote": [{"type": "mail"}]},
             {"local": [{"group": {"id": "never"}}], "remote": [{"type": "missing"}]}]
    found = evaluate(rules, {folded(name): values for name, values in ANN.items()})
    assert (found.user_name, found.group_ids, found.named_groups) == ("ann", ["g1"], [("g2", {"id": "d"})])


def test_remote_user_is_the_last_resort_for_a_name():
    found = mapped([{"group": {"id": "g"}}], [SUB], ANN | {"REMOTE_USER": ["cgi"]})
    assert found.user_name == "cgi"
    with pytest.raises(Unauthorized):
        mapped([{"group": {"id": "g"}}], [SUB])


def test_a_place_without_a_value_is_nobody():
    with pytest.raises(Unauthorized):
        mapped([{"user": {"name": "{7}"}}], [SUB])


def test_values_hold_no_places():
    found = mapped([{"user": {"name": "{0}", "email": "{1}"}}], [SUB, {"type": "mail"}],
                   {"OIDC-sub": ["{1}"], "mail": ["{0}"]})
    assert (found.user_name, found.email) == ("{1}", "{0}")


def test_fixed_groups_and_projects():
    projects = {"projects": [{"name": "of {0}", "roles": [{"name": "member"}]}]}
    found = mapped([NAME, {"group_ids": "a;b"}, projects], [SUB])
    assert (found.group_ids, found.projects) == (["a", "b"], [("of ann", ["member"], {})])


def ended(words):
    """The exit status of ``stratolith`` with these words."""
    with pytest.raises(SystemExit) as left:
        main(words)
    return left.value.code


def test_the_tester_shows_what_comes_of_it(tmp_path, capsys):
    rules, assertion = tmp_path / "rules.json", tmp_path / "assertion"
    rules.write_text(json.dumps({"rules": [{"local": [NAME, {"group_ids": "{1}"}],
                                            "remote": [SUB, {"type": "OIDC-groups"}]}]}))
    assertion.write_text("OIDC-sub: ann\nOIDC-groups: staff; admins\n")
    assert ended(["identity", "test-mapping", str(rules), str(assertion)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["user_name"], shown["group_ids"]) == ("ann", ["staff", "admins"])


@pytest.mark.parametrize(("rules", "assertion"), [
    ("no json", "a: b"), ('[{"local": []}]', "a: b"), ('[{"local": [], "remote": [{"type": "a"}]}]', "no colon"),
    ('[{"local": [], "remote": [{"type": "z"}]}]', "a: b")])
def test_the_tester_says_what_is_wrong(tmp_path, capsys, rules, assertion):
    (tmp_path / "rules").write_text(rules)
    (tmp_path / "assertion").write_text(assertion)
    assert ended(["identity", "test-mapping", str(tmp_path / "rules"), str(tmp_path / "assertion")]) == 1
    assert capsys.readouterr().err.count("\n") == 1
