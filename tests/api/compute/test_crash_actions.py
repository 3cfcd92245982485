"""Crash enumeration of what is done to servers that are there, and of boots from volumes.

Each work is done once and photographed at each point; a cloud is started on a sample of the
photographs, or on all when STRATOLITH_CRASH_EVERY is 1, and all must be whole, and still can be deleted.
"""

import os
import shutil

import pytest

from tests.api.compute.life import Started
from tests.api.crash import Film

EVERY = int(os.environ.get("STRATOLITH_CRASH_EVERY", "4"))


class Template:
    """A folder with a stopped cloud that has a server, a volume and two flavors; and their ids."""

    options = None

    def __init__(self, folder):
        life = Started(folder, options=self.options)
        cloud = life.made
        made = cloud.request("POST", "/image/v2/images",
                             {"name": "i", "disk_format": "raw", "container_format": "bare"})
        self.folder, self.image = folder, made.json["id"]
        cloud.request("PUT", f"/image/v2/images/{self.image}/file", bytes(1024),
                      headers={"Content-Type": "application/octet-stream"})
        self.small, self.large = self.flavor(life, "s", 1), self.flavor(life, "l", 2)
        self.network = cloud.request("GET", "/network/v2.0/networks?name=private").json["networks"][0]["id"]
        self.volume = cloud.request("POST", "/volume/v3/volumes", {"volume": {"size": 1}}).json["volume"]["id"]
        self.server = life.ask("POST", "/servers", self.body(imageRef=self.image)).json["server"]["id"]
        cloud.run(10)
        assert [one["status"] for one in life.whole("the template")] == ["ACTIVE"]
        self.clock = cloud.clock
        life.end()

    def flavor(self, life, name, size):
        body = {"flavor": {"name": name, "ram": 64 * size, "vcpus": size, "disk": size}}
        return life.ask("POST", "/flavors", body).json["flavor"]["id"]

    def body(self, **more):
        return {"server": {"name": "one", "flavorRef": self.small, "networks": [{"uuid": self.network}], **more}}

    def act(self, life, action):
        life.ask("POST", f"/servers/{self.server}/action", action)
        life.made.run(10)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return Template(tmp_path_factory.mktemp("template") / "cloud")


def volume(template, life):
    path = f"/servers/{template.server}/os-volume_attachments"
    life.ask("POST", path, {"volumeAttachment": {"volumeId": template.volume}})
    life.made.run(10)
    life.made.request("POST", f"/volume/v3/volumes/{template.volume}/action", {"os-extend": {"new_size": 2}},
                      version="volume 3.42")
    life.made.run(10)
    life.ask("DELETE", f"{path}/{template.volume}")


def interface(template, life):
    path = f"/servers/{template.server}/os-interface"
    made = life.ask("POST", path, {"interfaceAttachment": {"net_id": template.network}})
    life.made.run(10)
    life.ask("DELETE", f"{path}/{made.json['interfaceAttachment']['port_id']}")


def image(template, life):
    template.act(life, {"createImage": {"name": "copy"}})


def boot_from_volume(template, life):
    disk = {"source_type": "image", "uuid": template.image, "destination_type": "volume", "volume_size": 1,
            "boot_index": 0, "delete_on_termination": True}
    life.ask("POST", "/servers", template.body(block_device_mapping_v2=[disk]))


def resize(template, life):
    template.act(life, {"resize": {"flavorRef": template.large}})
    template.act(life, {"confirmResize": None})


def revert(template, life):
    template.act(life, {"resize": {"flavorRef": template.large}})
    template.act(life, {"revertResize": None})


def rebuild(template, life):
    template.act(life, {"rebuild": {"imageRef": template.image}})


def groups(template, life):
    template.act(life, {"removeSecurityGroup": {"name": "default"}})
    template.act(life, {"addSecurityGroup": {"name": "default"}})


@pytest.mark.parametrize("work", [volume, interface, image, boot_from_volume, resize, revert, rebuild, groups])
def test_killed(template, tmp_path, record_property, work):
    film = filmed(template, tmp_path, work)
    sample = film.moments[::EVERY]
    for moment in sample:
        at = f"{work.__name__} killed at {moment.point}, {moment.folder.name}"
        life = Started(moment.folder, moment.clock())
        life.made.run(200)
        life.whole(at)
        emptied(life, at)
        life.end()
    record_property("figure", f"crash enumeration of {work.__name__}: {len(film.points)} points, "
                              f"{len(film.moments)} states of the disk, {len(sample)} tried")


def filmed(template, tmp_path, work):
    """Do the work once in a copy of the cloud; returns the film."""
    place = shutil.copytree(template.folder, tmp_path / "alive")
    life = Started(place, template.clock)
    film = Film(place, tmp_path, template.clock)
    life.watch(film)
    work(template, life)
    life.made.run(10)
    life.whole("not killed")
    life.end()
    return film


def emptied(life, at):
    """Delete all servers and see that nothing of them is left but the volume that was there before."""
    for one in life.servers():
        assert life.ask("DELETE", f"/servers/{one['id']}").status == 204, at
    life.made.run(60)
    assert life.whole(at) == [], at
    assert [one["status"] for one in life.volumes()] == ["available"], at
