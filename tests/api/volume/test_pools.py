"""What administrators do between pools and records: manage, unmanage, migrate, retype with a move."""

import pytest

ADMIN = "op:admin"
NOBODY = "11111111-2222-3333-4444-555555555555"
HERE, THERE = "host1@simulated#simulated", "host1@plain#plain"


def driver(storage, backend="simulated"):
    return storage.cloud.cloud.services["volume"].backends.driver(backend)


def manage(storage, found, status=202, path="/manageable_volumes", **body):
    body = {"host": HERE, "ref": {"source-name": found}, **body}
    answer = storage.call("POST", path, {"volume": body}, status, ADMIN)
    storage.cloud.run()
    return answer.json.get("volume", {}).get("id")


def test_manage(storage):
    driver(storage).create("stranger", 2)
    driver(storage).write("stranger", [b"from outside"])
    one = manage(storage, "stranger", name="mine", bootable=True, metadata={"k": "v"})
    found = storage.show(one, ADMIN)
    assert (found["status"], found["size"], found["bootable"], found["name"], found["metadata"]) == (
        "available", 2, "true", "mine", {"k": "v"})
    assert storage.content(one, 12) == b"from outside" and "stranger" not in driver(storage).observe().volumes
    manage(storage, one, 400)
    manage(storage, f"volume-{one}", 400)
    manage(storage, "nothing", 400)
    manage(storage, "stranger", 400, host="elsewhere@simulated")
    manage(storage, "stranger", 400, ref={"colour": "red"})
    manage(storage, "stranger", 400, cluster="c")
    storage.call("POST", "/manageable_volumes", {"volume": {"host": HERE, "ref": {"source-name": "x"}}}, 403)
    storage.call("POST", "/manageable_volumes", {"volume": {"host": HERE, "ref": {}}}, 404, ADMIN, version="3.7")


def test_unmanage_and_manage_again(storage):
    one = storage.volume()
    driver(storage).write(one, [b"kept"])
    storage.act(one, "os-unmanage", {}, 403)
    frozen = storage.snapshot(one)
    storage.act(one, "os-unmanage", {}, 400, ADMIN)
    storage.call("DELETE", f"/snapshots/{frozen}", None, 202)
    storage.cloud.run()
    storage.act(one, "os-unmanage", {}, 202, ADMIN)
    storage.call("GET", f"/volumes/{one}", None, 404)
    assert one in driver(storage).observe().volumes
    again = manage(storage, f"volume-{one}", path="/os-volume-manage")
    assert again != one and storage.content(again, 4) == b"kept"


def test_a_failed_adoption_leaves_the_storage_alone(storage):
    driver(storage).create("shy", 1)
    driver(storage).fail("adopt")
    one = manage(storage, "shy")
    assert storage.status(one) == "error_managing" and "shy" in driver(storage).observe().volumes
    storage.call("DELETE", f"/volumes/{one}", None, 202, ADMIN)
    storage.cloud.run()
    storage.call("GET", f"/volumes/{one}", None, 404, ADMIN)
    assert "shy" in driver(storage).observe().volumes
    driver(storage).delete("shy")


def test_manage_snapshots(storage):
    one = storage.volume()
    driver(storage).snapshot(one, "outside")
    body = {"snapshot": {"volume_id": one, "ref": {"source-name": "outside"}, "name": "in", "metadata": {"k": "v"}}}
    storage.call("POST", "/manageable_snapshots", body, 403)
    made = storage.call("POST", "/manageable_snapshots", body, 202, ADMIN).json["snapshot"]["id"]
    storage.cloud.run()
    found = storage.call("GET", f"/snapshots/{made}", None, 200, ADMIN).json["snapshot"]
    assert (found["status"], found["size"], found["metadata"]) == ("available", 1, {"k": "v"})
    storage.call("POST", "/manageable_snapshots", body, 400, ADMIN)
    storage.call("POST", f"/snapshots/{made}/action", {"os-unmanage": {}}, 403)
    storage.call("POST", f"/snapshots/{made}/action", {"os-unmanage": {}}, 202, ADMIN)
    storage.call("GET", f"/snapshots/{made}", None, 404, ADMIN)
    body["snapshot"]["ref"] = {"source-name": f"_snapshot-{made}"}
    again = storage.call("POST", "/os-snapshot-manage", body, 202, ADMIN).json["snapshot"]["id"]
    storage.cloud.run()
    storage.call("POST", f"/snapshots/{again}/action", {"os-unmanage": {}}, 202, ADMIN)
    storage.call("DELETE", f"/volumes/{one}", None, 202)
    storage.cloud.run()
    storage.call("GET", f"/volumes/{one}", None, 404)
    assert one not in driver(storage).observe().volumes and again not in driver(storage).observe().snapshots


def test_manageable_lists(storage):
    pool = driver(storage, "plain")
    for number in range(3):
        pool.create(f"s{number}", 3 - number)
    pool.snapshot("s0", "frozen")
    call = storage.call

    def names(query, kind="volumes"):
        rows = call("GET", f"/manageable_{kind}?host={THERE.replace('#', '%23')}&{query}", None, 200,
                    ADMIN).json[f"manageable-{kind}"]
        return [row["reference"]["source-name"] for row in rows]
    assert names("") == ["s0", "s1", "s2"]
    assert names("sort=size:asc&limit=2") == ["s2", "s1"]
    assert names("offset=1") == ["s1", "s2"]
    assert names("marker=%7B%27source-name%27%3A+%27s1%27%7D") == ["s2"]
    assert names("", "snapshots") == ["frozen"]
    one = manage(storage, "s0", host=THERE)
    host = THERE.replace("#", "%23")
    rows = call("GET", f"/os-volume-manage/detail?host={host}", None, 200, ADMIN).json["manageable-volumes"]
    mine = next(row for row in rows if row["reference"]["source-name"] == one)
    assert (mine["safe_to_manage"], mine["reason_not_safe"], mine["cinder_id"]) == (False, "already managed", one)
    rows = call("GET", f"/manageable_snapshots/detail?host={host}", None, 200, ADMIN).json["manageable-snapshots"]
    assert rows[0]["safe_to_manage"] and rows[0]["source_reference"] == {"source-name": one}
    for query in ("", "host=a&cluster=b", "cluster=b", "host=none", f"host={host}&sort=colour",
                  f"host={host}&marker=x"):
        call("GET", f"/manageable_volumes?{query}", None, 400, ADMIN)
    call("GET", f"/manageable_volumes?host={host}", None, 403)


def migrate(storage, volume_id, host=THERE, status=202, as_=ADMIN, **more):
    return storage.act(volume_id, "os-migrate_volume", {"host": host, **more}, status, as_)


def test_migrate(storage):
    one = storage.volume()
    driver(storage).write(one, [b"moving"])
    migrate(storage, one, as_="alpha:member", status=403)
    migrate(storage, one)
    found = storage.show(one, ADMIN)
    assert (found["os-vol-host-attr:host"], found["status"], found["migration_status"]) == (
        THERE, "available", "success")
    assert storage.content(one, 6, "plain") == b"moving" and one not in driver(storage).observe().volumes
    assert "migration_status" in storage.show(one) and storage.show(one)["migration_status"] is None
    migrate(storage, one, HERE, lock_volume=True)
    assert storage.status(one) == "available" and storage.content(one, 6) == b"moving"
    assert one not in driver(storage, "plain").observe().volumes


def test_a_move_excludes_other_work(storage):
    one = storage.volume()
    storage.call("POST", f"/volumes/{one}/action", {"os-migrate_volume": {"host": THERE}}, 202, ADMIN)
    assert storage.show(one, ADMIN)["migration_status"] == "starting"
    for action, value in (("os-extend", {"new_size": 2}), ("os-reserve", {})):
        storage.call("POST", f"/volumes/{one}/action", {action: value}, 400)
    storage.call("POST", "/snapshots", {"snapshot": {"volume_id": one}}, 400)
    storage.call("DELETE", f"/volumes/{one}", None, 400)
    storage.call("POST", f"/volumes/{one}/action", {"os-migrate_volume": {"host": THERE}}, 400, ADMIN)
    storage.cloud.run()
    storage.act(one, "os-extend", {"new_size": 2})
    assert storage.show(one)["size"] == 2


def test_moves_refused(storage):
    one = storage.volume()
    for host in ("none", "host1@none#none", HERE, ""):
        migrate(storage, one, host, 400)
    migrate(storage, one, "", 400, cluster="c")
    frozen = storage.snapshot(one)
    migrate(storage, one, status=400)
    storage.call("DELETE", f"/snapshots/{frozen}", None, 202)
    storage.cloud.run()
    storage.act(one, "os-attach", {"instance_uuid": NOBODY, "mountpoint": "/dev/vdb"})
    migrate(storage, one, status=400)


def test_a_failed_move_leaves_the_volume_where_it_was(storage):
    one = storage.volume()
    driver(storage).write(one, [b"stay"])
    driver(storage).fail("read", times=-1)
    migrate(storage, one, lock_volume=True)
    driver(storage).heal()
    found = storage.show(one, ADMIN)
    assert (found["os-vol-host-attr:host"], found["status"], found["migration_status"]) == (HERE, "available", "error")
    assert storage.content(one, 4) == b"stay" and one not in driver(storage, "plain").observe().volumes
    driver(storage, "plain").create(one, 1)
    driver(storage, "plain").write(one, [b"not ours"])
    migrate(storage, one)
    assert storage.show(one, ADMIN)["migration_status"] == "error"
    assert storage.content(one, 8, "plain") == b"not ours" and storage.content(one, 4) == b"stay"
    driver(storage, "plain").delete(one)


def test_retype(storage):
    for name, backend in (("fast", "simulated"), ("slow", "plain")):
        specs = {"volume_backend_name": backend}
        storage.call("POST", "/types", {"volume_type": {"name": name, "extra_specs": specs}}, 200, ADMIN)
    one = storage.volume(volume_type="fast")
    driver(storage).write(one, [b"typed"])
    storage.act(one, "os-retype", {"new_type": "slow"}, 400)
    storage.act(one, "os-retype", {"new_type": "slow", "migration_policy": "never"}, 400)
    storage.act(one, "os-retype", {"new_type": "fast"}, 400)
    storage.act(one, "os-retype", {"new_type": "slow", "migration_policy": "on-demand"})
    found = storage.show(one, ADMIN)
    assert (found["volume_type"], found["os-vol-host-attr:host"], found["status"]) == ("slow", THERE, "available")
    assert storage.content(one, 5, "plain") == b"typed"
    driver(storage).fail("create", times=-1)
    storage.act(one, "os-retype", {"new_type": "fast", "migration_policy": "on-demand"})
    driver(storage).heal()
    assert (storage.show(one)["volume_type"], storage.status(one)) == ("slow", "available")


def test_completion(storage):
    one, two = storage.volume(), storage.volume()
    body = {"new_volume": two}
    storage.act(one, "os-migrate_volume_completion", body, 403)
    answer = storage.act(one, "os-migrate_volume_completion", body, 200, ADMIN)
    assert answer.json == {"save_volume_id": two}
    storage.act(one, "os-migrate_volume_completion", {"new_volume": NOBODY}, 404, ADMIN)
    storage.act(one, "os-extend_volume_completion", {"error": False}, 400, ADMIN)
    storage.act(one, "os-extend_volume_completion", {"error": False}, 403)


@pytest.fixture(scope="module")
def make_options():
    return {"volume": {"backends": "simulated,plain:simulated", "quota_volumes": -1}}
