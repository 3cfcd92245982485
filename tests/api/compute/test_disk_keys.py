"""Servers whose local disks are encrypted: their keys, and what is refused because of them."""

import pytest
import sqlalchemy as sa
from stratolith.core.drivers.volume import Encryption
from stratolith.core.errors import NotSupported
from stratolith.plugins.compute.agency import GuestPlan
from stratolith.plugins.compute.plan_reader import PlanReader
from stratolith.plugins.compute.sealing import seal
from stratolith.plugins.compute.tables import server_details

SPECS = {"hw:ephemeral_encryption": "true", "hw:ephemeral_encryption_format": "luks"}


def flavor(world, name, specs, ram=64):
    made = world.flavor_of(name, ram, 1, 1)
    assert world.ask("POST", f"/flavors/{made}/os-extra_specs", {"extra_specs": specs}, as_="admin").status == 200
    return made


@pytest.fixture(scope="module")
def sealing(world):
    """A flavor whose servers have encrypted disks."""
    return flavor(world, "sealing", SPECS)


@pytest.fixture
def server(world, sealing):
    found = world.boot(flavorRef=sealing)
    assert world.show(found)["status"] == "ACTIVE", world.show(found)
    return found


@pytest.fixture
def allowed(world, monkeypatch):
    """The operator lets encrypted disks be copied plainly."""
    kit = world.cloud.cloud.kits["compute"]
    monkeypatch.setitem(kit.options.__dict__, "plain_images_of_encrypted_disks", True)


def kept(world, server_id):
    with world.cloud.cloud.kits["compute"].db.read() as tx:
        return tx.value(sa.select(server_details.c.sealed_disk_key).where(server_details.c.server_id == server_id))


def key(world, server_id):
    kit = world.cloud.cloud.kits["compute"]
    return Encryption(seal(kit.state_dir, kit.options, kit.clock).open(kept(world, server_id)))


def record(world, server_id):
    return next(one for one in world.driver().guests() if one.id == server_id)


def test_each_server_has_a_key_of_its_own_that_is_sealed(world, sealing):
    first, second = world.boot(flavorRef=sealing), world.boot(flavorRef=sealing)
    plain = world.boot()
    assert kept(world, plain) == "" and record(world, plain).disk_key == ""
    assert record(world, first).disk_key and record(world, second).disk_key
    assert record(world, first).disk_key != record(world, second).disk_key
    secret = key(world, first).passphrase
    assert len(secret) == 64 and secret not in kept(world, first)
    world.delete(first)
    assert kept(world, first) == "" and kept(world, second)


def test_the_image_may_ask_for_it(world):
    made = world.cloud.request("POST", "/image/v2/images", {
        "name": "asks", "disk_format": "raw", "container_format": "bare", "hw_ephemeral_encryption": "yes"}, as_="demo")
    image = made.json["id"]
    world.cloud.request("PUT", f"/image/v2/images/{image}/file", bytes(65536), as_="demo",
                        headers={"Content-Type": "application/octet-stream"})
    asked, plain = world.boot(imageRef=image), world.boot()
    assert record(world, asked).disk_key and kept(world, plain) == ""
    assert world.act(plain, "rebuild", {"imageRef": image}, run_s=10).status == 202
    assert world.show(plain)["status"] == "ACTIVE" and record(world, plain).disk_key
    forbids = flavor(world, "forbids", {"hw:ephemeral_encryption": "false"})
    refused = world.post(flavorRef=forbids, imageRef=image)
    assert refused.status == 400 and "hw_ephemeral_encryption" in str(refused.json)


def test_a_host_that_forgot_the_key_is_told_again(world, server):
    for off, on in (("os-stop", "os-start"), ("suspend", "resume")):
        world.act(server, off, run_s=70)
        world.driver().unlocked.clear()
        world.act(server, on)
        assert world.show(server)["status"] == "ACTIVE", on
    world.driver().unlocked.clear()
    world.act(server, "reboot", {"type": "HARD"})
    assert world.show(server)["status"] == "ACTIVE"


@pytest.mark.parametrize(("action", "value"), [
    ("createImage", {"name": "copy"}), ("shelve", None),
    ("createBackup", {"name": "copy", "backup_type": "daily", "rotation": 1})])
def test_what_would_copy_the_disk_plainly_is_refused(world, server, action, value):
    before = world.show(server)
    refused = world.act(server, action, value)
    assert refused.status == 400 and "encrypted" in str(refused.json)
    assert world.show(server) == before


def test_a_plain_image_where_the_operator_allows_it(world, server, allowed):
    assert world.act(server, "createImage", {"name": "copied"}).status == 202
    found = world.cloud.request("GET", "/image/v2/images?name=copied", as_="demo").json["images"]
    assert [one["status"] for one in found] == ["active"]
    before = record(world, server).disk_key
    assert world.act(server, "shelve").status == 202
    assert world.show(server)["status"] == "SHELVED_OFFLOADED"
    assert world.act(server, "unshelve").status == 202
    assert world.show(server)["status"] == "ACTIVE" and record(world, server).disk_key == before


def test_a_resize_keeps_it_as_it_is(world, server, sealing):
    plainer = world.flavor_of("plainer", 128, 1, 1)
    refused = world.act(server, "resize", {"flavorRef": plainer})
    assert refused.status == 400 and "encrypted" in str(refused.json)
    larger, before = flavor(world, "sealing-larger", SPECS, 128), record(world, server).disk_key
    assert world.act(server, "resize", {"flavorRef": larger}, run_s=20).status == 202
    assert world.show(server)["status"] == "VERIFY_RESIZE", world.show(server)
    assert world.act(server, "revertResize", run_s=20).status == 202
    assert world.show(server)["status"] == "ACTIVE" and record(world, server).disk_key == before


def test_rescued_and_back(world, server):
    assert world.act(server, "rescue", {}).status == 200
    assert world.show(server)["status"] == "RESCUE"
    assert world.act(server, "unrescue").status == 202
    assert world.show(server)["status"] == "ACTIVE"


def test_a_lost_key_is_told_plainly(world, server):
    with world.cloud.cloud.kits["compute"].db.write() as tx:
        tx.execute(server_details.update().where(server_details.c.server_id == server).values(sealed_disk_key="lost"))
    world.act(server, "os-stop", run_s=70)
    world.act(server, "os-start")
    shown = world.show(server)
    assert shown["status"] == "SHUTOFF"
    actions = world.ask("GET", f"/servers/{server}/os-instance-actions", version="2.84").json["instanceActions"]
    assert actions[0]["action"] == "start" and actions[0]["message"] == "Error"


def test_no_host_takes_it_that_does_not_tell_of_it(world):
    other = flavor(world, "plainly", {"hw:ephemeral_encryption": "true", "hw:ephemeral_encryption_format": "plain"})
    made = world.boot(flavorRef=other)
    shown = world.show(made, as_="admin")
    assert shown["status"] == "ERROR" and "No valid host" in shown["fault"]["message"]


def test_an_agent_whose_driver_cannot_encrypt_makes_nothing(world):
    kit = world.cloud.cloud.kits["compute"]
    plan = GuestPlan(guest="g", name="g", vcpus=1, memory_mib=1, disks=[], encryption=Encryption("secret"))
    able = PlanReader(kit, world.driver(), world.driver().facts)
    assert able.spec(kit.context(), plan).encryption == Encryption("secret")
    with pytest.raises(NotSupported) as caught:
        PlanReader(kit, object(), world.driver().facts).spec(kit.context(), plan)
    assert "secret" not in str(caught.value) and "secret" not in repr(plan)
