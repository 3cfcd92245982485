"""Security groups of servers: asked for, added, taken away."""

import pytest


@pytest.fixture
def group(world):
    body = {"security_group": {"name": "web"}}
    made = world.cloud.request("POST", "/network/v2.0/security-groups", body, as_="demo").json["security_group"]["id"]
    yield made
    for one in world.ask("GET", "/servers").json["servers"]:
        world.delete(one["id"])
    assert world.cloud.request("DELETE", f"/network/v2.0/security-groups/{made}", as_="demo").status == 204


def names(world, server_id):
    shown = [one["name"] for one in world.show(server_id)["security_groups"]]
    listed = world.ask("GET", f"/servers/{server_id}/os-security-groups").json["security_groups"]
    assert sorted(one["name"] for one in listed) == shown
    return shown


def on_ports(world, server_id):
    ports = world.cloud.request("GET", f"/network/v2.0/ports?device_id={server_id}").json["ports"]
    return [one["security_groups"] for one in ports]


def test_unknown_group_is_refused_at_once(world):
    answer = world.post(security_groups=[{"name": "nowhere"}])
    assert answer.status == 400
    assert "nowhere" in answer.json["badRequest"]["message"]
    answer = world.post(security_groups=[{"name": "nowhere"}], networks="none")
    assert answer.status == 400


def test_default_by_name(world):
    server = world.boot(security_groups=[{"name": "default"}])
    assert names(world, server) == ["default"]


@pytest.mark.parametrize("by", ["id", "name"])
def test_add_and_remove(world, group, by):
    server = world.boot()
    wanted = {"name": group if by == "id" else "web"}
    assert world.act(server, "addSecurityGroup", wanted).status == 202
    assert world.act(server, "addSecurityGroup", wanted).status == 202
    assert names(world, server) == ["default", "web"]
    assert [len(one) for one in on_ports(world, server)] == [2]
    assert world.act(server, "removeSecurityGroup", wanted).status == 202
    assert names(world, server) == ["default"]
    assert world.act(server, "removeSecurityGroup", wanted).status == 404
    done = world.ask("GET", f"/servers/{server}/os-instance-actions").json["instanceActions"]
    assert [one["action"] for one in done] == ["removeSecurityGroup", "addSecurityGroup", "addSecurityGroup", "create"]


def test_refusals(world, group):
    server, bare = world.boot(), world.boot(networks="none")
    assert world.act(server, "addSecurityGroup", {"name": "nowhere"}).status == 404
    assert world.act(server, "removeSecurityGroup", {"name": "nowhere"}).status == 404
    assert world.act(server, "addSecurityGroup", {}).status == 400
    assert world.act(bare, "addSecurityGroup", {"name": group}).status == 400
