"""Groups of volumes, their types, their snapshots, copies of groups; the same under the older words."""

import pytest

from tests.api.volume.conftest import Storage
from tests.statements import counted

ADMIN = "op:admin"
NOBODY = "11111111-2222-3333-4444-555555555555"


class Grouped(Storage):
    """Short words for groups."""

    def kind(self, name, **specs):
        found = [one for one in self.call("GET", "/group_types?is_public=none", None, 200, ADMIN).json["group_types"]
                 if one["name"] == name]
        body = {"group_type": {"name": name, "group_specs": specs}}
        return (found or [self.call("POST", "/group_types", body, 202, ADMIN).json["group_type"]])[0]["id"]

    def plain(self):
        return self.call("GET", "/types", None, 200).json["volume_types"][-1]["id"]

    def group(self, kind="loose", **body):
        body = {"group_type": self.kind(kind), "volume_types": [self.plain()], "name": "g", **body}
        return self.call("POST", "/groups", {"group": body}, 202).json["group"]["id"]

    def shown(self, group_id, as_="alpha:member"):
        return self.call("GET", f"/groups/{group_id}?list_volume=True", None, 200, as_).json["group"]

    def do(self, group_id, action, value, status=202, as_="alpha:member"):
        answer = self.call("POST", f"/groups/{group_id}/action", {action: value}, status, as_)
        self.cloud.run()
        return answer

    def freeze(self, group_id, status=202):
        answer = self.call("POST", "/group_snapshots", {"group_snapshot": {"group_id": group_id, "name": "s"}}, status)
        self.cloud.run()
        return answer.json.get("group_snapshot", {}).get("id")


@pytest.fixture(scope="module")
def storage(cloud):
    return Grouped(cloud)


def test_group_types(storage):
    call = storage.call
    body = {"group_type": {"name": "kind", "description": "d", "group_specs": {"a": "1"}}}
    one = call("POST", "/group_types", body, 202, ADMIN).json["group_type"]
    assert (one["group_specs"], one["is_public"]) == ({"a": "1"}, True)
    path = f"/group_types/{one['id']}"
    call("POST", "/group_types", body, 409, ADMIN)
    call("POST", "/group_types", body, 403)
    assert "group_specs" not in call("GET", path, None, 200).json["group_type"]
    added = call("POST", path + "/group_specs", {"group_specs": {"b": "2"}}, 202, ADMIN)
    assert added.json["group_specs"] == {"b": "2"}
    assert call("GET", path + "/group_specs", None, 200, ADMIN).json["group_specs"] == {"a": "1", "b": "2"}
    assert call("PUT", path + "/group_specs/b", {"b": "3"}, 200, ADMIN).json == {"b": "3"}
    call("PUT", path + "/group_specs/c", {"b": "3"}, 400, ADMIN)
    assert call("GET", path + "/group_specs/b", None, 200, ADMIN).json == {"b": "3"}
    call("DELETE", path + "/group_specs/b", None, 202, ADMIN)
    call("GET", path + "/group_specs/b", None, 404, ADMIN)
    changed = call("PUT", path, {"group_type": {"name": "other", "is_public": False}}, 200, ADMIN).json["group_type"]
    assert (changed["name"], changed["is_public"]) == ("other", False)
    call("GET", path, None, 404)
    assert "other" not in [row["name"] for row in call("GET", "/group_types", None, 200).json["group_types"]]
    names = [row["name"] for row in call("GET", "/group_types?is_public=none&sort=name:asc", None, 200,
                                         ADMIN).json["group_types"]]
    assert names == sorted(names) and "other" in names
    call("GET", "/group_types/default", None, 404)
    call("DELETE", path, None, 202, ADMIN)
    call("GET", path, None, 404, ADMIN)
    call("GET", "/group_types", None, 404, version="3.10")


def test_life(storage):
    one = storage.group(description="d")
    inside, late = storage.volume(group_id=one), storage.volume()
    assert storage.show(inside)["group_id"] == one
    found = storage.shown(one)
    assert {key: found[key] for key in ("status", "volumes", "replication_status", "group_snapshot_id")} == {
        "status": "available", "volumes": [inside], "replication_status": "disabled", "group_snapshot_id": None}
    assert "project_id" in storage.shown(one, ADMIN) and "project_id" not in found
    change = {"group": {"name": "n", "add_volumes": late, "remove_volumes": inside}}
    storage.call("PUT", f"/groups/{one}", change, 202)
    assert (storage.shown(one)["name"], storage.shown(one)["volumes"]) == ("n", [late])
    storage.call("PUT", f"/groups/{one}", {"group": {}}, 400)
    storage.call("PUT", f"/groups/{one}", {"group": {"add_volumes": NOBODY}}, 400)
    storage.call("PUT", f"/groups/{one}", {"group": {"add_volumes": late}}, 400)
    storage.call("PUT", f"/groups/{one}", {"group": {"remove_volumes": inside}}, 400)
    storage.call("DELETE", f"/volumes/{late}", None, 400)
    storage.do(one, "delete", {"delete-volumes": False}, 400)
    storage.do(one, "delete", {"delete-volumes": True})
    for path in (f"/groups/{one}", f"/volumes/{late}"):
        storage.call("GET", path, None, 404)
    assert storage.status(inside) == "available"


def test_lists(storage):
    one, two = storage.group(name="l1"), None
    storage.cloud.clock.advance(1)
    two = storage.group(name="l2")
    inside = storage.volume(group_id=two)
    page = storage.call("GET", "/groups?limit=1", None, 200).json
    assert [row["name"] for row in page["groups"]] == ["l2"] and page["groups_links"]
    full = storage.call("GET", "/groups/detail?list_volume=True&sort=name:asc", None, 200).json["groups"]
    assert [row["volumes"] for row in full if row["id"] in (one, two)] == [[], [inside]]
    assert [row["id"] for row in storage.call("GET", "/groups?name~=l", None, 200).json["groups"]] == [two, one]
    assert [row["id"] for row in storage.call("GET", f"/volumes?group_id={two}", None, 200).json["volumes"]] == [inside]
    storage.call("GET", f"/groups/{one}", None, 404, "beta:member")
    storage.do(one, "reset_status", {"status": "error"}, 403)
    storage.do(one, "reset_status", {"status": "error"}, 202, ADMIN)
    storage.do(one, "reset_status", {"status": "happy"}, 400, ADMIN)
    assert storage.shown(one)["status"] == "error"
    for gone in (one, two):
        storage.do(gone, "delete", {"delete-volumes": True})


def test_queries(storage):
    one = storage.group()
    storage.volume(group_id=one)
    database = storage.cloud.cloud.kits["volume"].db
    for path, expected in (("/groups/detail?list_volume=True", 2), ("/groups", 1), (f"/groups/{one}", 2),
                           ("/group_snapshots/detail", 1), ("/volumes/detail", 4), ("/messages", 1)):
        with counted(database) as seen:
            storage.call("GET", path, None, 200)
        assert len(seen) == expected, path
    storage.do(one, "delete", {"delete-volumes": True})


def test_refused(storage):
    kind, plain = storage.kind("loose"), storage.plain()
    for body, status in (({"group_type": NOBODY, "volume_types": [plain]}, 404),
                         ({"group_type": kind, "volume_types": [NOBODY]}, 404),
                         ({"group_type": kind, "volume_types": []}, 400),
                         ({"group_type": kind, "volume_types": [plain], "availability_zone": "moon"}, 400)):
        storage.call("POST", "/groups", {"group": body}, status)
    body = {"volume_type": {"name": "odd", "extra_specs": {"vendor_name": "nobody"}}}
    odd = storage.call("POST", "/types", body, 200, ADMIN).json["volume_type"]["id"]
    failed = storage.group(volume_types=[odd])
    assert storage.shown(failed)["status"] == "error"
    one = storage.group()
    storage.call("POST", "/volumes", {"volume": {"size": 1, "group_id": one, "volume_type": "odd"}}, 400)
    for action in ("enable_replication", "disable_replication", "failover_replication", "list_replication_targets"):
        storage.do(one, action, {}, 400)
    for gone in (one, failed):
        storage.do(gone, "delete", {})


def test_snapshots_and_copies(storage):
    one = storage.group("together")
    storage.freeze(one, 400)
    members = [storage.volume(group_id=one) for _ in range(2)]
    driver = storage.cloud.cloud.services["volume"].backends.driver("simulated")
    driver.write(members[0], [b"frozen"])
    kept = storage.freeze(one)
    driver.write(members[0], [b"melted"])
    path = f"/group_snapshots/{kept}"
    found = storage.call("GET", path, None, 200).json["group_snapshot"]
    assert (found["status"], found["group_id"]) == ("available", one)
    frozen = [row for row in storage.call("GET", "/snapshots/detail", None, 200).json["snapshots"]
              if row["group_snapshot_id"] == kept]
    assert len(frozen) == 2 and {row["status"] for row in frozen} == {"available"}
    storage.call("DELETE", f"/snapshots/{frozen[0]['id']}", None, 400)
    storage.do(one, "delete", {"delete-volumes": True}, 400)
    body = {"create-from-src": {"name": "copy", "group_snapshot_id": kept}}
    copy = storage.call("POST", "/groups/action", body, 202).json["group"]["id"]
    storage.cloud.run()
    shown = storage.shown(copy)
    assert (shown["status"], shown["group_snapshot_id"], len(shown["volumes"])) == ("available", kept, 2)
    assert b"frozen" in [storage.content(volume, 6) for volume in shown["volumes"]]
    body = {"create-from-src": {"name": "clone", "source_group_id": one}}
    clone = storage.call("POST", "/groups/action", body, 202).json["group"]["id"]
    storage.cloud.run()
    assert (storage.shown(clone)["status"], len(storage.shown(clone)["volumes"])) == ("available", 2)
    storage.call("POST", "/groups/action", {"create-from-src": {"name": "none"}}, 400)
    changed = storage.call("PUT", path, {"group_snapshot": {"name": "renamed"}}, 200).json["group_snapshot"]
    assert changed["name"] == "renamed"
    assert [row["name"] for row in storage.call("GET", "/group_snapshots?sort=name:asc&limit=5", None,
                                                200).json["group_snapshots"]] == ["renamed"]
    reset = {"reset_status": {"status": "error"}}
    storage.call("POST", path + "/action", reset, 403)
    storage.call("POST", path + "/action", reset, 202, ADMIN)
    storage.call("DELETE", path, None, 202)
    storage.cloud.run()
    storage.call("GET", path, None, 404)
    for gone in (one, copy, clone):
        storage.do(gone, "delete", {"delete-volumes": True})
        storage.call("GET", f"/groups/{gone}", None, 404)
    assert not driver.observe().snapshots


def test_a_snapshot_that_fails_leaves_none(storage):
    one = storage.group("together")
    for _ in range(2):
        storage.volume(group_id=one)
    driver = storage.cloud.cloud.services["volume"].backends.driver("simulated")
    driver.fail("snapshot_group")
    kept = storage.freeze(one)
    assert storage.call("GET", f"/group_snapshots/{kept}", None, 200).json["group_snapshot"]["status"] == "error"
    assert not driver.observe().snapshots
    storage.call("DELETE", f"/group_snapshots/{kept}", None, 202)
    storage.cloud.run()
    driver.fail("delete")
    storage.do(one, "delete", {"delete-volumes": True})
    assert storage.shown(one)["status"] == "error_deleting"
    storage.do(one, "delete", {"delete-volumes": True})
    storage.call("GET", f"/groups/{one}", None, 404)


def test_older_words(storage):
    call, plain = storage.call, storage.plain()
    body = {"consistencygroup": {"name": "cg", "volume_types": plain}}
    one = call("POST", "/consistencygroups", body, 202).json["consistencygroup"]["id"]
    path = f"/consistencygroups/{one}"
    inside = storage.volume(consistencygroup_id=one)
    assert storage.show(inside)["consistencygroup_id"] == one
    assert call("GET", path, None, 200).json["consistencygroup"]["status"] == "available"
    for where in ("/consistencygroups", "/consistencygroups/detail"):
        assert [row["id"] for row in call("GET", where, None, 200).json["consistencygroups"]] == [one]
    call("PUT", path + "/update", {"consistencygroup": {"name": "", "description": ""}}, 400, version="3.5")
    call("PUT", path + "/update", {"consistencygroup": {"name": "", "description": ""}}, 202)
    assert call("GET", path, None, 200).json["consistencygroup"]["name"] == ""
    body = {"cgsnapshot": {"consistencygroup_id": one, "name": "s"}}
    kept = call("POST", "/cgsnapshots", body, 202).json["cgsnapshot"]["id"]
    storage.cloud.run()
    assert call("GET", f"/cgsnapshots/{kept}", None, 200).json["cgsnapshot"]["consistencygroup_id"] == one
    for where in ("/cgsnapshots", "/cgsnapshots/detail"):
        assert [row["id"] for row in call("GET", where, None, 200).json["cgsnapshots"]] == [kept]
    body = {"consistencygroup-from-src": {"cgsnapshot_id": kept}}
    copy = call("POST", "/consistencygroups/create_from_src", body, 202).json["consistencygroup"]["id"]
    storage.cloud.run()
    call("DELETE", f"/cgsnapshots/{kept}", None, 202)
    storage.cloud.run()
    for gone in (one, copy):
        call("POST", f"/consistencygroups/{gone}/delete", {"consistencygroup": {"force": True}}, 202)
        storage.cloud.run()
        call("GET", f"/consistencygroups/{gone}", None, 404)
    call("GET", f"/consistencygroups/{storage.group()}", None, 404)


def test_quota(make):
    storage = Grouped(make(volume={"quota_groups": 1}))
    storage.group()
    body = {"group_type": storage.kind("loose"), "volume_types": [storage.plain()]}
    storage.call("POST", "/groups", {"group": body}, 413)


@pytest.fixture(scope="module", autouse=True)
def kinds(storage):
    storage.kind("together", consistent_group_snapshot_enabled="<is> True")


@pytest.fixture(scope="module")
def make_options():
    return {"volume": {"quota_volumes": -1, "quota_snapshots": -1, "quota_groups": -1}}
