"""How groups in groups are asked for, and what a failed login costs: what is sent, without a server."""

import logging

import pytest

pytest.importorskip("ldap")

from stratolith.auth.ldap.groups import Groups
from stratolith.auth.ldap.layouts import resolved
from stratolith.auth.ldap.link import Entry, Turned
from stratolith.auth.ldap.options import LdapOptions
from stratolith.auth.ldap.session import Session
from stratolith.auth.ldap.users import Found, Users
from stratolith.core.clock import Virtual
from stratolith.core.drivers.identity import User

SUFFIX = "dc=example,dc=org"
CHAIN = "1.2.840.113556.1.4.1941"
GUID = bytes(16)


class Asked:
    """Stands for the session: remembers what it is asked, and answers from a list."""

    def __init__(self, *answers):
        self.answers, self.filters = list(answers), []

    def lookup(self, base, scope, filter, attributes):
        self.filters.append(filter)
        return self.answers.pop(0) if self.answers else []

    search = lookup


def build(session, **given):
    options = resolved(LdapOptions(suffix=SUFFIX, **given))
    users = Users(options, session, Virtual(), logging.getLogger("test"))
    return Groups(options, session, users, Virtual(), logging.getLogger("test"))


def found(name="al(ice", **values):
    entry = Entry(f"CN={name},CN=Users,{SUFFIX}", {key: [value.encode()] for key, value in values.items()})
    return Found(User(id="1", domain_id="", name=name), entry)


def test_active_directory_follows_groups_in_groups_itself():
    session = Asked([Entry(f"CN=g,CN=Users,{SUFFIX}", {"objectguid": [GUID]})])
    groups = build(session, layout="active_directory")
    assert groups.of_user(found()) == ["00000000-0000-0000-0000-000000000000"]
    assert session.filters == [
        f"(&(objectClass=group)(member:{CHAIN}:=CN=al\\28ice,CN=Users,{SUFFIX}))"]


def test_members_of_active_directorys_groups_are_one_search_a_group():
    group = Entry(f"CN=g,CN=Users,{SUFFIX}", {"objectguid": [GUID], "member;range=0-1499": [b"cn=x"]})
    user = Entry(f"CN=u,CN=Users,{SUFFIX}", {"objectguid": [b"\x01" + GUID[1:]]})
    session = Asked([group], [user])
    members = build(session, layout="active_directory").members(["00000000-0000-0000-0000-000000000000"])
    assert members == {"00000000-0000-0000-0000-000000000000": ["00000001-0000-0000-0000-000000000000"]}
    assert session.filters[1] == (
        f"(&(objectClass=user)(!(objectClass=computer))(memberOf:{CHAIN}:=CN=g,CN=Users,{SUFFIX}))")


def test_what_else_member_of_names_is_no_group():
    session = Asked([])
    groups = build(session, layout="freeipa")
    user = found(memberof=f"cn=role,cn=roles,cn=accounts,{SUFFIX}")
    assert groups.of_user(user) == [] and session.filters == []
    user = found(memberof=f"cn=a\\2ab,cn=groups,cn=accounts,{SUFFIX}")
    groups.of_user(user)
    assert session.filters == ["(&(objectClass=groupOfNames)(cn=a\\2ab))"]


def test_a_circle_of_groups_ends():
    tree = f"ou=groups,{SUFFIX}"
    inner, outer = (Entry(f"cn={name},{tree}", {"entryuuid": [name.encode()]}) for name in ("inner", "outer"))
    session = Asked([inner], [outer], [inner, outer])
    assert build(session).of_user(found()) == ["inner", "outer"]
    assert len(session.filters) == 3


def test_an_unknown_user_costs_the_time_of_a_wrong_password():
    clock = Virtual()

    class Servers:
        short_s = 1.0

        def connect(self, dn, password):
            return Slow()

    class Slow:
        url = "ldaps://a"

        def bind(self, dn, password, timeout_s):
            assert password
            clock.advance(0.001 if dn.startswith("cn=") else 0.2)
            raise Turned("INVALID_CREDENTIALS")

    session = Session(resolved(LdapOptions(suffix=SUFFIX)), Servers(), clock)
    assert not session.proves(f"uid=alice,{SUFFIX}", "wrong")
    for password in ("wrong", ""):
        begun = clock.monotonic()
        session.waste(SUFFIX, password)
        assert clock.monotonic() - begun == pytest.approx(0.2)
