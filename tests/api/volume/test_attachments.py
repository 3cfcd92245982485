"""Attachments by users, by the attachments API and by compute."""

import pytest
import sqlalchemy as sa
from stratolith.core.context import Context
from stratolith.core.drivers.volume import Connection, Connector, Encryption
from stratolith.core.errors import WrongState
from stratolith.core.services.volume import VolumeService
from stratolith.plugins.volume.tables import attachments

ALPHA = Context(request_id="req-1", user_id="u", project_id="alpha", roles=("member", "reader"))
SERVER = "22222222-2222-3333-4444-555555555555"
THIRD = "43333333-2222-3333-4444-555555555555"
OTHER = "33333333-2222-3333-4444-555555555555"
HERE = Connector(host="host1")


def test_attach_and_detach_by_action(storage):
    one = storage.volume()
    storage.act(one, "os-attach", {"instance_uuid": SERVER, "mountpoint": "/dev/vdb"})
    shown = storage.show(one)
    assert shown["status"] == "in-use"
    attached = shown["attachments"][0]
    assert (attached["server_id"], attached["device"], attached["id"]) == (SERVER, "/dev/vdb", one)
    storage.act(one, "os-attach", {"instance_uuid": OTHER, "mountpoint": "/dev/vdb"}, 400)
    storage.call("DELETE", f"/volumes/{one}", None, 400)
    storage.act(one, "os-begin_detaching")
    assert storage.status(one) == "detaching"
    storage.act(one, "os-roll_detaching")
    storage.act(one, "os-detach", {})
    assert (storage.status(one), storage.show(one)["attachments"]) == ("available", [])
    storage.act(one, "os-detach", {})
    assert storage.status(one) == "available"
    storage.act("xxx", "os-detach", {}, 404)


def test_force_detach(storage):
    one = storage.volume()
    storage.act(one, "os-attach", {"instance_uuid": SERVER, "mountpoint": "/dev/vdb"})
    attachment = storage.show(one)["attachments"][0]["attachment_id"]
    storage.act(one, "os-reset_status", {"status": "error"}, as_="op:admin")
    storage.act(one, "os-force_detach", {"connector": None, "attachment_id": attachment}, as_="op:admin")
    assert storage.status(one) == "available"


def test_reserve_and_unreserve(storage):
    one = storage.volume()
    storage.act(one, "os-reserve", {})
    assert storage.status(one) == "attaching"
    storage.act(one, "os-reserve", {}, 400)
    storage.act(one, "os-unreserve", {})
    assert storage.status(one) == "available"


def test_connection(storage):
    one = storage.volume()
    found = storage.act(one, "os-initialize_connection", {"connector": {"host": "host1"}}, 200).json
    assert found["connection_info"]["driver_volume_type"] == "simulated"
    storage.act(one, "os-terminate_connection", {"connector": {"host": "host1"}})


def test_attachments_api(storage):
    one = storage.volume()
    body = {"attachment": {"volume_uuid": one, "instance_uuid": SERVER}}
    storage.call("POST", "/attachments", body, 404, version="3.26")
    made = storage.call("POST", "/attachments", body, 200).json["attachment"]
    assert (made["status"], made["instance"], storage.status(one)) == ("reserved", SERVER, "reserved")
    assert storage.show(one)["attachments"] == [], "it is shown once it is complete"
    storage.call("POST", "/attachments", body, 400)
    path = f"/attachments/{made['id']}"
    opened = storage.call("PUT", path, {"attachment": {"connector": {"host": "host1"}}}, 200).json["attachment"]
    assert (opened["connection_info"]["driver_volume_type"], storage.status(one)) == ("simulated", "attaching")
    storage.call("POST", path + "/action", {"os-complete": {}}, 204)
    assert (storage.status(one), storage.show(one)["attachments"][0]["server_id"]) == ("in-use", SERVER)
    assert len(storage.call("GET", f"/attachments?volume_id={one}", None, 200).json["attachments"]) == 1
    storage.call("GET", path, None, 404, "beta:member")
    assert storage.call("DELETE", path, None, 200).json == {"attachments": []}
    assert storage.status(one) == "available"


def test_compute(storage):
    volumes = storage.cloud.cloud.peers.of(VolumeService)
    one = storage.volume()
    made = volumes.reserve(ALPHA, one, SERVER, OTHER)
    assert made == volumes.reserve(ALPHA, one, SERVER, OTHER)
    with pytest.raises(WrongState):
        volumes.reserve(ALPHA, one, OTHER, SERVER)
    assert volumes.connect(ALPHA, made, HERE, "vdb") == volumes.connect(ALPHA, made, HERE, "vdb")
    volumes.complete(ALPHA, made)
    volumes.complete(ALPHA, made)
    assert volumes.volume(ALPHA, one).status == "in-use"
    storage.act(one, "os-detach", {}, 409)
    storage.act(storage.volume(), "os-detach", {"attachment_id": made}, 400)
    storage.act(one, "os-terminate_connection", {"connector": {"host": "host1"}}, 409)
    storage.call("DELETE", f"/attachments/{made}", None, 409)
    storage.call("POST", "/snapshots", {"snapshot": {"volume_id": one, "force": False}}, 400)
    assert storage.snapshot(one, force=True)
    storage.act(one, "os-extend", {"new_size": 2}, 400, version="3.41")
    storage.act(one, "os-extend", {"new_size": 2}, version="3.42")
    assert (storage.status(one), storage.show(one)["size"]) == ("in-use", 2)
    volumes.begin_detach(ALPHA, one, SERVER)
    assert storage.status(one) == "detaching"
    volumes.roll_back_detach(ALPHA, one)
    volumes.detach(ALPHA, made)
    volumes.detach(ALPHA, made)
    assert storage.status(one) == "available"


def test_many_servers(storage):
    volumes = storage.cloud.cloud.peers.of(VolumeService)
    one = storage.volume(multiattach=True)
    for server in (SERVER, OTHER):
        volumes.reserve(ALPHA, one, server, server)
        volumes.connect(ALPHA, server, HERE, "vdb")
        volumes.complete(ALPHA, server)
    assert len(storage.show(one)["attachments"]) == 2
    volumes.detach(ALPHA, SERVER)
    assert storage.status(one) == "in-use"
    volumes.detach(ALPHA, OTHER)
    assert storage.status(one) == "available"


def test_compute_makes_volumes_and_snapshots_once(storage):
    volumes = storage.cloud.cloud.peers.of(VolumeService)
    known = "44444444-2222-3333-4444-555555555555"
    for _ in range(2):
        assert volumes.create(ALPHA, known, 1, "root", "", "", "", "", "").status == "creating"
    storage.cloud.run()
    for status in ("creating", "creating"):
        assert volumes.snapshot(ALPHA, OTHER, known, "s") == status
    storage.cloud.run()
    assert volumes.snapshot(ALPHA, OTHER, known, "s") == "available"
    storage.call("DELETE", f"/snapshots/{OTHER}", None, 202)
    storage.cloud.run()
    volumes.delete(ALPHA, known)
    volumes.delete(ALPHA, known)
    storage.cloud.run()
    volumes.delete(ALPHA, known)
    storage.call("GET", f"/volumes/{known}", None, 404)


@pytest.fixture(scope="module")
def make_options():
    return {"volume": {"quota_volumes": "-1"}}


def test_what_decrypts_a_volume_is_told_to_its_host_and_nobody_else(storage, monkeypatch):
    one, volumes = storage.volume(), storage.cloud.cloud.peers.of(VolumeService)
    service = storage.cloud.cloud.services["volume"]
    driver = service.backends.driver("simulated")
    secret = Connection("simulated", {"a": "b"}, encryption=Encryption("open sesame"))
    monkeypatch.setattr(driver, "connect", lambda volume, connector: secret)
    made = volumes.reserve(ALPHA, one, SERVER, THIRD)
    assert volumes.connect(ALPHA, made, HERE, "vdb").encryption == Encryption("open sesame")
    shown = storage.call("GET", f"/attachments/{made}", None, 200).json["attachment"]
    assert shown["connection_info"]["encrypted"] is True and "sesame" not in str(shown)
    with service.kit.db.read() as tx:
        stored = tx.connection.execute(sa.select(attachments.c.connection).where(attachments.c.id == made)).scalar_one()
    assert stored["protocol"] == "simulated" and "sesame" not in str(stored)
    monkeypatch.undo()
    volumes.detach(ALPHA, made)
