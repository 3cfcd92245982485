"""Configuration of single domains."""

import sqlalchemy as sa
from stratolith.plugins.identity.tables import domain_options

CONFIG = {"identity": {"driver": "ldap", "list_limit": 7},
          "ldap": {"url": "ldap://u:%(password)s@h", "use_tls": True, "password": "s3cret"}}
SHOWN = {"identity": CONFIG["identity"], "ldap": {"url": "ldap://u:%(password)s@h", "use_tls": True}}


def configured(api):
    domain = api.make("domain")
    path = f"/domains/{domain['id']}/config"
    answer = api.request("PUT", path, {"config": CONFIG})
    assert answer.status == 201 and answer.json == {"config": SHOWN}
    return domain, path


def test_shown_whole_by_group_and_by_option(api):
    domain, path = configured(api)
    assert api.ok("GET", path) == {"config": SHOWN}
    assert api.ok("GET", path + "/identity") == {"config": {"identity": SHOWN["identity"]}}
    assert api.ok("GET", path + "/ldap/url") == {"config": {"url": SHOWN["ldap"]["url"]}}
    assert api.request("HEAD", path + "/ldap").status == 200


def test_secrets_are_sealed_and_never_shown(api, cloud):
    domain, path = configured(api)
    assert api.request("GET", path + "/ldap/password").status == 404
    with cloud.cloud.kits["identity"].db.read() as tx:
        assert "s3cret" not in str(tx.rows(sa.select(domain_options)))
    changed = api.ok("PATCH", path + "/ldap/password", {"config": {"password": "n3w"}})
    assert "n3w" not in str(changed)
    known = cloud.cloud.services["identity"].domain_configurations.of(domain["id"])
    assert known == {"identity": {"driver": "ldap", "list_limit": "7"},
                     "ldap": {"url": "ldap://u:n3w@h", "use_tls": "true", "password": "n3w"}}


def test_changes_leave_the_rest(api):
    domain, path = configured(api)
    after = api.ok("PATCH", path, {"config": {"identity": {"driver": "sql"}}})["config"]
    assert after == {**SHOWN, "identity": {"driver": "sql", "list_limit": 7}}
    after = api.ok("PATCH", path + "/ldap", {"config": {"ldap": {"suffix": "dc=x"}}})["config"]
    assert after["ldap"] == {**SHOWN["ldap"], "suffix": "dc=x"}
    after = api.ok("PATCH", path + "/ldap/suffix", {"config": {"suffix": "dc=y"}})["config"]
    assert after["ldap"]["suffix"] == "dc=y"


def test_another_configuration_takes_the_place(api):
    domain, path = configured(api)
    answer = api.request("PUT", path, {"config": {"identity": {"driver": "sql"}}})
    assert (answer.status, answer.json) == (200, {"config": {"identity": {"driver": "sql"}}})


def test_removed_by_option_group_and_whole(api):
    domain, path = configured(api)
    for one in ("/ldap/url", "/ldap", ""):
        assert api.request("DELETE", path + one).status == 204
        assert api.request("GET", path + one).status == 404
    assert api.request("DELETE", path + "/ldap").status == 404


def test_groups_and_options_that_no_domain_has(api):
    domain, path = configured(api)
    for config in ({"sql": {"a": 1}}, {"ldap": {"color": "red"}}, {}, {"ldap": {}}):
        assert api.request("PUT", path, {"config": config}).status == 403
        assert api.request("PATCH", path, {"config": config}).status == 403
    for ending in ("/sql", "/sql/a", "/ldap/color"):
        assert api.request("GET", path + ending).status == 403
        assert api.request("DELETE", path + ending).status == 403
    assert api.request("PATCH", path + "/ldap", {"config": {"identity": {"driver": "x"}}}).status == 403
    assert api.request("PATCH", path + "/ldap/url", {"config": {"suffix": "x"}}).status == 403
    assert api.request("PATCH", path + "/ldap/suffix", {"config": {"suffix": "x"}}).status == 404
    assert api.request("GET", "/domains/none/config").status == 404


def test_what_domains_are_where_nobody_said_otherwise(api):
    whole = api.ok("GET", "/domains/config/default")["config"]
    assert set(whole) == {"identity", "ldap"} and "password" not in whole["ldap"]
    assert api.ok("GET", "/domains/config/ldap/default") == {"config": {"ldap": whole["ldap"]}}
    for option, value in whole["ldap"].items():
        assert api.ok("GET", f"/domains/config/ldap/{option}/default") == {"config": {option: value}}
    assert api.request("GET", "/domains/config/sql/default").status == 403


def test_anybody_learns_what_passwords_have_to_be_like(api):
    user, project = api.person("reader")
    token = api.token(user, scope={"project": {"id": project["id"]}})
    path = "/domains/default/config/security_compliance"
    told = api.ok("GET", path, token=token)["config"]["security_compliance"]
    assert set(told) == {"password_regex", "password_regex_description"}
    assert api.ok("GET", path + "/password_regex", token=token) == {"config": {"password_regex": None}}
    assert api.request("GET", path + "/lockout_duration", token=token).status == 403
    assert api.request("GET", f"/domains/{api.make('domain')['id']}/config/security_compliance",
                       token=token).status == 403
    assert api.request("GET", "/domains/default/config/ldap", token=token).status == 403


def test_a_domain_that_goes_takes_its_configuration_along(api, cloud):
    domain, path = configured(api)
    api.ok("PATCH", f"/domains/{domain['id']}", {"domain": {"enabled": False}})
    api.ok("DELETE", f"/domains/{domain['id']}")
    assert cloud.cloud.services["identity"].domain_configurations.of(domain["id"]) == {}
