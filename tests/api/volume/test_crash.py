"""A process killed at any write of any operation leaves nothing stuck and nothing behind."""

import shutil

import pytest

from tests.api.crash import Film

VERBS = ("create", "delete", "extend", "clone", "snapshot", "connect", "disconnect", "write", "adopt", "snapshot_group",
         "create_from_snapshot", "delete_snapshot")
STORE_VERBS = ("store", "delete")
OPTIONS = {"volume": {"backends": "simulated,plain:simulated", "backup_driver": "simulated"}}
IMAGE = "99999999-2222-3333-4444-555555555555"


def build(alone, folder, clock=None):
    return alone(folder, services=["image", "volume"], persistent=True, clock=clock, options=OPTIONS).start()


def call(cloud, method, path, body=None, **more):
    return cloud.request(method, path, body, version="volume 3.71", **more)


def create(cloud, one):
    call(cloud, "POST", "/volume/v3/volumes", {"volume": {"size": 1}})


def clone(cloud, one):
    call(cloud, "POST", "/volume/v3/volumes", {"volume": {"size": 1, "source_volid": one}})


def delete(cloud, one):
    call(cloud, "DELETE", f"/volume/v3/volumes/{one}")


def snapshot(cloud, one):
    call(cloud, "POST", "/volume/v3/snapshots", {"snapshot": {"volume_id": one}})


def extend(cloud, one):
    call(cloud, "POST", f"/volume/v3/volumes/{one}/action", {"os-extend": {"new_size": 2}})


def attach(cloud, one):
    body = {"os-attach": {"instance_uuid": IMAGE, "mountpoint": "/dev/vdb"}}
    call(cloud, "POST", f"/volume/v3/volumes/{one}/action", body)


def act(cloud, one, action, value, as_="alpha:member"):
    assert call(cloud, "POST", f"/volume/v3/volumes/{one}/action", {action: value}, as_=as_).status == 202


def backup(cloud, one):
    call(cloud, "POST", "/volume/v3/backups", {"backup": {"volume_id": one}})


def backup_in_use(cloud, one):
    attach(cloud, one)
    call(cloud, "POST", "/volume/v3/backups", {"backup": {"volume_id": one, "force": True}})


def restore(cloud, one):
    kept = call(cloud, "GET", "/volume/v3/backups").json["backups"][0]["id"]
    call(cloud, "POST", f"/volume/v3/backups/{kept}/restore", {"restore": {}})


def restore_over(cloud, one):
    kept = call(cloud, "GET", "/volume/v3/backups").json["backups"][0]["id"]
    call(cloud, "POST", f"/volume/v3/backups/{kept}/restore", {"restore": {"volume_id": one}})


def delete_backup(cloud, one):
    kept = call(cloud, "GET", "/volume/v3/backups").json["backups"][0]["id"]
    call(cloud, "DELETE", f"/volume/v3/backups/{kept}")


def migrate(cloud, one):
    act(cloud, one, "os-migrate_volume", {"host": "host1@plain#plain", "lock_volume": True}, "op:admin")


def reimage(cloud, one):
    body = {"name": "i", "disk_format": "raw", "container_format": "bare"}
    image = call(cloud, "POST", "/image/v2/images", body).json["id"]
    octets = {"Content-Type": "application/octet-stream"}
    call(cloud, "PUT", f"/image/v2/images/{image}/file", b"x" * 100, headers=octets)
    act(cloud, one, "os-reimage", {"image_id": image})


def revert(cloud, one):
    frozen = call(cloud, "POST", "/volume/v3/snapshots", {"snapshot": {"volume_id": one}}).json["snapshot"]["id"]
    cloud.run()
    act(cloud, one, "revert", {"snapshot_id": frozen})


def manage(cloud, one):
    act(cloud, one, "os-unmanage", {}, "op:admin")
    body = {"volume": {"host": "host1@simulated#simulated", "ref": {"source-name": one}}}
    assert call(cloud, "POST", "/volume/v3/manageable_volumes", body, as_="alpha:admin").status == 202


def group(cloud, one):
    """A group with a volume, its snapshot, a copy of it, and the end of the first."""
    root, kinds = "/volume/v3", {}
    for path, key in (("/types", "volume_types"), ("/group_types", "group_types")):
        kinds[key] = call(cloud, "GET", root + path).json[key][-1]["id"]
    body = {"group": {"group_type": kinds["group_types"], "volume_types": [kinds["volume_types"]]}}
    made = call(cloud, "POST", root + "/groups", body).json["group"]["id"]
    call(cloud, "PUT", f"{root}/groups/{made}", {"group": {"add_volumes": one}})
    kept = call(cloud, "POST", root + "/group_snapshots", {"group_snapshot": {"group_id": made}}).json
    cloud.run()
    kept = kept["group_snapshot"]["id"]
    call(cloud, "POST", root + "/groups/action", {"create-from-src": {"group_snapshot_id": kept}})
    cloud.run()
    call(cloud, "DELETE", f"{root}/group_snapshots/{kept}")
    cloud.run()
    call(cloud, "POST", f"{root}/groups/{made}/action", {"delete": {"delete-volumes": True}})


@pytest.fixture(scope="module")
def template(alone, tmp_path_factory):
    """A stopped cloud with one volume and its backup, to be copied; and the volume's id."""
    folder = tmp_path_factory.mktemp("template")
    cloud = build(alone, folder)
    one = call(cloud, "POST", "/volume/v3/volumes", {"volume": {"size": 1}}).json["volume"]["id"]
    cloud.run()
    backup(cloud, one)
    cloud.run()
    cloud.stop()
    return folder, one


@pytest.mark.parametrize("work", [create, clone, delete, snapshot, extend, attach, backup, backup_in_use, restore,
                                  restore_over, delete_backup, migrate, reimage, revert, manage, group])
def test_killed_at_every_write(alone, template, tmp_path, work):
    source, one = template
    film = filmed(alone, shutil.copytree(source, tmp_path / "alive"), lambda cloud: work(cloud, one))
    assert len(film.moments) > 1
    for moment in film.moments:
        check(build(alone, moment.folder, moment.clock()), {one} if work is manage else set())


def filmed(alone, folder, work):
    """Do ``work`` with a photograph at each write and around each of the driver's verbs."""
    cloud = build(alone, folder)
    film = Film(folder, folder.parent, cloud.clock)
    database = cloud.cloud.kits["volume"].db
    database.probe = film
    service = cloud.cloud.services["volume"]
    for name in ("simulated", "plain"):
        film.guard(service.backends.driver(name), VERBS)
    film.guard(service.store.driver, STORE_VERBS)
    work(cloud)
    cloud.run()
    database.probe = None
    film("the end")
    cloud.stop()
    return film


def check(cloud, strangers):
    """See that nothing is stuck or left over; ``strangers`` may lie in a pool without a record."""
    cloud.run(120)
    rows = call(cloud, "GET", "/volume/v3/volumes/detail").json["volumes"]
    frozen = call(cloud, "GET", "/volume/v3/snapshots").json["snapshots"]
    assert {one["status"] for one in rows} <= {"available", "in-use"}
    assert {one["status"] for one in frozen} <= {"available"}
    service = cloud.cloud.services["volume"]
    real = [service.backends.driver(name).observe() for name in ("simulated", "plain")]
    there = sorted((name, size) for pool in real for name, size in pool.volumes.items())
    known = sorted((one["id"], one["size"]) for one in rows)
    assert there == known or (not known and {name for name, _ in there} == strangers)
    assert sorted(name for pool in real for name in pool.snapshots) == sorted(one["id"] for one in frozen)
    kept = call(cloud, "GET", "/volume/v3/backups/detail").json["backups"]
    assert {one["status"] for one in kept} <= {"available"}
    assert sorted(service.store.driver.observe()) == sorted(one["id"] for one in kept)
    for path, key in (("/groups/detail", "groups"), ("/group_snapshots/detail", "group_snapshots")):
        assert {one["status"] for one in call(cloud, "GET", "/volume/v3" + path).json[key]} <= {"available"}
    for one in rows:
        assert (one["status"] == "in-use") == bool(one["attachments"])
    cloud.stop()
