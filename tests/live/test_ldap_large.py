"""A directory of 100,000 users with groups in groups: what a login costs does not depend on how many there are."""

import statistics
import time

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.runner import opened, registry
from stratolith.core.drivers.identity import Condition, Search
from stratolith.core.errors import Unauthorized

from .directory import SUFFIX, slapd, tree

pytestmark = pytest.mark.live
USERS, PER_GROUP, DEPTH = 100_000, 1_000, 5
PEOPLE, GROUPS = f"ou=people,{SUFFIX}", f"ou=groups,{SUFFIX}"


def ldif():
    """100 groups of 1,000 users, one of all, and a chain of groups around the first of them."""
    parts = [tree("ou=people", "ou=groups")]
    for number in range(USERS):
        parts.append(f"dn: uid=u{number:06d},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: u{number:06d}\n"
                     f"cn: User {number}\nsn: U\nmail: u{number}@example.org\nuserPassword: pw{number}\n\n")
    for group in range(USERS // PER_GROUP):
        members = "".join(f"member: uid=u{number:06d},{PEOPLE}\n"
                          for number in range(group * PER_GROUP, (group + 1) * PER_GROUP))
        parts.append(f"dn: cn=g{group},{GROUPS}\nobjectClass: groupOfNames\ncn: g{group}\n{members}\n")
    inner = "g0"
    for level in range(DEPTH):
        parts.append(f"dn: cn=level{level},{GROUPS}\nobjectClass: groupOfNames\ncn: level{level}\n"
                     f"member: cn={inner},{GROUPS}\n\n")
        inner = f"level{level}"
    # A circle: the outermost is in the innermost, too.
    parts.append(f"dn: cn=circle,{GROUPS}\nobjectClass: groupOfNames\ncn: circle\nmember: cn={inner},{GROUPS}\n"
                 f"member: cn=circle,{GROUPS}\n\n")
    everyone = "".join(f"member: uid=u{number:06d},{PEOPLE}\n" for number in range(USERS))
    parts.append(f"dn: cn=enabled_users,{PEOPLE}\nobjectClass: groupOfNames\ncn: enabled_users\n{everyone}\n")
    return "".join(parts)


@pytest.fixture(scope="module")
def directory():
    with slapd(ldif()) as made:
        yield made


@pytest.fixture
def build(directory, tmp_path):
    """Makes drivers; they are closed at the end."""
    under_way = []

    def make(**options):
        given = Configuration({"identity.ldap": directory.options(**{"remember_s": "0", **options})}, {})
        under_way.append(opened(registry("identity").load("ldap"), "identity.ldap", given, tmp_path))
        return next(under_way[-1])

    yield make
    for one in under_way:
        next(one, None)


def cost(driver, call):
    """How many operations of each kind a call sends."""
    before = driver.operations
    call()
    return {kind: count - before.get(kind, 0) for kind, count in driver.operations.items()
            if count > before.get(kind, 0)}


@pytest.mark.parametrize(("options", "searches"), [({}, 1), ({"user_enabled_emulation": "true"}, 2)])
def test_a_login_is_a_lookup_and_a_bind_whoever_it_is(build, options, searches):
    driver = build(**options)
    driver.authenticate("pw0", name="u000000")
    for number in (1, 500, 50_000, USERS - 1):
        found = cost(driver, lambda number=number: driver.authenticate(f"pw{number}", name=f"u{number:06d}"))
        assert found == {"search": searches, "bind": 1}, number
        with pytest.raises(Unauthorized):
            driver.authenticate("wrong", name=f"u{number:06d}")


def test_groups_of_a_user_cost_a_search_a_level(build):
    driver = build(remember_s="60")
    ids = {group.name: group.id for group in driver.groups(Search())}
    for number, expected in ((7, {"g0", "circle", *(f"level{level}" for level in range(DEPTH))}), (99_000, {"g99"})):
        user = driver.authenticate(f"pw{number}", name=f"u{number:06d}")
        found = []
        spent = cost(driver, lambda user=user, found=found: found.extend(driver.groups_of(user.id)))
        assert set(found) == {ids[name] for name in expected}
        assert spent["search"] <= len(expected) + 1 and set(spent) == {"search"}


def test_members_of_groups_in_groups(build):
    driver = build()
    ids = {group.name: group.id for group in driver.groups(Search())}
    found = {}
    spent = cost(driver, lambda: found.update(driver.members([ids["circle"], ids["g1"]])))
    assert len(found[ids["circle"]]) == len(found[ids["g1"]]) == PER_GROUP
    assert not set(found[ids["circle"]]) & set(found[ids["g1"]])
    # Both groups, the levels below, and 2,000 users in batches of 200.
    assert spent == {"search": 1 + DEPTH + 1 + 2 * PER_GROUP // 200}


def test_the_whole_list_and_its_pages_are_the_same(build):
    driver = build()
    begun = time.perf_counter()
    whole = driver.users(Search())
    print(f"LDAP: {len(whole)} users listed in {time.perf_counter() - begun:.1f} s")
    assert len(whole) == USERS
    assert [user.id for user in whole] == sorted({user.id for user in whole})
    marker, seen = "", []
    for _ in range(3):
        page = driver.users(Search(limit=700, marker=marker))
        seen += page
        marker = page[-1].id
    assert seen == whole[:2100]
    spent = cost(driver, lambda: driver.users(Search(limit=100, marker=whole[USERS // 2].id)))
    assert spent == {"search": 2}
    assert driver.users(Search(limit=10, marker=whole[-2].id)) == whole[-1:]
    search = Search(conditions=(Condition("name", "startswith", "u0999"),))
    assert len(driver.users(search)) == 100


def test_a_login_is_quick(build):
    driver = build(user_enabled_emulation="true")
    begun = time.perf_counter()
    driver.authenticate("pw1", name="u000001")
    cold_s = time.perf_counter() - begun
    warm = []
    for number in range(1000, 1200):
        begun = time.perf_counter()
        user = driver.authenticate(f"pw{number}", name=f"u{number:06d}")
        driver.groups_of(user.id)
        warm.append(time.perf_counter() - begun)
    print(f"LDAP: login {cold_s * 1000:.1f} ms cold, {statistics.median(warm) * 1000:.1f} ms warm")
    # Wanted are 300 and 50 ms on an idle machine (benchmarks/identity_ldap.py); this is no idle machine.
    assert cold_s < 3 and statistics.median(warm) < 0.5
