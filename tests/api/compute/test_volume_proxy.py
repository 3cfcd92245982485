"""Volumes and snapshots as compute showed them until microversion 2.35."""

import pytest

from .conftest import World

OTHER = "11111111-2222-4333-8444-555555555555"


@pytest.fixture(scope="module")
def world(cloud):
    return World(cloud)


def volume(world, **fields):
    answer = world.ask("POST", "/os-volumes", {"volume": {"size": 1, **fields}})
    assert answer.status == 200, answer
    world.cloud.run(5)
    return world.ask("GET", f"/os-volumes/{answer.json['volume']['id']}").json["volume"]


def test_volumes(world):
    made = volume(world, display_name="disk", display_description="words", metadata={"a": "b"})
    assert (made["displayName"], made["displayDescription"], made["metadata"]) == ("disk", "words", {"a": "b"})
    assert made["status"] == "available" and made["attachments"] == [{}]
    second = volume(world, size="2")
    assert second["size"] == 2
    found = world.ask("GET", "/os-volumes").json["volumes"]
    assert found == [second, made] == world.ask("GET", "/os-volumes/detail").json["volumes"]
    assert world.ask("GET", "/os-volumes?limit=1&offset=1").json["volumes"] == [made]
    assert world.ask("DELETE", f"/os-volumes/{made['id']}").status == 202
    world.cloud.run(5)
    assert world.ask("GET", f"/os-volumes/{made['id']}").status == 404
    assert world.ask("DELETE", f"/os-volumes/{made['id']}").status == 404
    assert world.ask("GET", "/os-volumes", version="2.36").status == 404


@pytest.mark.parametrize("fields", [{"size": 0}, {"size": "#$%"}, {"size": -1}, {"snapshot_id": OTHER, "size": 1}])
def test_nonsense(world, fields):
    assert world.ask("POST", "/os-volumes", {"volume": fields}).status in (400, 404)


def test_an_attached_volume(world):
    made, server = volume(world), world.boot()
    assert world.ask("POST", f"/servers/{server}/os-volume_attachments",
                     {"volumeAttachment": {"volumeId": made["id"]}}).status == 200
    world.cloud.run(5)
    shown = world.ask("GET", f"/os-volumes/{made['id']}").json["volume"]
    assert shown["status"] == "in-use" and shown["attachments"][0]["serverId"] == server
    assert world.ask("DELETE", f"/os-volumes/{made['id']}").status == 400
    body = {"snapshot": {"volume_id": made["id"]}}
    assert world.ask("POST", "/os-snapshots", body).status == 400
    assert world.ask("POST", "/os-snapshots", {"snapshot": {**body["snapshot"], "force": True}}).status == 200
    world.cloud.run(5)
    world.delete(server)


def test_snapshots(world):
    made = volume(world)
    body = {"snapshot": {"volume_id": made["id"], "display_name": "then", "display_description": "words"}}
    answer = world.ask("POST", "/os-snapshots", body)
    assert answer.status == 200, answer
    world.cloud.run(5)
    path = f"/os-snapshots/{answer.json['snapshot']['id']}"
    shown = world.ask("GET", path).json["snapshot"]
    assert (shown["displayName"], shown["volumeId"], shown["status"]) == ("then", made["id"], "available")
    assert shown in world.ask("GET", "/os-snapshots").json["snapshots"]
    assert shown in world.ask("GET", "/os-snapshots/detail?limit=1").json["snapshots"]
    assert world.ask("DELETE", path).status == 202
    world.cloud.run(5)
    assert world.ask("GET", path).status == 404
    assert world.ask("POST", "/os-snapshots", {"snapshot": {"volume_id": OTHER}}).status == 404
