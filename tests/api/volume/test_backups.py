"""Backups: whole and incremental, of volumes, of volumes in use and of snapshots; restoring, records, states, lists."""

import base64
import json

import pytest
from stratolith.plugins.volume.tables import backups

from tests.api.volume.conftest import Storage
from tests.statements import counted

ADMIN = "op:admin"
NOBODY = "11111111-2222-3333-4444-555555555555"


def backup(storage, volume_id, run=True, **body):
    made = storage.call("POST", "/backups", {"backup": {"volume_id": volume_id, **body}}, 202).json["backup"]
    if run:
        storage.cloud.run()
    return made["id"]


def show(storage, backup_id, as_="alpha:member", **more):
    return storage.call("GET", f"/backups/{backup_id}", None, 200, as_, **more).json["backup"]


def write(storage, volume_id, data, backend="simulated"):
    storage.cloud.cloud.services["volume"].backends.driver(backend).write(volume_id, [data])


def restore(storage, backup_id, status=202, **body):
    answer = storage.call("POST", f"/backups/{backup_id}/restore", {"restore": body}, status)
    storage.cloud.run()
    return answer.json.get("restore")


def test_life(storage):
    one = storage.volume(name="source", metadata={"of": "volume"})
    write(storage, one, b"precious")
    made = storage.call("POST", "/backups", {"backup": {
        "volume_id": one, "name": "b", "description": "d", "container": "c", "metadata": {"k": "v"}}}, 202).json
    assert made["backup"].keys() == {"id", "name", "links"}
    kept = made["backup"]["id"]
    assert (show(storage, kept)["status"], storage.status(one)) == ("creating", "backing-up")
    storage.act(one, "os-extend", {"new_size": 2}, 400)
    storage.cloud.run()
    found = show(storage, kept)
    keys = ("status", "size", "container", "is_incremental", "has_dependent_backups", "volume_id", "snapshot_id",
            "metadata", "fail_reason", "availability_zone")
    assert {key: found[key] for key in keys} == {
        "status": "available", "size": 1, "container": "c", "is_incremental": False, "has_dependent_backups": False,
        "volume_id": one, "snapshot_id": None, "metadata": {"k": "v"}, "fail_reason": None,
        "availability_zone": "nova"}
    assert found["object_count"] == 1 and storage.status(one) == "available"
    write(storage, one, b"scribble")
    assert restore(storage, kept, volume_id=one) == {"backup_id": kept, "volume_id": one, "volume_name": "source"}
    assert storage.content(one, 8) == b"precious"
    assert (show(storage, kept)["status"], storage.status(one)) == ("available", "available")
    changed = storage.call("PUT", f"/backups/{kept}", {"backup": {"name": "n", "metadata": {}}}, 200).json["backup"]
    assert (changed["name"], changed["metadata"]) == ("n", {})
    storage.call("DELETE", f"/backups/{kept}", None, 202)
    storage.cloud.run()
    storage.call("GET", f"/backups/{kept}", None, 404)
    assert storage.cloud.cloud.services["volume"].store.driver.observe() == []


def test_restored_into_a_new_volume(storage):
    one = storage.volume(size=2)
    write(storage, one, b"again")
    storage.act(one, "os-set_bootable", {"bootable": True}, 200)
    kept = backup(storage, one)
    made = restore(storage, kept)
    assert made["volume_name"] == f"restore_backup_{kept}"
    found = storage.show(made["volume_id"])
    assert (found["status"], found["size"], found["bootable"]) == ("available", 2, "true")
    assert storage.content(made["volume_id"], 5) == b"again"
    assert restore(storage, kept, name="named")["volume_name"] == "named"
    from_backup = storage.volume(size=3, backup_id=kept)
    assert storage.content(from_backup, 5) == b"again" and storage.status(from_backup) == "available"
    assert show(storage, kept)["status"] == "available"
    storage.call("POST", "/volumes", {"volume": {"size": 1, "backup_id": kept}}, 400)


def test_incremental(storage):
    one = storage.volume()
    storage.call("POST", "/backups", {"backup": {"volume_id": one, "incremental": True}}, 400)
    write(storage, one, b"a" * (4 << 20))
    full = backup(storage, one)
    storage.cloud.clock.advance(1)
    write(storage, one, b"b")
    some = backup(storage, one, incremental=True)
    assert show(storage, full)["has_dependent_backups"] and show(storage, some)["is_incremental"]
    assert show(storage, full)["object_count"] == 4 and show(storage, some)["object_count"] == 1
    storage.call("DELETE", f"/backups/{full}", None, 400)
    storage.call("POST", f"/backups/{full}/action", {"os-force_delete": {}}, 400, ADMIN)
    restore(storage, full, volume_id=one)
    assert storage.content(one, 2) == b"aa"
    restore(storage, some, volume_id=one)
    assert storage.content(one, 2) == b"ba"
    for kept in (some, full):
        storage.call("DELETE", f"/backups/{kept}", None, 202)
        storage.cloud.run()


def test_volume_in_use_and_snapshot(storage):
    one = storage.volume()
    write(storage, one, b"then")
    frozen = storage.snapshot(one)
    write(storage, one, b"nowx")
    storage.act(one, "os-attach", {"instance_uuid": NOBODY, "mountpoint": "/dev/vdb"})
    storage.call("POST", "/backups", {"backup": {"volume_id": one}}, 400)
    online = backup(storage, one, force=True)
    of_snapshot = backup(storage, one, snapshot_id=frozen)
    assert storage.status(one) == "in-use"
    assert storage.call("GET", f"/snapshots/{frozen}", None, 200).json["snapshot"]["status"] == "available"
    assert show(storage, of_snapshot)["snapshot_id"] == frozen
    for kept, data in ((online, b"nowx"), (of_snapshot, b"then")):
        assert storage.content(restore(storage, kept)["volume_id"], 4) == data
    pool = storage.cloud.cloud.services["volume"].backends.driver("simulated").observe().volumes
    assert not {online, of_snapshot} & set(pool)
    other = storage.volume()
    storage.call("POST", "/backups", {"backup": {"volume_id": other, "snapshot_id": frozen}}, 400)


def test_failures(storage):
    driver = storage.cloud.cloud.services["volume"].store.driver
    one = storage.volume()
    driver.fail("store")
    broken = backup(storage, one)
    found = show(storage, broken)
    assert found["status"] == "error" and found["fail_reason"] and storage.status(one) == "available"
    kept = backup(storage, one)
    driver.fail("read")
    restore(storage, kept, volume_id=one)
    assert (storage.status(one), show(storage, kept)["status"]) == ("error_restoring", "available")
    driver.fail("delete")
    storage.call("DELETE", f"/backups/{kept}", None, 202)
    storage.cloud.run()
    assert show(storage, kept)["status"] == "error_deleting"
    told = {one["resource_uuid"]: one for one in storage.call("GET", "/messages", None, 200).json["messages"]}
    assert {broken, kept} <= set(told) and told[broken]["resource_type"] == "VOLUME_BACKUP"
    for gone in (broken, kept):
        storage.call("DELETE", f"/backups/{gone}", None, 202)
    storage.call("DELETE", f"/volumes/{one}", None, 202)
    storage.cloud.run()
    storage.call("GET", f"/volumes/{one}", None, 404)


def test_refused(storage):
    one = storage.volume()
    kept = backup(storage, one)
    small = storage.volume()
    storage.act(one, "os-extend", {"new_size": 2})
    large = backup(storage, one)
    restore(storage, large, 400, volume_id=small)
    restore(storage, large, 404, volume_id=NOBODY)
    storage.call("POST", "/backups", {"backup": {"volume_id": NOBODY}}, 404)
    storage.call("POST", "/backups", {"backup": {"volume_id": one, "availability_zone": "moon"}}, 400)
    storage.call("POST", "/backups", {"backup": {"volume_id": one, "colour": "red"}}, 400)
    storage.call("GET", f"/backups/{kept}", None, 404, "beta:member")
    storage.call("DELETE", f"/backups/{kept}", None, 404, "beta:member")
    storage.call("DELETE", f"/backups/{kept}", None, 403, "alpha:reader")
    storage.call("GET", f"/backups/{kept}/export_record", None, 403)
    storage.call("POST", f"/backups/{kept}/action", {"os-reset_status": {"status": "error"}}, 403)


def test_reset_and_force_delete(storage):
    kept = backup(storage, storage.volume())
    path = f"/backups/{kept}/action"
    storage.call("POST", path, {"os-reset_status": {"status": "creating"}}, 400, ADMIN)
    storage.call("POST", path, {"os-reset_status": {"status": "error"}}, 202, ADMIN)
    assert show(storage, kept)["status"] == "error"
    storage.call("POST", path, {"os-force_delete": {}}, 202, ADMIN)
    storage.cloud.run()
    storage.call("GET", f"/backups/{kept}", None, 404)


def test_record(storage):
    one = storage.volume()
    write(storage, one, b"moved")
    kept = backup(storage, one, name="recorded")
    record = storage.call("GET", f"/backups/{kept}/export_record", None, 200, ADMIN).json["backup-record"]
    body = {"backup-record": record}
    storage.call("POST", "/backups/import_record", body, 400, ADMIN)
    with storage.cloud.cloud.kits["volume"].db.write() as tx:
        tx.delete(backups, kept)
    made = storage.call("POST", "/backups/import_record", body, 201, ADMIN).json["backup"]
    storage.cloud.run()
    assert (made["id"], made["name"], show(storage, kept, ADMIN)["status"]) == (kept, "recorded", "available")
    lost = json.loads(base64.b64decode(record["backup_url"]))
    lost["id"] = lost["data_id"] = NOBODY
    url = base64.b64encode(json.dumps(lost).encode()).decode()
    storage.call("POST", "/backups/import_record", {"backup-record": {**record, "backup_url": url}}, 201, ADMIN)
    storage.cloud.run()
    assert show(storage, NOBODY, ADMIN)["status"] == "error"
    for bad in ({**record, "backup_service": "tape"}, {**record, "backup_url": "%%"}, {**record, "backup_url": "e30="},
                {**record, "backup_url": base64.b64encode(json.dumps({**lost, "id": "../x"}).encode()).decode()}):
        storage.call("POST", "/backups/import_record", {"backup-record": bad}, 400, ADMIN)


def test_lists(make):
    storage = Storage(make(volume={"backup_driver": "simulated"}))
    one, two = storage.volume(), storage.volume()
    names = {}
    for number, volume_id in enumerate((one, two, two)):
        names[f"b{number}"] = backup(storage, volume_id, name=f"b{number}")
        storage.cloud.clock.advance(1)

    def listed(query, kind="backups"):
        return [one["name"] for one in storage.call("GET", f"/{kind}?{query}", None, 200).json["backups"]]
    for kind in ("backups", "backups/detail"):
        assert listed("", kind) == ["b2", "b1", "b0"]
        assert listed(f"volume_id={two}", kind) == ["b2", "b1"]
        assert listed("name=b1&status=available", kind) == ["b1"]
        assert listed("name~=b", kind) == ["b2", "b1", "b0"]
        assert listed("sort=name:asc&limit=2", kind) == ["b0", "b1"]
        assert listed(f"marker={names['b1']}", kind) == ["b0"]
        assert listed("offset=1&limit=1", kind) == ["b1"]
        assert storage.call("GET", f"/{kind}?limit=1&with_count=1", None, 200).json["count"] == 3
    page = storage.call("GET", "/backups?limit=2", None, 200).json
    assert "marker=" in page["backups_links"][0]["href"]
    assert storage.call("GET", "/backups?all_tenants=1", None, 200, ADMIN).json["backups"]
    database = storage.cloud.cloud.kits["volume"].db
    for path, expected in (("/backups/detail", 2), ("/backups", 1), (f"/backups/{names['b0']}", 2)):
        with counted(database) as seen:
            storage.call("GET", path, None, 200)
        assert len(seen) == expected, path


def test_quota(make):
    storage = Storage(make(volume={"quota_backups": 2, "quota_backup_gigabytes": 3}))
    one, large = storage.volume(), storage.volume(size=3)
    backup(storage, one)
    storage.call("POST", "/backups", {"backup": {"volume_id": large}}, 413)
    backup(storage, one)
    storage.call("POST", "/backups", {"backup": {"volume_id": one}}, 413)
    used = storage.call("GET", "/limits", None, 200).json["limits"]["absolute"]
    assert (used["totalBackupsUsed"], used["totalBackupGigabytesUsed"], used["maxTotalBackups"]) == (2, 2, 2)
    quota = storage.call("GET", "/os-quota-sets/alpha?usage=True", None, 200).json["quota_set"]
    assert quota["backups"] == {"limit": 2, "in_use": 2, "reserved": 0} and quota["backup_gigabytes"]["in_use"] == 2


def test_without_a_store(make):
    storage = Storage(make(volume={"backup_driver": ""}))
    one = storage.volume()
    storage.call("POST", "/backups", {"backup": {"volume_id": one}}, 503)
    assert storage.status(one) == "available"
    binaries = [one["binary"] for one in storage.call("GET", "/os-services", None, 200, ADMIN).json["services"]]
    assert "cinder-backup" not in binaries


def test_in_files(make):
    storage = Storage(make(volume={"backup_driver": "vault:file", "backends": "plain:file"}))
    one = storage.volume()
    write(storage, one, b"on disk", "plain")
    kept = backup(storage, one)
    made = restore(storage, kept)["volume_id"]
    assert storage.content(made, 7, "plain") == b"on disk"


@pytest.fixture(scope="module")
def make_options():
    return {"volume": {"backup_driver": "simulated", "quota_backups": -1, "quota_volumes": -1}}
