"""What other services tell of servers, and images fetched ahead."""

import json

import pytest
from stratolith.core.bus.events import TOPIC
from stratolith.core.drivers.hypervisor import Power

NOBODY = "8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000"


@pytest.fixture
def server(world):
    return world.boot()


def tell(world, *events, as_="admin"):
    return world.ask("POST", "/os-server-external-events", {"events": list(events)}, "2.93", as_)


def event(server, name, tag=""):
    return {"name": name, "server_uuid": server, **({"tag": tag} if tag else {})}


def test_each_event_has_its_code(world, server):
    assert tell(world, event(server, "network-changed"), as_="demo").status == 403
    assert tell(world, event(NOBODY, "network-changed")).status == 404
    done = tell(world, event(server, "network-vif-plugged", NOBODY))
    assert (done.status, done.json["events"]) == (200, [
        {"name": "network-vif-plugged", "server_uuid": server, "tag": NOBODY, "status": "completed", "code": 200}])
    mixed = tell(world, event(server, "network-changed"), event(NOBODY, "network-changed"))
    assert mixed.status == 207
    assert [(one["code"], one["status"]) for one in mixed.json["events"]] == [(200, "completed"), (404, "failed")]
    other = world.boot()
    world.act(server, "shelve")
    assert tell(world, event(server, "network-changed")).status == 404
    mixed = tell(world, event(server, "network-changed"), event(other, "network-changed"))
    assert (mixed.status, [one["code"] for one in mixed.json["events"]]) == (207, [422, 200])


def test_what_an_event_must_say(world, server):
    for name in ("volume-extended", "power-update", "accelerator-request-bound", "volume-reimaged"):
        assert tell(world, event(server, name)).status == 404, name
        told = tell(world, event(server, name), event(server, "network-changed"))
        assert (told.status, [one["code"] for one in told.json["events"]]) == (207, [400, 200]), name
    assert tell(world, event(server, "power-update", "POWER_MAYBE")).status == 404
    assert tell(world, event(server, "accelerator-request-bound", NOBODY)).status == 200


def test_a_port_that_was_deleted(world, server):
    (port,) = world.driver().guest(server).macs
    assert world.cloud.request("DELETE", f"/network/v2.0/ports/{port}", as_="demo").status == 204
    for _ in range(2):
        assert tell(world, event(server, "network-vif-deleted", port)).status == 200
        world.cloud.run(5)
    assert world.driver().guest(server).macs == {}
    assert world.show(server)["addresses"] == {}
    assert world.show(server)["status"] == "ACTIVE"


def test_power_that_was_switched_by_hand(world, server):
    world.driver().outside(server, Power.SHUTDOWN)
    tell(world, event(server, "power-update", "POWER_OFF"))
    world.cloud.run(5)
    assert world.show(server)["status"] == "SHUTOFF"
    tell(world, event(server, "power-update", "POWER_OFF"))
    tell(world, event(server, "power-update", "POWER_ON"))
    world.cloud.run(5)
    assert world.show(server)["status"] == "ACTIVE"
    actions = world.ask("GET", f"/servers/{server}/os-instance-actions").json["instanceActions"]
    assert [one["action"] for one in actions] == ["start", "stop", "create"]


def test_a_volume_that_was_extended(world, server):
    volume = world.cloud.request("POST", "/volume/v3/volumes", {"volume": {"size": 1}}, as_="demo").json["volume"]["id"]
    world.cloud.run(3)
    world.ask("POST", f"/servers/{server}/os-volume_attachments", {"volumeAttachment": {"volumeId": volume}})
    world.cloud.run(5)
    tell(world, event(server, "volume-extended", volume))
    world.cloud.run(5)
    actions = world.ask("GET", f"/servers/{server}/os-instance-actions").json["instanceActions"]
    assert actions[0]["action"] == "extend_volume"


def test_topology(world, server):
    assert world.ask("GET", f"/servers/{server}/topology", version="2.78").json == {"nodes": [], "pagesize_kb": None}
    assert world.ask("GET", f"/servers/{NOBODY}/topology", version="2.78").status == 404


def test_images_fetched_ahead(world):
    told = []

    def listen(body):
        message = json.loads(body)
        if message["event_type"].startswith("aggregate.cache_images"):
            told.append(message)
    world.cloud.cloud.bus.listen(TOPIC, listen)
    made = world.ask("POST", "/os-aggregates", {"aggregate": {"name": "ahead"}}, as_="admin").json["aggregate"]["id"]
    world.ask("POST", f"/os-aggregates/{made}/action", {"add_host": {"host": "host1"}}, as_="admin")
    path = f"/os-aggregates/{made}/images"
    public = world.cloud.request("POST", "/image/v2/images", {"name": "p", "disk_format": "raw",
                                                              "container_format": "bare"}).json["id"]
    world.cloud.request("PUT", f"/image/v2/images/{public}/file", bytes(512),
                        headers={"Content-Type": "application/octet-stream"})
    assert world.ask("POST", path, {"cache": [{"id": public}]}, "2.81").status == 403
    assert world.ask("POST", path, {"cache": [{"id": public}] * 2}, "2.81", "admin").status == 400
    assert world.ask("POST", path, {"cache": [{"id": NOBODY}]}, "2.81", "admin").status == 400
    assert world.ask("POST", path, {"cache": [{"id": public}]}, "2.81", "admin").status == 202
    world.cloud.run(5)
    assert world.driver().cached == {public}
    assert [one["event_type"].rpartition(".")[2] for one in told] == ["start", "progress", "end"]
    start, progress, end = (one["payload"]["nova_object.data"] for one in told)
    assert (progress["host"], progress["index"], progress["total"]) == ("host1", 1, 1)
    assert (progress["images_cached"], progress["images_failed"], progress["id"]) == ([public], [], made)
    assert start == end and start["hosts"] == ["host1"]
    # A host that is down, or an image that went meanwhile, is told of and holds nobody up.
    del told[:]
    world.ask("POST", path, {"cache": [{"id": public}]}, "2.81", "admin")
    world.cloud.request("DELETE", f"/image/v2/images/{public}")
    world.cloud.run(5)
    assert told[1]["payload"]["nova_object.data"]["images_failed"] == [public]
    assert told[-1]["event_type"] == "aggregate.cache_images.end"
    world.ask("POST", f"/os-aggregates/{made}/action", {"remove_host": {"host": "host1"}}, as_="admin")
    assert world.ask("DELETE", f"/os-aggregates/{made}", as_="admin").status == 200
