"""Servers of images alike come together, or are spread."""

import pytest
from stratolith.core.conformance.cloud import InProcess

HOSTS = "h1,h2,h3"


class World:
    """A cloud of three hosts that weighs images alone."""

    def __init__(self, folder, **options):
        self.cloud = InProcess(folder, options={
            "compute": {"hosts": HOSTS, "console_listen": ""}, "network": {"hosts": HOSTS},
            "scheduler": {"enabled_weighers": "ImagePropertiesWeigher"},
            "weighers.ImagePropertiesWeigher": options}).start()
        self.cloud.run(1)
        self.flavor = self.ok("POST", "/compute/v2.1/flavors", {"flavor": {
            "name": "f", "ram": 64, "vcpus": 1, "disk": 1}})["flavor"]["id"]

    def ok(self, method, path, body=None, version=""):
        answer = self.cloud.request(method, path, body, version=version)
        assert answer.status < 300, answer
        return answer.json

    def image(self, **properties):
        made = self.ok("POST", "/image/v2/images", {"name": "i", "disk_format": "raw", "container_format": "bare",
                                                    **properties})["id"]
        self.cloud.request("PUT", f"/image/v2/images/{made}/file", b"\0" * 512,
                           headers={"Content-Type": "application/octet-stream"})
        return made

    def place(self, image, **more):
        body = {"server": {"name": "s", "imageRef": image, "flavorRef": self.flavor, "networks": "none", **more}}
        made = self.ok("POST", "/compute/v2.1/servers", body, "compute 2.74")["server"]["id"]
        self.cloud.run(10)
        return self.ok("GET", f"/compute/v2.1/servers/{made}")["server"]["OS-EXT-SRV-ATTR:host"]


@pytest.fixture
def worlds(tmp_path):
    """Makes a world with options of the weigher; it is stopped afterwards."""
    made = []

    def make(**options):
        made.append(World(tmp_path, **options))
        return made[-1]
    yield make
    for one in made:
        one.cloud.stop()


def test_alike_servers_come_together(worlds):
    world = worlds(multiplier="1.0", weight_setting="os_distro=2.0")
    linux, windows = world.image(os_distro="linux"), world.image(os_distro="windows", hw_disk_bus="virtio")
    assert (world.place(linux, host="h2"), world.place(windows, host="h3")) == ("h2", "h3")
    assert {world.place(world.image(os_distro="linux")) for _ in range(3)} == {"h2"}
    assert {world.place(windows) for _ in range(2)} == {"h3"}


def test_or_are_spread(worlds):
    world = worlds(multiplier="-1.0")
    linux = world.image(os_distro="linux")
    assert {world.place(linux) for _ in range(3)} == {"h1", "h2", "h3"}


def test_without_a_multiplier_nothing_is_preferred(worlds):
    world = worlds()
    linux = world.image(os_distro="linux")
    assert len({world.place(linux) for _ in range(8)}) > 1
