"""A process killed at any write of any operation leaves nothing stuck and nothing behind."""

import shutil

import pytest

from tests.api.crash import Film

VERBS = ("create", "delete", "extend", "clone", "snapshot", "connect", "disconnect")
IMAGE = "99999999-2222-3333-4444-555555555555"


def build(alone, folder, clock=None):
    return alone(folder, services=["image", "volume"], persistent=True, clock=clock).start()


def call(cloud, method, path, body=None):
    return cloud.request(method, path, body)


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


@pytest.fixture(scope="module")
def template(alone, tmp_path_factory):
    """A stopped cloud with one volume, to be copied; and the volume's id."""
    folder = tmp_path_factory.mktemp("template")
    cloud = build(alone, folder)
    one = call(cloud, "POST", "/volume/v3/volumes", {"volume": {"size": 1}}).json["volume"]["id"]
    cloud.run()
    cloud.stop()
    return folder, one


@pytest.mark.parametrize("act", [create, clone, delete, snapshot, extend, attach])
def test_killed_at_every_write(alone, template, tmp_path, act):
    source, one = template
    film = filmed(alone, shutil.copytree(source, tmp_path / "alive"), lambda cloud: act(cloud, one))
    assert len(film.moments) > 1
    for moment in film.moments:
        check(build(alone, moment.folder, moment.clock()))


def filmed(alone, folder, work):
    """Do ``work`` with a photograph at each write and around each of the driver's verbs."""
    cloud = build(alone, folder)
    film = Film(folder, folder.parent, cloud.clock)
    database = cloud.cloud.kits["volume"].db
    database.probe = film
    film.guard(cloud.cloud.services["volume"].backends.driver("simulated"), VERBS)
    work(cloud)
    cloud.run()
    database.probe = None
    film("the end")
    cloud.stop()
    return film


def check(cloud):
    cloud.run(120)
    rows = call(cloud, "GET", "/volume/v3/volumes/detail").json["volumes"]
    frozen = call(cloud, "GET", "/volume/v3/snapshots").json["snapshots"]
    assert {one["status"] for one in rows} <= {"available", "in-use"}
    assert {one["status"] for one in frozen} <= {"available"}
    real = cloud.cloud.services["volume"].backends.driver("simulated").observe()
    assert real.volumes == {one["id"]: one["size"] for one in rows}
    assert sorted(real.snapshots) == sorted(one["id"] for one in frozen)
    for one in rows:
        assert (one["status"] == "in-use") == bool(one["attachments"])
    cloud.stop()
