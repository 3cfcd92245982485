"""Administrators' passwords on their way to guests."""

import hashlib
import json

import pytest
import sqlalchemy as sa
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.errors import NotSupported
from stratolith.hypervisors.simulated.driver import Simulated
from stratolith.plugins.compute.sealing import PasswordSeal
from stratolith.plugins.compute.tables import server_details

DOCUMENT = "openstack/latest/meta_data.json"


def told(spec):
    return json.loads(spec.config_drive[DOCUMENT]).get("admin_pass")


@pytest.fixture
def specs(world, monkeypatch):
    """What guests are made of, by verb."""
    found = {"spawn": [], "rescue": [], "unrescue": []}
    for verb, kept in found.items():
        original = getattr(world.driver(), verb)
        monkeypatch.setattr(world.driver(), verb, lambda spec, kept=kept, original=original: (
            kept.append(spec), original(spec)))
    return found


def kept(world, server):
    with world.cloud.cloud.kits["compute"].db.read() as tx:
        return tx.row(sa.select(server_details).where(server_details.c.server_id == server))


def test_it_is_sealed_until_the_guest_is_made(world, specs):
    server = world.post(config_drive=True, adminPass="first secret").json["server"]["id"]
    sealed = kept(world, server).sealed_password
    assert sealed and "secret" not in sealed
    world.cloud.run(5)
    assert told(specs["spawn"][0]) == "first secret"
    assert kept(world, server).sealed_password == ""


def test_nothing_is_kept_where_there_is_no_drive(world):
    server = world.post(adminPass="secret").json["server"]["id"]
    assert kept(world, server).sealed_password == ""


def test_it_goes_with_the_last_failure(world, specs):
    server = world.post(config_drive=True, adminPass="secret",
                        metadata={"stratolith:fault": "spawn=NoSpace"}).json["server"]["id"]
    world.cloud.run(60)
    assert world.show(server)["status"] == "ERROR"
    assert kept(world, server).sealed_password == ""


def test_a_rescued_guest_is_told(world, specs):
    server = world.boot(config_drive=True)
    assert world.act(server, "rescue", {"adminPass": "rescue me"}, run_s=0).json == {"adminPass": "rescue me"}
    assert "rescue me" not in json.dumps(kept(world, server).rescue)
    world.cloud.run(5)
    assert told(specs["rescue"][0]) == "rescue me"
    assert kept(world, server).rescue["password"] == ""
    world.act(server, "unrescue")
    assert told(specs["unrescue"][0]) is None


def rescue_image(world):
    made = world.cloud.request("POST", "/image/v2/images", {
        "name": "rescue", "disk_format": "raw", "container_format": "bare", "hw_qemu_guest_agent": "yes",
        "os_admin_user": "admin"}, as_="demo").json["id"]
    world.cloud.request("PUT", f"/image/v2/images/{made}/file", bytes(65536), as_="demo",
                        headers={"Content-Type": "application/octet-stream"})
    return made


def test_an_agent_inside_of_the_rescue_image_is_told(world):
    image = rescue_image(world)
    server = world.boot(imageRef=image)
    world.driver().fail("set_password", times=3, error=NotSupported("no agent yet"))
    world.act(server, "rescue", {"adminPass": "to the agent", "rescue_image_ref": image})
    assert kept(world, server).rescue["password"]
    assert world.show(server)["status"] == "RESCUE"
    world.cloud.run(60)
    assert world.driver().guest(server).passwords == {"admin": hashlib.sha256(b"to the agent").hexdigest()}
    assert kept(world, server).rescue["password"] == ""
    actions = world.ask("GET", f"/servers/{server}/os-instance-actions").json["instanceActions"]
    assert [one["action"] for one in actions] == ["rescue", "create"]


@pytest.mark.parametrize("ended", ["time", "unrescue"])
def test_an_agent_that_never_listens_is_asked_no_more(world, ended):
    image = rescue_image(world)
    server = world.boot()
    world.act(server, "rescue", {"adminPass": "to nobody", "rescue_image_ref": image})
    if ended == "unrescue":
        assert world.act(server, "unrescue").status == 202
        assert world.show(server)["status"] == "ACTIVE"
        assert kept(world, server).rescue is None
    world.cloud.run(300)
    assert ended == "unrescue" or kept(world, server).rescue["password"] == ""
    assert world.driver().guest(server).passwords == {}


def test_passwords_have_an_end(world):
    assert world.post(adminPass="x" * 1025, config_drive=True).status == 400
    server = world.boot(adminPass="ü" * 512, config_drive=True)
    assert world.show(server)["status"] == "ACTIVE"
    assert world.act(server, "rebuild", {"imageRef": world.image, "adminPass": "x" * 1025}).status == 400
    assert world.act(server, "rescue", {"adminPass": "x" * 1025}).status == 400


def test_files_of_rebuilt_servers_keep_to_their_limits(world):
    server = world.boot()
    file = {"path": "/etc/motd", "contents": "aGVsbG8="}
    for files, status in (([file] * 6, 403), ([{**file, "path": "/" + "x" * 255}], 403), ([file], 202)):
        answer = world.act(server, "rebuild", {"imageRef": world.image, "personality": files}, version="2.56")
        assert answer.status == status, files


def test_it_outlives_a_restart(tmp_path, monkeypatch):
    first = InProcess(tmp_path, persistent=True)
    first.start()
    first.run(1)
    flavor = first.request("POST", "/compute/v2.1/flavors", {
        "flavor": {"name": "small", "ram": 64, "vcpus": 1, "disk": 1}}).json["flavor"]["id"]
    image = first.request("POST", "/image/v2/images", {
        "name": "disk", "disk_format": "raw", "container_format": "bare"}).json["id"]
    first.request("PUT", f"/image/v2/images/{image}/file", bytes(65536),
                  headers={"Content-Type": "application/octet-stream"})
    answer = first.request("POST", "/compute/v2.1/servers", {"server": {
        "name": "one", "flavorRef": flavor, "imageRef": image, "networks": "none", "config_drive": True,
        "adminPass": "outlives"}}, version="compute 2.79")
    assert answer.status == 202, answer
    first.cloud.stop()
    specs, original = [], Simulated.spawn
    monkeypatch.setattr(Simulated, "spawn", lambda self, spec: (specs.append(spec), original(self, spec)))
    second = InProcess(tmp_path, persistent=True, clock=first.clock)
    second.start()
    second.run(200)
    second.cloud.stop()
    assert [told(spec) for spec in specs] == ["outlives"]


def test_keys(tmp_path, cloud):
    clock = cloud.cloud.kits["compute"].clock
    seal, other = PasswordSeal(tmp_path, clock), PasswordSeal(tmp_path, clock)
    sealed = seal.close("secret")
    assert other.open(sealed) == "secret"
    assert seal.close("") == ""
    (tmp_path / "2").write_bytes((tmp_path / "1").read_bytes()[::-1].replace(b"=", b"") + b"=")
    newer = PasswordSeal(tmp_path, clock)
    assert newer.open(sealed) == "secret"
    assert seal.open(newer.close("newer")) == "newer"
    (tmp_path / "1").unlink()
    with pytest.raises(Exception, match="none of the keys"):
        PasswordSeal(tmp_path, clock).open(sealed)
