"""Layouts, users and groups made of entries, whether users are enabled, conditions, pages."""

import pytest

pytest.importorskip("ldap")

from stratolith.auth.ldap import shape
from stratolith.auth.ldap.enabled import Enabled
from stratolith.auth.ldap.layouts import LAYOUTS, resolved
from stratolith.auth.ldap.link import Entry
from stratolith.auth.ldap.listing import Orders, is_met, name_filter
from stratolith.auth.ldap.options import LdapOptions
from stratolith.core.clock import Virtual
from stratolith.core.drivers.identity import Condition, User
from stratolith.core.errors import BadConfiguration, BadRequest

SUFFIX = "dc=example,dc=org"


def options(**given):
    return resolved(LdapOptions(suffix=SUFFIX, **given))


def entry(**values):
    return Entry("uid=a,dc=b", {name.lower(): [value if isinstance(value, bytes) else value.encode()]
                                for name, value in values.items()})


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_every_layout_says_all_that_is_needed(layout):
    found = options(layout=layout)
    for name in ("user_tree_dn", "user_objectclass", "user_id_attribute", "user_name_attribute", "query_scope",
                 "user_rdn_attribute", "user_create_objectclasses", "group_tree_dn", "group_objectclass",
                 "group_id_attribute", "group_name_attribute", "group_member_attribute", "nested_groups"):
        assert getattr(found, name), name
    assert found.user_tree_dn.endswith("," + SUFFIX)
    assert "-" not in (found.group_empty_member, found.user_enabled_attribute)


def test_what_is_given_wins_over_the_layout():
    found = options(layout="active_directory", user_id_attribute="cn", user_tree_dn="ou=staff,o=x",
                    user_enabled_attribute="-", user_enabled_mask=0, group_ad_nesting=True)
    assert (found.user_id_attribute, found.user_tree_dn, found.user_enabled_attribute) == ("cn", "ou=staff,o=x", "")
    assert (found.user_enabled_mask, found.nested_groups) == (0, "in_chain")


@pytest.mark.parametrize("given", [{"layout": "novell"}, {"query_scope": "deep"}, {"tls_req_cert": "maybe"},
                                   {"nested_groups": "yes"}])
def test_a_word_that_is_none_of_those_is_refused(given):
    with pytest.raises(BadConfiguration, match=next(iter(given))):
        options(**given)


@pytest.mark.parametrize(("given", "value", "expected"), [
    ({}, None, True),
    ({"layout": "active_directory"}, "512", True), ({"layout": "active_directory"}, "514", False),
    ({"layout": "active_directory"}, "66050", False), ({"layout": "active_directory"}, None, True),
    ({"layout": "active_directory"}, "many", False),
    ({"layout": "freeipa"}, "TRUE", False), ({"layout": "freeipa"}, "FALSE", True), ({"layout": "freeipa"}, None, True),
    ({"user_enabled_attribute": "pwdAccountLockedTime", "user_enabled_invert": "true", "user_enabled_default": "false"},
     "000001010000Z", False),
    ({"layout": "keystone"}, "true", True), ({"layout": "keystone"}, "false", False),
    ({"layout": "keystone"}, "perhaps", False), ({"layout": "keystone"}, None, True)])
def test_enabled(given, value, expected):
    found = options(**given)
    known = {found.user_enabled_attribute: value} if value is not None else {}
    assert Enabled(found, None).told(entry(**known)) is expected


def test_the_other_bits_stay():
    enabled = Enabled(options(layout="active_directory"), None)
    assert enabled.value(False, entry(userAccountControl="66048")) == "66050"
    assert enabled.value(True, entry(userAccountControl="66050")) == "66048"
    assert (enabled.value(True), enabled.value(False)) == ("512", "514")


def test_an_entry_becomes_a_user():
    found = options(user_additional_attribute_mapping=("telephoneNumber:phone",),
                    user_attribute_ignore=("description",), user_id_attribute="employeeNumber",
                    user_default_project_id_attribute="departmentNumber")
    made = shape.user(shape.users(found), found, entry(
        employeeNumber="7", uid="a", mail="a@b", telephoneNumber="1", description="x", departmentNumber="p"), True)
    assert made == User(id="7", domain_id="", name="a", default_project_id="p", extra={"email": "a@b", "phone": "1"})


@pytest.mark.parametrize("values", [{"uid": "a"}, {"entryUUID": "1"}, {"entryUUID": b"\xff", "uid": "a"},
                                    {"entryUUID": "x" * 300, "uid": "a"}, {"entryUUID": "1", "uid": b"\xff"}])
def test_an_entry_without_id_or_name_is_nobody(values):
    found = options()
    assert shape.user(shape.users(found), found, entry(**values), True) is None


def test_filters_of_layouts():
    assert shape.users(options(layout="active_directory")).filter("(a=b)") == (
        "(&(objectClass=user)(!(objectClass=computer))(a=b))")
    assert shape.users(options(user_filter="l=here")).filter() == "(&(objectClass=inetOrgPerson)(l=here))"


def test_conditions():
    conditions = (Condition("name", "contains", "*)(uid=*"), Condition("domain_id", "equals", "d"))
    assert name_filter("uid", conditions) == "(uid=*\\2a\\29\\28uid=\\2a*)"
    user = User(id="1", domain_id="", name="Alice Doe", enabled=False)
    for condition, met in ((Condition("name", "equals", "alice  doe"), True),
                           (Condition("name", "startswith", "alice"), False),
                           (Condition("name", "istartswith", "alice"), True),
                           (Condition("enabled", "equals", False), True),
                           (Condition("default_project_id", "equals", "p"), False),
                           (Condition("password_expires_at", "lt", "2030"), False),
                           (Condition("domain_id", "equals", "other"), True)):
        assert is_met((condition,), user) is met, condition
    with pytest.raises(BadRequest):
        is_met((Condition("userPassword", "equals", "x"),), user)
    with pytest.raises(BadRequest):
        name_filter("uid", (Condition("name", "regex", "x"),))


def test_an_order_is_kept_for_the_pages_of_one_list():
    clock, reads = Virtual(), []

    def read():
        reads.append(1)
        return ["c", "a", "b"]

    orders = Orders(clock, 60.0)
    assert orders.behind("user", (), "", read) == ["a", "b", "c"]
    assert orders.behind("user", (), "a", read) == ["b", "c"]
    assert orders.behind("user", (), "aa", read) == ["b", "c"] and len(reads) == 1
    assert orders.behind("group", (), "c", read) == [] and len(reads) == 2
    assert orders.behind("user", (), "", read) and len(reads) == 3
    clock.advance(61)
    assert orders.behind("user", (), "b", read) == ["c"] and len(reads) == 4
    orders.forget()
    assert orders.behind("user", (), "b", read) == ["c"] and len(reads) == 5
