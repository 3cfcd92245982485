"""Snapshots of volumes that guests help with."""

import json
from urllib.parse import quote

import pytest
from stratolith.core.errors import NotSupported

SNAPSHOT = "8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0001"
NOBODY = "8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000"


@pytest.fixture
def attached(world):
    """A server, and its volume."""
    volume = world.cloud.request("POST", "/volume/v3/volumes", {"volume": {"size": 1}}, as_="demo").json["volume"]["id"]
    server = world.boot()
    world.ask("POST", f"/servers/{server}/os-volume_attachments", {"volumeAttachment": {"volumeId": volume}})
    world.cloud.run(5)
    yield server, volume
    world.delete(server)
    world.cloud.request("DELETE", f"/volume/v3/volumes/{volume}", as_="demo")
    world.cloud.run(5)


def create(world, volume, as_="admin", **more):
    info = {"snapshot_id": SNAPSHOT, "type": "qcow2", "new_file": "new.qcow2", **more}
    return world.ask("POST", "/os-assisted-volume-snapshots",
                     {"snapshot": {"volume_id": volume, "create_info": info}}, as_=as_)


def delete(world, info, as_="admin"):
    text = quote(info if isinstance(info, str) else json.dumps(info))
    return world.ask("DELETE", f"/os-assisted-volume-snapshots/{SNAPSHOT}?delete_info={text}", as_=as_)


def files(world, server):
    return world.driver().guest(server).snapshots


def test_made_and_merged(world, attached):
    server, volume = attached
    made = create(world, volume)
    assert (made.status, made.json) == (200, {"snapshot": {"id": SNAPSHOT, "volumeId": volume}})
    assert create(world, volume, id="mine").json["snapshot"]["id"] == "mine"
    assert files(world, server) == {volume: {SNAPSHOT: "new.qcow2"}}
    assert delete(world, {"volume_id": volume, "file_to_merge": "new.qcow2", "merge_target_file": "old"}).status == 204
    assert files(world, server) == {volume: {}}
    assert delete(world, {"volume_id": volume}).status == 204


def test_refused(world, attached):
    server, volume = attached
    assert create(world, volume, as_="demo").status == 403
    assert delete(world, {"volume_id": volume}, as_="demo").status == 403
    assert create(world, NOBODY).status == 400
    for more in ({"type": "raw"}, {"new_file": ""}, {"new_file": "../up"}, {"new_file": ".."}, {"new_file": "."},
                 {"other": 1}):
        assert create(world, volume, **more).status == 400, more
    for info in ("", "no json", "{}", {"volume_id": "x"}, {"volume_id": NOBODY},
                 {"volume_id": volume, "file_to_merge": "../up"}, {"volume_id": volume, "file_to_merge": "."}):
        assert delete(world, info).status == 400, info
    world.act(server, "rescue")
    assert create(world, volume).status == 409
    world.act(server, "unrescue")


def test_a_host_that_cannot(world, attached, monkeypatch):
    def refuse(*given):
        raise NotSupported("this backend has no volumesnapshots")
    monkeypatch.setattr(world.driver(), "create_volume_snapshot", refuse)
    answer = create(world, attached[1])
    assert (answer.status, "cannot help" in answer.json["badRequest"]["message"]) == (400, True)
