"""What can be done to a server that is there."""

import pytest


@pytest.fixture
def server(world):
    return world.boot()


def status(world, server_id):
    return world.show(server_id)["status"]


@pytest.mark.parametrize(("action", "value", "after", "power"), [
    ("os-stop", None, "SHUTOFF", 4), ("pause", None, "PAUSED", 3), ("suspend", None, "SUSPENDED", 7),
    ("reboot", {"type": "HARD"}, "ACTIVE", 1), ("reboot", {"type": "soft"}, "ACTIVE", 1)])
def test_power_verbs(world, server, action, value, after, power):
    assert world.act(server, action, value).status == 202
    shown = world.show(server)
    assert (shown["status"], shown["OS-EXT-STS:power_state"]) == (after, power)


@pytest.mark.parametrize(("there", "back"), [("os-stop", "os-start"), ("pause", "unpause"), ("suspend", "resume")])
def test_there_and_back(world, server, there, back):
    assert world.act(server, back).status == 409
    world.act(server, there)
    again = world.act(server, there)
    assert again.status == 409
    assert f"Cannot '{there.removeprefix('os-')}' instance {server}" in again.json["conflictingRequest"]["message"]
    assert world.act(server, back).status == 202
    assert status(world, server) == "ACTIVE"


def test_unknown_action(world, server):
    assert world.act(server, "os-migrateLive", {}).status == 400
    assert world.act("8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000", "os-stop").status == 404


def test_busy_servers_refuse(world, server):
    assert world.act(server, "os-stop", run_s=0).status == 202


def test_lock(world, server):
    assert world.act(server, "lock", {"locked_reason": "mine"}).status == 202
    shown = world.show(server)
    assert (shown["locked"], shown["locked_reason"]) == (True, "mine")
    assert world.act(server, "os-stop").status == 409
    assert world.ask("DELETE", f"/servers/{server}").status == 409
    assert world.act(server, "os-stop", as_="admin").status == 202
    assert world.act(server, "unlock").status == 202
    assert world.show(server)["locked_reason"] is None
    assert world.act(server, "lock", as_="admin").status == 202
    assert world.act(server, "unlock").status == 403
    assert world.act(server, "unlock", as_="admin").status == 202


def test_failing_verb_keeps_the_server(world, server):
    world.driver().fail("pause", times=-1)
    world.act(server, "pause", run_s=60)
    shown = world.show(server)
    assert (shown["status"], shown["OS-EXT-STS:task_state"]) == ("ACTIVE", None)
    assert world.ask("GET", f"/servers/{server}/os-instance-actions").json["instanceActions"][0]["message"] == "Error"


def test_rebuild(world, server):
    answer = world.act(server, "rebuild", {"imageRef": world.image, "name": "anew", "metadata": {"k": "v"},
                                           "adminPass": "new"}, run_s=0)
    assert answer.status == 202, answer
    assert answer.json["server"]["adminPass"] == "new"
    assert answer.json["server"]["status"] == "REBUILD"
    world.cloud.run(5)
    shown = world.show(server)
    assert (shown["status"], shown["name"], shown["metadata"]) == ("ACTIVE", "anew", {"k": "v"})
    world.act(server, "os-stop")
    world.act(server, "rebuild", {"imageRef": world.image})
    assert status(world, server) == "SHUTOFF"
    assert world.act(server, "rebuild", {"imageRef": "8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000"}).status == 400


def used(world, server):
    found = world.cloud.request("GET", f"/placement/allocations/{server}").json["allocations"]
    return [one["resources"] for one in found.values()]


def test_resize_and_confirm(world, server):
    larger = world.flavor_of("larger", 128, 2, 2)
    assert world.act(server, "resize", {"flavorRef": world.flavor}).status == 400
    assert world.act(server, "resize", {"flavorRef": "none"}).status == 400
    assert world.act(server, "confirmResize").status == 409
    assert world.act(server, "resize", {"flavorRef": larger}).status == 202
    shown = world.show(server)
    assert (shown["status"], shown["flavor"]["vcpus"]) == ("VERIFY_RESIZE", 2)
    assert world.act(server, "confirmResize").status == 204
    assert status(world, server) == "ACTIVE"
    assert used(world, server) == [{"VCPU": 2, "MEMORY_MB": 128, "DISK_GB": 2}]
    absolute = world.ask("GET", "/limits").json["limits"]["absolute"]
    assert (absolute["totalCoresUsed"], absolute["totalRAMUsed"]) == (2, 128)


def test_resize_and_revert(world, server):
    larger = world.flavor_of("largest", 256, 3, 3)
    world.act(server, "os-stop")
    world.act(server, "resize", {"flavorRef": larger})
    assert status(world, server) == "VERIFY_RESIZE"
    assert world.act(server, "revertResize").status == 202
    shown = world.show(server)
    assert (shown["status"], shown["flavor"]["vcpus"]) == ("SHUTOFF", 1)
    assert used(world, server) == [{"VCPU": 1, "MEMORY_MB": 64, "DISK_GB": 1}]
    assert world.ask("GET", "/limits").json["limits"]["absolute"]["totalCoresUsed"] == 1


def test_failed_resize(world, server):
    larger = world.flavor_of("toolarge", 512, 4, 4)
    world.driver().fail("resize", times=-1)
    world.act(server, "resize", {"flavorRef": larger}, run_s=120)
    shown = world.show(server)
    assert (shown["status"], shown["flavor"]["vcpus"]) == ("ACTIVE", 1)
    assert used(world, server) == [{"VCPU": 1, "MEMORY_MB": 64, "DISK_GB": 1}]
    assert world.ask("GET", "/limits").json["limits"]["absolute"]["totalCoresUsed"] == 1


def test_delete_while_resized(world, server):
    larger = world.flavor_of("other", 256, 3, 3)
    world.act(server, "resize", {"flavorRef": larger})
    world.delete(server)
    assert used(world, server) == []


def test_create_image(world, server):
    answer = world.act(server, "createImage", {"name": "copy", "metadata": {"a": "b"}})
    assert answer.status == 202
    image_id = answer.json["image_id"]
    image = world.cloud.request("GET", f"/image/v2/images/{image_id}", as_="demo").json
    assert (image["status"], image["name"], image["a"]) == ("active", "copy", "b")
    assert image["disk_format"] == "raw"
    assert world.show(server)["OS-EXT-STS:task_state"] is None
    old = world.act(server, "createImage", {"name": "copy"}, version="2.1")
    base = next(one["url"] for entry in world.cloud.request("GET", "/identity/v3/auth/catalog").json["catalog"]
                if entry["type"] == "image" for one in entry["endpoints"] if one["interface"] == "public")
    assert old.headers["location"].rpartition("/")[0] == base + "/v2/images"
    world.driver().fail("snapshot", times=-1)
    broken = world.act(server, "createImage", {"name": "copy"}, run_s=60).json["image_id"]
    assert world.cloud.request("GET", f"/image/v2/images/{broken}", as_="demo").status == 404
    assert status(world, server) == "ACTIVE"


def test_console_output(world, server):
    text = world.act(server, "os-getConsoleOutput", {}).json["output"]
    assert text
    assert world.act(server, "os-getConsoleOutput", {"length": 2}).json["output"].count("\n") <= 2


def test_small_actions(world, server):
    assert world.act(server, "changePassword", {"adminPass": "x"}).status == 409
    assert world.act(server, "os-resetState", {"state": "error"}).status == 403
    assert world.act(server, "os-resetState", {"state": "error"}, as_="admin").status == 202
    assert status(world, server) == "ERROR"
    assert world.act(server, "os-resetState", {"state": "active"}, as_="admin").status == 202
    assert world.ask("GET", f"/servers/{server}/diagnostics", version="2.48", as_="admin").json["state"] == "running"
    assert world.act(server, "forceDelete").status == 202
    assert world.ask("GET", f"/servers/{server}").status == 404


def test_interfaces(world, server):
    path = f"/servers/{server}/os-interface"
    nobody = "8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000"
    for wrong in ({"net_id": nobody, "port_id": nobody}, {"fixed_ips": [{"ip_address": "192.0.2.1"}]},
                  {"port_id": nobody, "fixed_ips": [{"ip_address": "192.0.2.1"}]}):
        assert world.ask("POST", path, {"interfaceAttachment": wrong}).status == 400, wrong
    first = world.ask("GET", path).json["interfaceAttachments"]
    assert len(first) == 1 and first[0]["fixed_ips"][0]["subnet_id"]
    network = first[0]["net_id"]
    ports = []
    for _ in range(2):
        made = world.ask("POST", path, {"interfaceAttachment": {"net_id": network}})
        assert made.status == 200, made
        world.cloud.run(5)
        ports.append(made.json["interfaceAttachment"]["port_id"])
    assert len(world.ask("GET", path).json["interfaceAttachments"]) == 3
    assert len(world.show(server)["addresses"]["private"]) == 3
    assert world.ask("GET", f"{path}/{ports[0]}").json["interfaceAttachment"]["port_id"] == ports[0]
    assert world.ask("DELETE", f"{path}/{ports[0]}").status == 202
    world.cloud.run(5)
    assert world.ask("GET", f"{path}/{ports[0]}").status == 404
    made = world.ask("POST", path, {"interfaceAttachment": {"net_id": network}})
    assert made.status == 200
    world.cloud.run(5)
    assert len(world.show(server)["addresses"]["private"]) == 3
    assert world.ask("DELETE", f"{path}/{ports[0]}").status == 404


def test_power_state_follows_the_host(world, server):
    from stratolith.core.drivers.hypervisor import Power
    world.driver().outside(server, Power.SHUTDOWN)
    world.cloud.run(130)
    shown = world.show(server)
    assert (shown["status"], shown["OS-EXT-STS:power_state"]) == ("SHUTOFF", 4)
