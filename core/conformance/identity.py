"""The suite of identity backends: subclass :class:`IdentitySuite` and give it a fixture ``driver``.

A backend that declares :class:`~..drivers.identity.Stored` is given a database: SQLite in memory, or what a fixture
``database_url`` says. A directory of one domain is best empty at the start; what a case makes goes with it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from ..db.engine import Database, DatabaseOptions
from ..db.upgrade import upgrade
from ..drivers.identity import (
    Condition,
    Group,
    Identity,
    IdentityFacts,
    PasswordRules,
    Search,
    Stored,
    User,
    WritableGroups,
    WritableUsers,
)
from ..errors import AlreadyExists, BadRequest, CloudError, NotFound, Unauthorized
from .cases import ABSENT, HOSTILE_NAMES, in_parallel, wants

ABSENT_ID = "0" * 32
PASSWORD = "correct horse"


def new_id() -> str:
    """An id that nothing else has."""
    return uuid.uuid4().hex


def named(domain_id: str) -> Search:
    """All of one domain."""
    return Search(conditions=(Condition("domain_id", "equals", domain_id),))


def is_kept(driver: Identity, *attributes: str) -> bool:
    """Tell whether the backend keeps these attributes of users."""
    keeps = driver.facts().keeps
    return keeps is None or set(attributes) <= set(keeps)


def wants_kept(driver: Identity, *attributes: str) -> None:
    """Skip the case when the backend does not keep these attributes of users."""
    if not is_kept(driver, *attributes):
        pytest.skip(f"{type(driver).__name__} {ABSENT} {', '.join(attributes)}")


def wants_domains(driver: Identity) -> None:
    """Skip the case when an instance of the backend is the directory of one domain."""
    if not driver.facts().many_domains:
        pytest.skip(f"{type(driver).__name__} {ABSENT} many domains")


class IdentityBase:
    """What the cases use."""

    @pytest.fixture(scope="class")
    @classmethod
    def database_url(cls) -> str:
        """The database of a backend that wants one."""
        return "sqlite://"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def database(cls, driver: Identity, database_url: str) -> Iterator[None]:
        """The backend's database, where it wants one."""
        if isinstance(driver, Stored):
            database = Database(DatabaseOptions(), database_url)
            driver.attach(database)
            assert upgrade(database, driver.schema)
            assert not upgrade(database, driver.schema)
            yield
            database.close()
        else:
            yield

    @pytest.fixture(autouse=True)
    def made(self, driver: Identity) -> Iterator[list[User | Group]]:
        """What the case makes; it is removed behind it."""
        self._made: list[User | Group] = []
        yield self._made
        for one in reversed(self._made):
            if isinstance(one, User):
                wants(driver, WritableUsers).delete_user(one.id)
            else:
                wants(driver, WritableGroups).delete_group(one.id)

    def domain(self, driver: Identity) -> str:
        """A domain that nobody is in yet, or the only one."""
        return new_id() if driver.facts().many_domains else ""

    def user(self, driver: Identity, password: str | None = PASSWORD, **more: object) -> User:
        """A new user in a domain of its own, where there are many, with a name of its own unless told otherwise."""
        users = wants(driver, WritableUsers)
        values = {"id": new_id(), "domain_id": self.domain(driver), "name": f"user-{new_id()}", **more}
        prepared = None if password is None else users.prepared(password)
        made = users.create_user(User(**values), prepared)  # type: ignore[arg-type]
        self._made.append(made)
        return made

    def group(self, driver: Identity, **more: object) -> Group:
        """A new group likewise."""
        values = {"id": new_id(), "domain_id": self.domain(driver), "name": f"group-{new_id()}", **more}
        made = wants(driver, WritableGroups).create_group(Group(**values))  # type: ignore[arg-type]
        self._made.append(made)
        return made


class UserCases(IdentityBase):
    """Users."""

    def test_facts(self, driver: Identity) -> None:
        assert isinstance(driver.facts(), IdentityFacts)

    def test_unknown_user(self, driver: Identity) -> None:
        with pytest.raises(NotFound):
            driver.user(ABSENT_ID)
        with pytest.raises(NotFound):
            driver.user_named("default", "nobody-of-this-name")
        assert driver.users_by_id([ABSENT_ID]) == {}
        assert list(driver.groups_of(ABSENT_ID)) == []

    def test_created_user_is_found(self, driver: Identity) -> None:
        user = self.user(driver)
        assert driver.user(user.id) == driver.user_named(user.domain_id, user.name) == user
        assert user.enabled and not user.default_project_id
        assert driver.users_by_id([user.id, ABSENT_ID, user.id]) == {user.id: user}

    @pytest.mark.parametrize(("attribute", "value"), [
        ("enabled", False), ("default_project_id", "a" * 32), ("options", {"x": True}),
        ("extra", {"email": "a@b"}), ("extra", {"description": "Zürich (*)\\"}),
        ("extra", {"list": [1], "none": None})])
    def test_what_is_given_comes_back(self, driver: Identity, attribute: str, value: Any) -> None:
        wants_kept(driver, *(value if attribute == "extra" else (attribute,)))
        user = self.user(driver, **{attribute: value})
        assert getattr(user, attribute) == value
        assert driver.user(user.id) == driver.user_named(user.domain_id, user.name) == user
        assert driver.users(named(user.domain_id)) == [user]

    def test_one_name_in_two_domains(self, driver: Identity) -> None:
        wants_domains(driver)
        first, second = self.user(driver, name="user"), self.user(driver, name="user")
        assert driver.user_named(first.domain_id, "user").id == first.id
        assert driver.user_named(second.domain_id, "user").id == second.id

    def test_names_that_differ_in_case(self, driver: Identity) -> None:
        user = self.user(driver, name="Alice")
        if driver.facts().exact_names:
            other = self.user(driver, name="alice", domain_id=user.domain_id)
            assert driver.user_named(user.domain_id, "alice").id == other.id != user.id
        else:
            assert driver.user_named(user.domain_id, "ALICE") == user
            with pytest.raises(AlreadyExists):
                self.user(driver, name="alice")

    def test_a_name_is_taken_once_in_a_domain(self, driver: Identity) -> None:
        user = self.user(driver, name="user")
        with pytest.raises(AlreadyExists):
            self.user(driver, name="user", domain_id=user.domain_id)
        other = self.user(driver, domain_id=user.domain_id, name="other")
        with pytest.raises(AlreadyExists):
            wants(driver, WritableUsers).update_user(User(id=other.id, domain_id=user.domain_id, name="user"))
        assert driver.user(other.id).name == "other"

    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    def test_hostile_names(self, driver: Identity, name: str) -> None:
        name = name[:driver.facts().longest_name]
        user = self.user(driver, name=name)
        assert driver.user_named(user.domain_id, name).name == name
        assert driver.authenticate(PASSWORD, name=name, domain_id=user.domain_id).id == user.id

    @pytest.mark.parametrize("name", ["' OR '1'='1", "*", "user*", "a*)(uid=*", "*)(objectClass=*", "user)(|(uid=*",
                                      "\\2a", "%", "_", "use_", "user\0", "user\0*", "", "x" * 20_000])
    def test_patterns_in_names_match_nobody(self, driver: Identity, name: str) -> None:
        user = self.user(driver, name="user")
        with pytest.raises(NotFound):
            driver.user_named(user.domain_id, name)
        with pytest.raises(Unauthorized):
            driver.authenticate(PASSWORD, name=name or "-", domain_id=user.domain_id)

    @pytest.mark.parametrize("id", ["*", "*)(objectClass=*", "' OR '1'='1", "%", "0\0", "x" * 20_000, "cn=admin,dc=a"])
    def test_patterns_in_ids_match_nobody(self, driver: Identity, id: str) -> None:
        self.group(driver)
        self.user(driver)
        for find in (driver.user, driver.group):
            with pytest.raises(NotFound):
                find(id)
        with pytest.raises(Unauthorized):
            driver.authenticate(PASSWORD, user_id=id)
        assert not driver.users_by_id([id]) and not driver.groups_by_id([id]) and not driver.groups_of(id)

    def test_update(self, driver: Identity) -> None:
        user = self.user(driver)
        changed = User(id=user.id, domain_id=user.domain_id, name="new", enabled=not is_kept(driver, "enabled"),
                       extra={"email": "c@d"} if is_kept(driver, "email") else {})
        after = wants(driver, WritableUsers).update_user(changed)
        assert (after.id, after.name, after.enabled, after.extra) == (user.id, "new", changed.enabled, changed.extra)
        assert driver.user(user.id) == driver.user_named(user.domain_id, "new") == after
        with pytest.raises(NotFound):
            driver.user_named(user.domain_id, user.name)
        again = wants(driver, WritableUsers).update_user(User(id=user.id, domain_id=user.domain_id, name="new"))
        assert again.enabled and not again.extra
        with pytest.raises(NotFound):
            wants(driver, WritableUsers).update_user(User(id=ABSENT_ID, domain_id="d", name="n"))

    def test_a_new_name_changes_nothing_else(self, driver: Identity) -> None:
        user, group = self.user(driver), self.group(driver)
        wants(driver, WritableGroups).add_member(group.id, user.id)
        for name in ("new, name", "+new=name"):
            wants(driver, WritableUsers).update_user(User(id=user.id, domain_id=user.domain_id, name=name))
            after = driver.authenticate(PASSWORD, name=name, domain_id=user.domain_id)
            assert (after.id, after.enabled) == (user.id, True)
            assert list(driver.groups_of(user.id)) == [group.id]
            assert list(driver.members([group.id])[group.id]) == [user.id]

    def test_delete_twice(self, driver: Identity) -> None:
        user = self.user(driver)
        for _ in range(2):
            wants(driver, WritableUsers).delete_user(user.id)
        with pytest.raises(NotFound):
            driver.user(user.id)
        with pytest.raises(Unauthorized):
            driver.authenticate(PASSWORD, user_id=user.id)

    def test_pages(self, driver: Identity) -> None:
        domain = self.domain(driver)
        ids = sorted(self.user(driver, None, domain_id=domain).id for _ in range(5))
        first = driver.users(Search(conditions=named(domain).conditions, limit=2))
        rest = driver.users(Search(conditions=named(domain).conditions, marker=first[-1].id))
        assert [user.id for user in (*first, *rest)] == ids
        assert [user.id for user in driver.users(named(domain))] == ids
        assert not driver.users(Search(conditions=named(domain).conditions, marker=ids[-1], limit=5))
        with pytest.raises(BadRequest):
            driver.users(Search(marker=ABSENT_ID))

    @pytest.mark.parametrize(("comparator", "value", "expected"), [
        ("equals", "Alpha", {"Alpha"}), ("iequals", "ALPHA", {"Alpha"}), ("contains", "ph", {"Alpha"}),
        ("contains", "PH", set()), ("icontains", "PH", {"Alpha"}), ("startswith", "al", {"alarm"}),
        ("istartswith", "al", {"Alpha", "alarm"}), ("endswith", "ta", {"be%ta"}), ("contains", "%", {"be%ta"}),
        ("contains", "_", set()), ("contains", "*", set()), ("endswith", "*)(uid=*", set()),
        ("iendswith", "PHA", {"Alpha"}), ("contains", "\\", set())])
    def test_search(self, driver: Identity, comparator: str, value: str, expected: set[str]) -> None:
        domain = self.domain(driver)
        for name in ("Alpha", "alarm", "be%ta"):
            self.user(driver, None, domain_id=domain, name=name)
        search = Search(conditions=(*named(domain).conditions, Condition("name", comparator, value)))
        assert {user.name for user in driver.users(search)} == expected

    def test_search_by_enabled(self, driver: Identity) -> None:
        wants_kept(driver, "enabled")
        user = self.user(driver, enabled=False)
        for value, expected in ((False, [user.id]), (True, [])):
            search = Search(conditions=(*named(user.domain_id).conditions, Condition("enabled", "equals", value)))
            assert [found.id for found in driver.users(search)] == expected

    def test_many_at_once(self, driver: Identity) -> None:
        domain = self.domain(driver)
        in_parallel(lambda number: self.user(driver, None, domain_id=domain, name=f"u{number}"), range(8))
        assert len(driver.users(named(domain))) == 8


class PasswordCases(IdentityBase):
    """Passwords."""

    def test_right_password(self, driver: Identity) -> None:
        user = self.user(driver)
        for _ in range(2):
            assert driver.authenticate(PASSWORD, user_id=user.id).id == user.id
            assert driver.authenticate(PASSWORD, name=user.name, domain_id=user.domain_id).id == user.id

    @pytest.mark.parametrize("password", ["", "wrong", PASSWORD + " ", PASSWORD.upper(), PASSWORD + "\0",
                                          "x" * 100_000])
    def test_wrong_password(self, driver: Identity, password: str) -> None:
        user = self.user(driver)
        driver.authenticate(PASSWORD, user_id=user.id)
        with pytest.raises(Unauthorized):
            driver.authenticate(password, user_id=user.id)

    def test_every_failure_reads_the_same(self, driver: Identity) -> None:
        user, silent = self.user(driver), self.user(driver, None)
        attempts = ({"user_id": user.id}, {"user_id": silent.id}, {"user_id": ABSENT_ID},
                    {"name": "nobody", "domain_id": user.domain_id}, {"name": user.name, "domain_id": "nowhere"})
        messages = set()
        for attempt in attempts:
            with pytest.raises(Unauthorized) as caught:
                driver.authenticate("wrong", **attempt)
            messages.add(str(caught.value))
        assert len(messages) == 1

    def test_password_of_another_user(self, driver: Identity) -> None:
        first, second = self.user(driver), self.user(driver, "another")
        driver.authenticate(PASSWORD, user_id=first.id)
        with pytest.raises(Unauthorized):
            driver.authenticate(PASSWORD, user_id=second.id)

    def test_changed_password(self, driver: Identity) -> None:
        users, user = wants(driver, WritableUsers), self.user(driver)
        driver.authenticate(PASSWORD, user_id=user.id)
        users.set_password(user.id, users.prepared("new"))
        with pytest.raises(Unauthorized):
            driver.authenticate(PASSWORD, user_id=user.id)
        assert driver.authenticate("new", user_id=user.id).id == user.id

    def test_a_user_changes_its_own_password(self, driver: Identity) -> None:
        rules, user = wants(driver, PasswordRules), self.user(driver)
        rules.check_password("another good Passw0rd")
        rules.set_own_password(user.id, rules.prepared_change(user.id, PASSWORD, "another good Passw0rd"))
        with pytest.raises(Unauthorized):
            driver.authenticate(PASSWORD, user_id=user.id)
        assert driver.authenticate("another good Passw0rd", user_id=user.id).id == user.id
        with pytest.raises(NotFound):
            rules.set_own_password(ABSENT_ID, wants(driver, WritableUsers).prepared("x"))

    def test_who_does_not_know_a_password_changes_none(self, driver: Identity) -> None:
        rules, user, silent = wants(driver, PasswordRules), self.user(driver), self.user(driver, None)
        messages = set()
        for user_id in (user.id, silent.id, ABSENT_ID):
            with pytest.raises(Unauthorized) as caught:
                rules.prepared_change(user_id, "wrong", "new")
            messages.add(str(caught.value))
        assert len(messages) == 1

    def test_no_password_lets_nobody_in(self, driver: Identity) -> None:
        users, user = wants(driver, WritableUsers), self.user(driver)
        users.set_password(user.id, None)
        for password in ("", PASSWORD, "None"):
            with pytest.raises(Unauthorized):
                driver.authenticate(password, user_id=user.id)
        with pytest.raises(NotFound):
            users.set_password(ABSENT_ID, None)

    def test_two_long_passwords_differ(self, driver: Identity) -> None:
        user = self.user(driver, "x" * 4000 + "a")
        assert driver.authenticate("x" * 4000 + "a", user_id=user.id)
        with pytest.raises(Unauthorized):
            driver.authenticate("x" * 4000 + "b", user_id=user.id)

    def test_a_prepared_password_is_not_the_password(self, driver: Identity) -> None:
        users = wants(driver, WritableUsers)
        user = self.user(driver)
        assert PASSWORD not in users.prepared(PASSWORD)
        with pytest.raises(Unauthorized):
            driver.authenticate(users.prepared(PASSWORD), user_id=user.id)


class GroupCases(IdentityBase):
    """Groups and members."""

    def test_unknown_group(self, driver: Identity) -> None:
        with pytest.raises(NotFound):
            driver.group(ABSENT_ID)
        with pytest.raises(NotFound):
            driver.group_named("default", "no-such-group")
        assert driver.groups_by_id([ABSENT_ID]) == {}
        assert not driver.members([ABSENT_ID]).get(ABSENT_ID)

    def test_created_group_is_found(self, driver: Identity) -> None:
        extra = {"a": None} if driver.facts().keeps is None else {}
        group = self.group(driver, description="d", extra=extra)
        assert (group.description, group.extra) == ("d", extra)
        assert driver.group(group.id) == driver.group_named(group.domain_id, group.name) == group
        assert driver.groups_by_id([group.id]) == {group.id: group}
        assert list(driver.groups(named(group.domain_id))) == [group]

    def test_a_group_name_is_taken_once_in_a_domain(self, driver: Identity) -> None:
        group = self.group(driver)
        with pytest.raises(AlreadyExists):
            self.group(driver, domain_id=group.domain_id, name=group.name)
        other = self.group(driver, domain_id=group.domain_id)
        with pytest.raises(AlreadyExists):
            wants(driver, WritableGroups).update_group(Group(id=other.id, domain_id="", name=group.name))

    def test_update_group(self, driver: Identity) -> None:
        group = self.group(driver)
        after = wants(driver, WritableGroups).update_group(Group(id=group.id, domain_id=group.domain_id, name="new"))
        assert driver.group(group.id).name == after.name == "new"
        with pytest.raises(NotFound):
            wants(driver, WritableGroups).update_group(Group(id=ABSENT_ID, domain_id="d", name="n"))

    def test_members(self, driver: Identity) -> None:
        groups = wants(driver, WritableGroups)
        user, first, second = self.user(driver, None), self.group(driver), self.group(driver)
        for _ in range(2):
            groups.add_member(first.id, user.id)
        groups.add_member(second.id, user.id)
        assert list(driver.groups_of(user.id)) == sorted([first.id, second.id])
        assert {id: list(ids) for id, ids in driver.members([first.id, second.id]).items()} == {
            first.id: [user.id], second.id: [user.id]}
        for _ in range(2):
            groups.remove_member(first.id, user.id)
        assert list(driver.groups_of(user.id)) == [second.id]

    def test_unknown_members(self, driver: Identity) -> None:
        groups = wants(driver, WritableGroups)
        with pytest.raises(NotFound):
            groups.add_member(self.group(driver).id, ABSENT_ID)
        with pytest.raises(NotFound):
            groups.add_member(ABSENT_ID, self.user(driver, None).id)

    def test_what_is_deleted_is_in_nothing(self, driver: Identity) -> None:
        users, groups = wants(driver, WritableUsers), wants(driver, WritableGroups)
        user, group = self.user(driver, None), self.group(driver)
        groups.add_member(group.id, user.id)
        users.delete_user(user.id)
        assert not driver.members([group.id]).get(group.id)
        other = self.user(driver, None)
        groups.add_member(group.id, other.id)
        for _ in range(2):
            groups.delete_group(group.id)
        assert list(driver.groups_of(other.id)) == []


class HostileCases(IdentityBase):
    """What is no name, no password and no search: answered in the words of the interface, whatever it is."""

    @pytest.mark.parametrize("text", ["\x7f\x01", "\u202euser", "\ufeff", "\u0000"])
    def test_texts_that_are_hardly_any(self, driver: Identity, text: str) -> None:
        self.user(driver)
        for find in (driver.user, driver.group):
            with pytest.raises(NotFound):
                find(text)
        for attempt in ({"name": text}, {"user_id": text}):
            with pytest.raises(Unauthorized):
                driver.authenticate(text, domain_id="default", **attempt)
        for comparator in ("equals", "contains", "iendswith"):
            try:
                assert not driver.users(Search(conditions=(Condition("name", comparator, text),)))
            except BadRequest:
                continue

    def test_a_search_that_is_none(self, driver: Identity) -> None:
        for condition in (Condition("name", "like", "a"), Condition("password", "equals", "a"),
                          Condition("userPassword", "startswith", "{")):
            self.user(driver)
            with pytest.raises(BadRequest):
                driver.users(Search(conditions=(condition,)))

    @pytest.mark.parametrize("name", ["", "user\0"])
    def test_names_that_cannot_be(self, driver: Identity, name: str) -> None:
        try:
            user = self.user(driver, name=name)
        except CloudError as exc:
            assert exc.status in (400, 409)
        else:
            assert driver.user(user.id).name == name

    def test_hostile_group_names(self, driver: Identity) -> None:
        user = self.user(driver)
        for name in (name[:driver.facts().longest_name] for name in HOSTILE_NAMES):
            group = self.group(driver, name=name, domain_id=user.domain_id)
            wants(driver, WritableGroups).add_member(group.id, user.id)
            assert driver.group_named(user.domain_id, name).id == group.id
            assert list(driver.groups_of(user.id)) == [group.id]
            assert list(driver.members([group.id])[group.id]) == [user.id]
            wants(driver, WritableGroups).delete_group(group.id)

    def test_many_ids_at_once(self, driver: Identity) -> None:
        users = [self.user(driver, None) for _ in range(3)]
        ids = [new_id() for _ in range(1500)]
        asked = [*ids[:700], *(user.id for user in users), *ids[700:]]
        assert set(driver.users_by_id(asked)) == {user.id for user in users}
        assert driver.groups_by_id(ids) == {}
        assert not any(driver.members(ids).values())


class IdentitySuite(HostileCases, UserCases, PasswordCases, GroupCases):
    """All cases of identity backends."""
