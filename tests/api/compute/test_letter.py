"""Corners of the API reference that clients meet: each was answered otherwise once."""

import pytest
from stratolith.core.context import Context


def test_a_body_is_json_or_nobody_reads_it(world):
    body = {"flavor": {"name": "typed", "ram": 64, "vcpus": 1, "disk": 1}}

    def post(kind):
        return world.cloud.request("POST", "/compute/v2.1/flavors", body, headers={"Content-Type": kind})
    for kind in ("application/xml", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = post(kind)
        assert (answer.status, list(answer.json)) == (415, ["badMediaType"]), kind
    assert post("application/json; charset=utf-8").status == 200
    assert post("application/vnd.openstack.compute+json").status == 409


def test_a_flavor_is_named_by_its_address(world):
    for address in (f"http://cloud/compute/v2.1/flavors/{world.flavor}", f"http://cloud/flavors/{world.flavor}?x=1"):
        assert world.post(flavorRef=address).status == 202, address
    assert world.post(flavorRef="http://cloud/compute/v2.1/flavors/none").status == 400


def test_servers_were_described_by_their_names(world):
    assert world.show(world.boot("2.1", name="older"))["description"] == "older"
    assert world.show(world.boot("2.19", name="newer"))["description"] is None


def test_a_server_that_is_being_made_shows_the_zone_it_goes_to(world):
    wished = world.post(availability_zone="nova").json["server"]["id"]
    any_zone = world.post().json["server"]["id"]
    assert [world.show(one)["OS-EXT-AZ:availability_zone"] for one in (wished, any_zone)] == ["nova", ""]


def test_hosts_that_are_disabled_are_not_listed(world):
    def listed():
        return [one["service"] for one in world.ask("GET", "/os-hosts", as_="admin").json["hosts"]]
    assert "compute" in listed()
    body = {"host": "host1", "binary": "nova-compute", "disabled_reason": "rest"}
    assert world.ask("PUT", "/os-services/disable", body, as_="admin").status == 200
    assert "compute" not in listed()
    assert world.ask("PUT", "/os-services/enable", body, as_="admin").status == 200


def test_calling_a_host_down_says_so(world):
    body = {"host": "host1", "binary": "nova-compute"}
    path = "/os-services/force-down"
    assert world.ask("PUT", path, body, "2.11", "admin").status == 400
    assert world.ask("PUT", path, {**body, "forced_down": False}, "2.11", "admin").status == 200


def test_flavors_have_ids_that_fit_into_paths(world):
    def post(id):
        body = {"flavor": {"name": f"of {id}", "ram": 64, "vcpus": 1, "disk": 1, "id": id}}
        return world.ask("POST", "/flavors", body, as_="admin").status
    assert [post(id) for id in ("a/b", "a?", " a", "a ", "\u00e4")] == [400] * 5
    assert [post(id) for id in ("a.b_c-d 1", "x", 77)] == [200] * 3


def test_actions_are_not_found_outside_of_their_microversions(world):
    path = "/servers/8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000/action"
    for action, version in (("os-getVNCConsole", "2.6"), ("trigger_crash_dump", "2.16"), ("addFloatingIp", "2.44"),
                            ("removeFixedIp", "2.44")):
        assert world.ask("POST", path, {action: None}, version).status == 404, action
    for body in ({"nonsense": None}, {}, {"os-getVNCConsole": None, "pause": None}):
        assert world.ask("POST", path, body, "2.60").status == 400, body


def test_microversions_have_no_zeros_in_front(world):
    assert [world.ask("GET", "/servers", version=one).status for one in ("2.01", "02.1", "2.", "2.1.0")] == [400] * 4


def test_a_zone_names_one_host_and_one_node_at_most(world):
    answer = world.post(availability_zone="nova:host1:node:more", as_="admin")
    assert (answer.status, "Unable to parse availability_zone" in str(answer.json)) == (400, True)


def test_hints_have_their_kinds(world):
    for hints in ({"query": 5}, {"different_cell": 5}, {"target_cell": ""}):
        assert world.post(hints=hints).status == 400, hints


def test_images_have_no_more_metadata_than_they_may(world):
    server = world.boot()
    body = {"name": "i", "metadata": {f"key-{number}": "x" for number in range(129)}}
    refused = world.act(server, "createImage", body, version="2.38", run_s=0)
    assert (refused.status, "metadata items" in str(refused.json)) == (403, True)
    assert world.show(server)["OS-EXT-STS:task_state"] is None
    assert world.act(server, "createImage", body, version="2.39", run_s=30).status == 403
    assert world.show(server)["OS-EXT-STS:task_state"] is None
    world.delete(server)


def test_aggregates_are_renamed_without_spaces_around(world):
    made = world.ask("POST", "/os-aggregates", {"aggregate": {"name": "plain"}}, as_="admin").json["aggregate"]
    path = f"/os-aggregates/{made['id']}"
    renamed = world.ask("PUT", path, {"aggregate": {"name": " other "}}, as_="admin")
    assert (renamed.status, renamed.json["aggregate"]["name"]) == (200, "other")
    assert world.ask("PUT", path, {"aggregate": {"name": "  "}}, as_="admin").status == 400
    world.ask("DELETE", path, as_="admin")


def test_patterns_of_hypervisors_are_parts_of_names(world):
    for text, status in (("ost1", 200), ("none", 404), ("a%20b", 400), ("", 400)):
        path = f"/os-hypervisors?hypervisor_hostname_pattern={text}"
        assert world.ask("GET", path, version="2.53", as_="admin").status == status, text


def test_interfaces_that_cannot_be_had(world):
    nobody = "8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000"
    network = world.cloud.request("GET", "/network/v2.0/networks?name=private", as_="demo").json["networks"][0]["id"]
    server = world.boot()
    taken = world.show(server)["addresses"]["private"][0]["addr"]

    def plug(**attachment):
        return world.ask("POST", f"/servers/{server}/os-interface", {"interfaceAttachment": attachment}).status
    assert plug(port_id=nobody) == plug(net_id=nobody) == 404
    assert plug(net_id=network, fixed_ips=[{"ip_address": taken}]) == 409
    assert world.post(networks=[{"uuid": network, "fixed_ip": taken}]).status == 400
    assert world.post(networks=[{"port": nobody}]).status == world.post(networks=[{"uuid": nobody}]).status == 400
    world.delete(server)


def test_an_interface_in_one_of_several_networks(world):
    server = world.boot()
    made = world.cloud.request("POST", "/network/v2.0/networks", {"network": {"name": "second"}}, as_="demo")
    second = made.json["network"]["id"]
    body = {"subnet": {"network_id": second, "cidr": "10.77.0.0/24", "ip_version": 4}}
    world.cloud.request("POST", "/network/v2.0/subnets", body, as_="demo")
    assert world.ask("POST", f"/servers/{server}/os-interface", {"interfaceAttachment": {}}).status == 400
    assert world.post(version="2.36").status == 409
    world.delete(server)
    world.cloud.request("DELETE", f"/network/v2.0/networks/{second}", as_="demo")


@pytest.mark.parametrize("rule", ["os-server-external-events:create", "os-assisted-volume-snapshots:create"])
def test_services_tell_of_what_happened(world, rule):
    policy = world.cloud.cloud.policy
    for roles, allowed in ((("service",), True), (("admin",), True), (("manager", "member", "reader"), False)):
        context = Context(request_id="req-1", user_id="u", project_id="p", roles=roles, is_admin="admin" in roles)
        assert policy.allows(context, "os_compute_api:" + rule, {"project_id": "p"}) == allowed, roles


def test_older_clients_boot_from_volumes_by_a_path_of_their_own(world):
    mapping = {"source_type": "image", "destination_type": "volume", "uuid": world.image, "boot_index": 0,
               "volume_size": 1, "delete_on_termination": True}
    body = {"server": {"name": "older", "flavorRef": world.flavor, "block_device_mapping_v2": [mapping]}}
    made = world.ask("POST", "/os-volumes_boot", body)
    assert made.status == 202
    server = made.json["server"]["id"]
    world.cloud.run(10)
    assert world.ask("GET", f"/os-volumes_boot/{server}").json["server"]["status"] == "ACTIVE"
    assert server in [one["id"] for one in world.ask("GET", "/os-volumes_boot/detail").json["servers"]]
    assert world.ask("DELETE", f"/os-volumes_boot/{server}").status == 204
    world.cloud.run(10)


def test_servers_on_no_host_are_not_ready(world):
    server = world.boot(flavorRef=world.flavor_of("huge", 1 << 24, 1, 1), run_s=30)
    assert world.show(server)["status"] == "ERROR"
    for action, value in (("os-stop", None), ("reboot", {"type": "HARD"})):
        answer = world.act(server, action, value)
        assert (answer.status, "not ready" in str(answer.json)) == (409, True), action
    assert world.show(server)["OS-EXT-STS:task_state"] is None
    world.delete(server)


def test_no_limit_is_too_large(world):
    huge = "9" * 30
    assert world.ask("GET", f"/os-hypervisors?marker={huge}", version="2.33", as_="admin").status == 400
    for text in ("9223372036854775807", huge):
        for path in ("/servers", "/flavors/detail", "/os-keypairs", "/os-hypervisors", "/os-migrations",
                     "/os-simple-tenant-usage"):
            assert world.ask("GET", f"{path}?limit={text}", as_="admin").status == 200, (path, text)
    for path in ("/os-server-groups", "/servers/detail"):
        query = "limit=9999999999999999999&offset=9999999999999999999"
        assert world.ask("GET", f"{path}?{query}", version="2.74").status == 200, path
