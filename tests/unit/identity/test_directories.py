"""Each domain's users and groups are asked for where they are, under ids that stay."""

import logging
from types import SimpleNamespace

import pytest
from sqlalchemy import event
from stratolith.core.clock import Virtual
from stratolith.core.db.engine import Database, DatabaseOptions
from stratolith.core.drivers.base import Surroundings
from stratolith.core.drivers.identity import (
    Condition,
    Group,
    Identity,
    IdentityFacts,
    Search,
    User,
    WritableGroups,
    WritableUsers,
)
from stratolith.core.errors import (
    BackendBusy,
    BackendFailed,
    BadConfiguration,
    BadRequest,
    Forbidden,
    NotFound,
    Unauthorized,
)
from stratolith.plugins.identity.directories import Directories
from stratolith.plugins.identity.directory_config import _files, in_our_words
from stratolith.plugins.identity.directory_ids import DirectoryIds, public_id
from stratolith.plugins.identity.outside import Outside, Wanted
from stratolith.plugins.identity.tables import directory_ids


class Book(Identity):
    """Users and groups in memory; the password of all is their name. Counts its calls."""

    many = False

    def open(self):
        self.people, self.circles, self.within, self.calls, self.dead, self.closed = {}, {}, {}, 0, False, False

    def close(self):
        self.closed = True

    def facts(self):
        return IdentityFacts(many_domains=self.many)

    def _called(self):
        self.calls += 1
        if self.dead:
            raise BackendBusy("gone")

    def _one(self, found, what):
        if found is None:
            raise NotFound(f"no {what}")
        return found

    def authenticate(self, password, *, user_id="", name="", domain_id=""):
        self._called()
        for user in self.people.values():
            if (user.id == user_id or user.name == name) and user.name == password:
                return user
        raise Unauthorized()

    def user(self, user_id):
        self._called()
        return self._one(self.people.get(user_id), user_id)

    def user_named(self, domain_id, name):
        self._called()
        return self._one(next((one for one in self.people.values() if one.name == name), None), name)

    def users(self, search):
        self._called()
        listed = [self.people[id] for id in sorted(self.people) if id > search.marker]
        return listed[:search.limit]

    def users_by_id(self, user_ids):
        self._called()
        return {id: self.people[id] for id in user_ids if id in self.people}

    def group(self, group_id):
        self._called()
        return self._one(self.circles.get(group_id), group_id)

    def group_named(self, domain_id, name):
        self._called()
        return self._one(next((one for one in self.circles.values() if one.name == name), None), name)

    def groups(self, search):
        self._called()
        return [self.circles[id] for id in sorted(self.circles)]

    def groups_by_id(self, group_ids):
        self._called()
        return {id: self.circles[id] for id in group_ids if id in self.circles}

    def groups_of(self, user_id):
        self._called()
        return sorted(group for group, users in self.within.items() if user_id in users)

    def members(self, group_ids):
        self._called()
        return {id: sorted(self.within.get(id, ())) for id in group_ids if id in self.circles}


class Writable(Book, WritableUsers, WritableGroups):
    """The same, which may be changed; it makes ids of its own where it is of one domain."""

    def prepared(self, password):
        return f"prepared {password}"

    def create_user(self, user, prepared):
        made = User(id=user.id if self.many else f"local {user.name}", domain_id=user.domain_id, name=user.name)
        self.people[made.id] = made
        return made

    def update_user(self, user):
        self.people[user.id] = user
        return user

    def set_password(self, user_id, prepared):
        self.user(user_id)

    def delete_user(self, user_id):
        self.people.pop(user_id, None)

    def create_group(self, group):
        self.circles[group.id] = group
        return group

    def update_group(self, group):
        self.circles[group.id] = group
        return group

    def delete_group(self, group_id):
        self.circles.pop(group_id, None)

    def add_member(self, group_id, user_id):
        self.within.setdefault(group_id, set()).add(user_id)

    def remove_member(self, group_id, user_id):
        self.within.get(group_id, set()).discard(user_id)


class Common(Writable):
    """The backend of all domains."""

    many = True


def surroundings(tmp_path):
    return Surroundings(Virtual(), logging.getLogger("test"), state_dir=tmp_path, run_dir=tmp_path)


@pytest.fixture
def world(tmp_path):
    """A router with directories in the domains read and free, and how often the database was asked."""
    database = Database(DatabaseOptions(), "sqlite://")
    directory_ids.create(database.engine)
    around = surroundings(tmp_path)
    common = Common(None, around)
    common.open()
    router = Directories(common, database, around)
    told = {"read": Wanted("book", {}), "free": Wanted("writable", {})}
    kit = SimpleNamespace(clock=around.clock, log=around.log, state_dir=tmp_path, run_dir=tmp_path, host="h",
                          executor=None)
    kinds = {"book": Book, "writable": Writable}

    def load(name):
        if name not in kinds:
            raise BadConfiguration(name)
        return kinds[name]

    router.use(Outside(kit, SimpleNamespace(load=load), SimpleNamespace(of=told.get)))
    router.outside("read").people.update({id: User(id=id, domain_id="", name=f"name {id}") for id in "abcde"})
    router.outside("read").circles["g"] = Group(id="g", domain_id="", name="crew")
    router.outside("read").within["g"] = {"a", "b"}
    common.people["ours"] = User(id="ours", domain_id="default", name="ours")
    asked = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    yield SimpleNamespace(router=router, common=common, told=told, asked=asked, database=database)
    database.close()


def of_domain(domain_id, **more):
    return Search(conditions=(Condition("domain_id", "equals", domain_id),), **more)


def test_users_of_a_directory_have_public_ids(world):
    user = world.router.authenticate("name a", name="name a", domain_id="read")
    assert (user.id, user.domain_id) == (public_id("read", "user", "a"), "read")
    assert world.router.user(user.id) == world.router.user_named("read", "name a") == user
    assert world.router.authenticate("name a", user_id=user.id) == user
    with pytest.raises(Unauthorized):
        world.router.authenticate("wrong", user_id=user.id)
    with pytest.raises(Unauthorized):
        world.router.authenticate("ours", name="ours", domain_id="read")
    assert world.router.authenticate("ours", user_id="ours").id == "ours"


def test_ids_are_keystones():
    # What Keystone's sha256 generator makes of domain, kind and local id.
    assert public_id("default", "user", "bob") == "9238b942d077e3178bb06a7ce8bef6aec1f389aabb9e0f957ebaeb3c4be733f8"
    assert public_id("a", "user", "b") != public_id("a", "group", "b") != public_id("b", "group", "b")


def test_what_is_unknown_is_nobody(world):
    for id in ("a", public_id("read", "user", "gone"), "x" * 64, "\0" * 64):
        with pytest.raises(NotFound):
            world.router.user(id)
        assert not world.router.groups_of(id)
    known = world.router.user_named("read", "name a").id
    with pytest.raises(NotFound):
        world.router.group(known)
    del world.router.outside("read").people["a"]
    with pytest.raises(NotFound, match=known):
        world.router.user(known)


def test_pages_are_by_public_marker(world):
    whole = world.router.users(of_domain("read"))
    assert len(whole) == 5 and all(user.domain_id == "read" for user in whole)
    first = world.router.users(of_domain("read", limit=2))
    assert [*first, *world.router.users(of_domain("read", marker=first[-1].id))] == whole
    for marker in ("ours", "a", "0" * 64):
        with pytest.raises(BadRequest):
            world.router.users(of_domain("read", marker=marker))
    assert [user.id for user in world.router.users(Search())] == ["ours"]


def test_a_page_costs_a_constant_number_of_queries(world):
    directory = world.router.outside("read")
    directory.people.update({f"many {n}": User(id=f"many {n}", domain_id="", name=f"n {n}") for n in range(400)})
    counts = []
    for limit in (10, 300):
        world.router.ids.clear()
        world.asked.clear()
        directory.calls = 0
        found = world.router.users(of_domain("read", limit=limit))
        counts.append(len([one for one in world.asked if one.startswith(("SELECT", "INSERT"))]))
        assert len(found) == limit and directory.calls == 1
    assert counts == [2, 2]
    world.asked.clear()
    world.router.users(of_domain("read", limit=300))
    assert world.asked == []


def test_users_of_many_places_at_once(world):
    ids = [user.id for user in world.router.users(of_domain("read"))]
    directory = world.router.outside("read")
    directory.calls = world.common.calls = 0
    found = world.router.users_by_id([*ids, "ours", "none", "0" * 64])
    assert set(found) == {*ids, "ours"} and (directory.calls, world.common.calls) == (1, 1)
    directory.dead = True
    assert set(world.router.users_by_id([*ids, "ours"])) == {"ours"}
    with pytest.raises(BackendBusy):
        world.router.user(ids[0])
    assert world.router.user("ours").name == "ours"


def test_members_and_groups(world):
    group = world.router.group_named("read", "crew")
    members = world.router.members([group.id, "none"])
    assert members == {group.id: sorted(public_id("read", "user", id) for id in "ab")}
    assert world.router.groups_of(members[group.id][0]) == [group.id]
    assert world.router.groups_by_id([group.id]) == {group.id: group}
    assert world.router.groups(of_domain("read")) == [group]


def test_what_is_only_read_is_refused(world):
    router, user = world.router, world.router.user_named("read", "name a")
    group = router.group_named("read", "crew")
    for refused in (lambda: router.create_user(User(id="", domain_id="read", name="n"), None),
                    lambda: router.prepared_in("read", "x"), lambda: router.update_user(user),
                    lambda: router.delete_user(user.id), lambda: router.set_password(user.id, "x"),
                    lambda: router.prepared_change(user.id, "name a", "x"),
                    lambda: router.create_group(Group(id="", domain_id="read", name="n")),
                    lambda: router.delete_group(group.id), lambda: router.add_member(group.id, user.id)):
        with pytest.raises(Forbidden, match="does not support write operations"):
            refused()


def test_a_directory_that_is_written(world):
    router = world.router
    made = router.create_user(User(id="chosen", domain_id="free", name="new"), router.prepared_in("free", "x"))
    assert made.id == public_id("free", "user", "local new") and router.user(made.id).name == "new"
    group = router.create_group(Group(id="chosen", domain_id="free", name="crew"))
    router.add_member(group.id, made.id)
    assert router.groups_of(made.id) == [group.id]
    router.remove_member(group.id, made.id)
    router.delete_user(made.id)
    with pytest.raises(NotFound):
        router.user(made.id)


def test_membership_across_directories_is_refused(world):
    free = world.router.create_group(Group(id="g", domain_id="free", name="crew"))
    ours = world.router.create_group(Group(id="ours", domain_id="default", name="crew"))
    user = world.router.user_named("read", "name a")
    for group, member in ((free.id, user.id), (free.id, "ours"), (ours.id, user.id)):
        with pytest.raises(Forbidden, match="across backend boundaries"):
            world.router.add_member(group, member)


def test_a_changed_configuration_is_another_driver(world):
    before = world.router.outside("read")
    assert world.router.outside("read") is before
    world.told["read"] = Wanted("writable", {})
    after = world.router.outside("read")
    assert after is not before and before.closed and not after.closed
    world.told["read"] = Wanted("nonsense", {})
    for _ in range(2):
        with pytest.raises(BackendFailed):
            world.router.outside("read")
    del world.told["read"]
    assert world.router.outside("read") is None


def test_two_processes_publish_the_same_at_once(world):
    first, second = DirectoryIds(world.database), DirectoryIds(world.database)
    real, blind = second._rows, [True]
    # The second looks before the first has written.
    second._rows = lambda ids: [] if blind and blind.pop() else real(ids)
    assert first.publish("d", "user", ["a", "b"]).items() <= second.publish("d", "user", ["a", "b", "c"]).items()
    third = DirectoryIds(world.database)
    assert set(third.locals([public_id("d", "user", id) for id in "abc"], "user")) == {
        public_id("d", "user", id) for id in "abc"}


def test_an_id_that_was_not_committed_is_not_remembered(world):
    ids = DirectoryIds(world.database)
    with pytest.raises(BadRequest), world.database.write():
        (one,) = ids.publish("d", "user", ["a"]).values()
        raise BadRequest("no")
    assert ids.local(one, "user") is None
    ids.publish("d", "user", ["a"])
    assert DirectoryIds(world.database).local(one, "user").id == "a"


def test_keystones_words_in_ours():
    assert in_our_words({"identity": {"driver": "sql"}}) is None and in_our_words({}) is None
    found = in_our_words({"identity": {"driver": "keystone.identity.backends.ldap.Identity"}, "ldap": {
        "url": "ldap://a,ldap://b", "page_size": "0", "connection_timeout": "-1", "user_enabled_invert": "True",
        "use_pool": "true", "pool_connection_lifetime": "30", "suffix": ""}})
    assert found == Wanted("ldap", {"layout": "keystone", "url": "ldap://a,ldap://b", "user_enabled_invert": "true",
                                    "pool_lifetime_s": "30"})


def test_files_of_domains(tmp_path, caplog):
    (tmp_path / "corp.ini").write_text("[identity]\nbackend = ldap\n[identity.ldap]\nurl = ldaps://a\npassword = a%b\n")
    (tmp_path / "keystone.two words.conf").write_text("[identity]\ndriver = ldap\n[ldap]\nurl = ldaps://b\n")
    (tmp_path / "plain.ini").write_text("[identity]\nbackend = sql\n")
    (tmp_path / "README").write_text("nothing")
    for file in tmp_path.iterdir():
        file.chmod(0o600)
    (tmp_path / "corp.ini").chmod(0o644)
    found = _files(tmp_path, logging.getLogger("test"))
    assert found == {"corp": Wanted("ldap", {"url": "ldaps://a", "password": "a%b"}), "plain": None,
                     "two words": Wanted("ldap", {"layout": "keystone", "url": "ldaps://b"})}
    assert "corp.ini can be read by others" in caplog.text and caplog.text.count("read by others") == 1
    (tmp_path / "odd.ini").write_text("[identity]\nbackend = sql2\n")
    _files(tmp_path, logging.getLogger("test"))
    assert "odd.ini: stratolith.identity has no plugin 'sql2'" in caplog.text
    (tmp_path / "bad.ini").write_text("no section\n")
    with pytest.raises(BadConfiguration, match="bad.ini"):
        _files(tmp_path, logging.getLogger("test"))
    with pytest.raises(BadConfiguration):
        _files(tmp_path / "none", logging.getLogger("test"))
