"""Crash enumeration of what is done to servers that are there, and of boots from volumes.

Each work is done once and photographed at each point; a cloud is started on a sample of the
photographs, or on all when STRATOLITH_CRASH_EVERY is 1, and all must be whole, and still can be deleted.
"""

import pytest

from tests.api.compute.enumeration import Template, emptied, of_template

EVERY = 4


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
    found = of_template(template, tmp_path, work)
    for life, at in found.lives(work.__name__, EVERY):
        life.whole(at)
        emptied(life, at)
    record_property("figure", found.figure(work.__name__))
