"""Servers from their request to their end."""

import base64

import pytest


def test_boot_show_delete(world):
    answer = world.post(adminPass="secret")
    assert answer.status == 202
    server = answer.json["server"]
    assert set(server) == {"id", "links", "adminPass", "OS-DCF:diskConfig", "security_groups"}
    assert server["adminPass"] == "secret"
    assert answer.headers["location"] == server["links"][0]["href"]
    assert world.show(server["id"])["status"] == "BUILD"
    world.cloud.run(5)
    shown = world.show(server["id"])
    assert shown["status"] == "ACTIVE"
    assert shown["OS-EXT-STS:power_state"] == 1
    assert shown["addresses"]["private"][0]["version"] == 4
    assert shown["security_groups"] == [{"name": "default"}]
    assert "OS-EXT-SRV-ATTR:host" not in shown
    assert "host_status" not in shown
    inside = world.show(server["id"], as_="admin")
    assert inside["OS-EXT-SRV-ATTR:host"] == "host1"
    assert inside["host_status"] == "UP"
    assert [one.guest for one in world.driver().observe()] == [server["id"]]
    world.delete(server["id"])
    assert world.ask("GET", f"/servers/{server['id']}").status == 404
    assert world.ask("DELETE", f"/servers/{server['id']}").status == 404
    usage = world.ask("GET", "/limits").json["limits"]["absolute"]
    assert usage["totalInstancesUsed"] == 0
    ports = world.cloud.request("GET", f"/network/v2.0/ports?device_id={server['id']}").json["ports"]
    assert ports == []


@pytest.mark.parametrize(("version", "there", "absent"), [
    ("2.1", {"id"}, {"locked", "description", "tags"}),
    ("2.9", {"locked"}, {"description"}),
    ("2.19", {"description"}, {"tags"}),
    ("2.26", {"tags"}, {"trusted_image_certificates"}),
    ("2.63", {"trusted_image_certificates"}, {"server_groups"}),
    ("2.71", {"server_groups"}, {"locked_reason"}),
    ("2.73", {"locked_reason"}, set()),
])
def test_fields_by_microversion(world, version, there, absent):
    server_id = world.boot()
    shown = world.show(server_id, version)
    assert there <= set(shown)
    assert not absent & set(shown)
    flavor = shown["flavor"]
    assert ("original_name" in flavor) == (version >= "2.47" and len(version) > 3)


def test_admin_fields_since_2_3(world):
    data = base64.b64encode(b"#!/bin/sh\n").decode()
    server_id = world.boot(user_data=data)
    assert "OS-EXT-SRV-ATTR:user_data" not in world.show(server_id, "2.1", "admin")
    shown = world.show(server_id, "2.3", "admin")
    assert shown["OS-EXT-SRV-ATTR:user_data"] == data
    assert shown["OS-EXT-SRV-ATTR:hostname"] == "one"


def test_create_refusals(world):
    cases = [
        ({"name": ""}, 400), ({"name": " blank "}, 400), ({"name": 12345}, 400), ({"name": "x" * 256}, 400),
        ({"flavorRef": "nothing"}, 400), ({"imageRef": "8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000"}, 400),
        ({"networks": [{"uuid": "a-b-c"}]}, 400),
        ({"networks": [{"uuid": "8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000"}]}, 400),
        ({"accessIPv4": "1.1.1"}, 400), ({"accessIPv6": "notvalid"}, 400), ({"key_name": "nobody"}, 400),
        ({"metadata": {"k" * 256: "v"}}, 400), ({"metadata": {"k": "v" * 256}}, 400), ({"metadata": {"k": 1}}, 400),
        ({"user_data": "%%%"}, 400), ({"availability_zone": "moon"}, 400), ({"availability_zone": "nova:host1"}, 403),
        ({"min_count": 3, "max_count": 2}, 400), ({"min_count": 0}, 400), ({"tags": ["a,b"]}, 400),
        ({"host": "host1"}, 403), ({"unknown": 1}, 400), ({"personality": []}, 400),
        ({"trusted_image_certificates": ["one"]}, 400), ({"imageRef": ""}, 400),
    ]
    for fields, status in cases:
        answer = world.post(**fields)
        assert answer.status == status, (fields, answer)
        assert set(answer.json) == {{400: "badRequest", 403: "forbidden"}[status]}
    assert world.ask("GET", "/servers").json == {"servers": []}


def test_forced_host(world):
    answer = world.post(availability_zone="nova:host1", as_="admin", networks="none")
    assert answer.status == 202, answer
    world.cloud.run(5)
    assert world.show(answer.json["server"]["id"], as_="admin")["OS-EXT-SRV-ATTR:host"] == "host1"
    assert world.post(host="elsewhere", as_="admin", networks="none").status == 400


def test_multiple_servers(world):
    answer = world.post(min_count=2, max_count=3, return_reservation_id=True)
    assert answer.status == 202
    world.cloud.run(5)
    rows = world.ask("GET", "/servers?reservation_id=" + answer.json["reservation_id"]).json["servers"]
    assert sorted(row["name"] for row in rows) == ["one-1", "one-2", "one-3"]


def test_quota(world):
    path = "/os-quota-sets/" + world.project()
    world.ask("PUT", path, {"quota_set": {"instances": 1}}, as_="admin")
    try:
        world.boot()
        answer = world.post()
        assert answer.status == 403
        assert "Quota exceeded for instances" in answer.json["forbidden"]["message"]
    finally:
        world.ask("PUT", path, {"quota_set": {"instances": -1}}, as_="admin")


def test_update(world):
    server_id = world.boot()
    body = {"server": {"name": "two", "accessIPv4": "1.2.3.4", "accessIPv6": "::babe:202:202", "description": "d"}}
    answer = world.ask("PUT", f"/servers/{server_id}", body, "2.19")
    assert answer.status == 200
    assert answer.json["server"]["name"] == "two"
    assert answer.json["server"]["accessIPv6"] == "::babe:202:202"
    assert "OS-EXT-STS:vm_state" not in answer.json["server"]
    assert "OS-EXT-STS:vm_state" in world.ask("PUT", f"/servers/{server_id}", body, "2.75").json["server"]
    assert world.ask("PUT", f"/servers/{server_id}", {"server": {"name": ""}}).status == 400
    assert world.ask("PUT", f"/servers/{server_id}", {"server": {}}).status == 200


def test_other_projects_servers_are_unknown(world):
    server_id = world.boot()
    answer = world.cloud.request("GET", f"/compute/v2.1/servers/{server_id}", as_="admin")
    assert answer.status == 200
    made = world.post(as_="admin", networks="none")
    assert made.status == 202
    assert world.ask("GET", "/servers/" + made.json["server"]["id"]).status == 404


def test_failed_spawn(world):
    world.driver().fail("spawn", times=-1)
    server_id = world.boot(run_s=60)
    shown = world.show(server_id)
    assert shown["status"] == "ERROR"
    assert shown["fault"]["code"] == 500
    assert "details" not in shown["fault"]
    assert "details" in world.show(server_id, as_="admin")["fault"]
    assert world.driver().observe() == []
    assert world.show(server_id, as_="admin")["OS-EXT-SRV-ATTR:host"] is None
    assert world.cloud.request("GET", f"/network/v2.0/ports?device_id={server_id}").json["ports"] == []
    found = world.cloud.request("GET", f"/placement/allocations/{server_id}")
    assert found.json["allocations"] == {}


def test_no_valid_host(world):
    flavor = world.flavor_of("giant", 10_000_000, 1, 1)
    server_id = world.boot(flavorRef=flavor)
    shown = world.show(server_id)
    assert shown["status"] == "ERROR"
    assert "No valid host" in shown["fault"]["message"]


def test_delete_interrupts_a_boot(world):
    for run in range(4):
        server_id = world.post().json["server"]["id"]
        for _ in range(run):
            world.cloud.executor._release()
            if world.cloud.executor._ready:
                world.cloud.executor._ready.pop(0)()
        assert world.ask("DELETE", f"/servers/{server_id}").status == 204
        world.cloud.run(30)
        assert world.ask("GET", f"/servers/{server_id}").status == 404
        assert list(world.driver().observe()) == []
        assert world.cloud.request("GET", f"/network/v2.0/ports?device_id={server_id}").json["ports"] == []
        assert world.cloud.request("GET", f"/placement/allocations/{server_id}").json["allocations"] == {}


def test_faults_by_request_header(world):
    answer = world.cloud.request("POST", "/compute/v2.1/servers", {"server": {
        "name": "f", "flavorRef": world.flavor, "imageRef": world.image}}, as_="demo",
        headers={"X-Stratolith-Fault": "hypervisor.spawn=NoSpace"})
    world.cloud.run(60)
    assert world.show(answer.json["server"]["id"])["status"] == "ERROR"


def test_metadata(world):
    server_id = world.boot(metadata={"a": "1"})
    path = f"/servers/{server_id}/metadata"
    assert world.ask("GET", path).json == {"metadata": {"a": "1"}}
    assert world.ask("POST", path, {"metadata": {"b": "2"}}).json == {"metadata": {"a": "1", "b": "2"}}
    assert world.ask("PUT", path, {"metadata": {"c": "3"}}).json == {"metadata": {"c": "3"}}
    assert world.ask("PUT", path + "/d", {"meta": {"d": "4"}}).json == {"meta": {"d": "4"}}
    assert world.ask("PUT", path + "/d", {"meta": {"e": "4"}}).status == 400
    assert world.ask("GET", path + "/d").json == {"meta": {"d": "4"}}
    assert world.ask("DELETE", path + "/d").status == 204
    assert world.ask("DELETE", path + "/d").status == 404
    assert world.ask("GET", path + "/d").status == 404
    found = world.ask("GET", '/servers?metadata={"c":"3"}', as_="admin", version="2.1")
    assert found.status == 200


def test_tags(world):
    server_id = world.boot(tags=["x"])
    path = f"/servers/{server_id}/tags"
    assert world.ask("GET", path, version="2.26").json == {"tags": ["x"]}
    assert world.ask("GET", path, version="2.25").status == 404
    made = world.ask("PUT", path + "/y", version="2.26")
    assert made.status == 201 and made.headers["location"].endswith("/tags/y")
    assert world.ask("PUT", path + "/y", version="2.26").status == 204
    assert world.ask("GET", path + "/y", version="2.26").status == 204
    assert world.ask("DELETE", path + "/y", version="2.26").status == 204
    assert world.ask("DELETE", path + "/y", version="2.26").status == 404
    assert world.ask("PUT", path, {"tags": ["p", "q"]}, "2.26").json == {"tags": ["p", "q"]}
    assert [one["id"] for one in world.ask("GET", "/servers?tags=p,q", version="2.26").json["servers"]] == [server_id]
    assert world.ask("GET", "/servers?not-tags=p", version="2.26").json["servers"] == []
    assert world.ask("DELETE", path, version="2.26").status == 204


def test_addresses_and_groups(world):
    server_id = world.boot()
    found = world.ask("GET", f"/servers/{server_id}/ips").json["addresses"]
    assert set(found["private"][0]) == {"version", "addr"}
    assert world.ask("GET", f"/servers/{server_id}/ips/private").json == {"private": found["private"]}
    assert world.ask("GET", f"/servers/{server_id}/ips/moon").status == 404
    groups = world.ask("GET", f"/servers/{server_id}/os-security-groups").json["security_groups"]
    assert [one["name"] for one in groups] == ["default"]
    assert world.ask("GET", f"/servers/{server_id}/os-server-password").json == {"password": ""}


def test_instance_actions(world):
    server_id = world.boot()
    world.act(server_id, "os-stop")
    path = f"/servers/{server_id}/os-instance-actions"
    rows = world.ask("GET", path).json["instanceActions"]
    assert [row["action"] for row in rows] == ["stop", "create"]
    one = world.ask("GET", f"{path}/{rows[1]['request_id']}", as_="admin").json["instanceAction"]
    assert [event["result"] for event in one["events"]] == ["Success"] * 4
    paged = world.ask("GET", path + "?limit=1", version="2.58").json
    assert len(paged["instanceActions"]) == 1 and "limit=1" in paged["links"][0]["href"]
    assert "updated_at" in paged["instanceActions"][0]
    assert world.ask("GET", f"{path}/req-none").status == 404
    world.delete(server_id)
    assert world.ask("GET", path, version="2.20").status == 404
    assert world.ask("GET", path, version="2.21").json["instanceActions"][0]["action"] == "delete"


def test_host_names_come_from_names(world):
    for name, expected in {"web.example.org": "web-example-org", "My server_1!": "my-server-1"}.items():
        assert world.show(world.boot(name=name), as_="admin")["OS-EXT-SRV-ATTR:hostname"] == expected
