"""Crash enumeration of shelving, rescue, backups, soft deletion and swapped volumes."""

import pytest

from tests.api.compute.enumeration import Enumeration, Template, emptied, of_template

EVERY = 4


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return Template(tmp_path_factory.mktemp("template") / "cloud")


def attach(template, life):
    path = f"/servers/{template.server}/os-volume_attachments"
    life.ask("POST", path, {"volumeAttachment": {"volumeId": template.volume}})
    life.made.run(10)
    return path


def shelve(template, life):
    attach(template, life)
    template.act(life, {"shelve": None})
    template.act(life, {"unshelve": None})


def rescue(template, life):
    template.act(life, {"rescue": None})
    template.act(life, {"unrescue": None})


def backup(template, life):
    for name in ("first", "second"):
        template.act(life, {"createBackup": {"name": name, "backup_type": "daily", "rotation": 1}})


def crash_dump(template, life):
    template.act(life, {"trigger_crash_dump": None})


def swap(template, life):
    path = attach(template, life)
    other = life.made.request("POST", "/volume/v3/volumes", {"volume": {"size": 1}}).json["volume"]["id"]
    life.made.run(5)
    life.ask("PUT", f"{path}/{template.volume}", {"volumeAttachment": {"volumeId": other}})
    life.made.run(10)
    life.ask("DELETE", f"{path}/{other}")
    life.made.run(10)
    life.made.request("DELETE", f"/volume/v3/volumes/{other}")


def root_volume(template, life):
    disk = {"source_type": "image", "uuid": template.image, "destination_type": "volume", "volume_size": 1,
            "boot_index": 0, "delete_on_termination": True}
    made = life.ask("POST", "/servers", template.body(block_device_mapping_v2=[disk])).json["server"]["id"]
    life.made.run(10)
    life.ask("POST", f"/servers/{made}/action", {"rebuild": {"imageRef": template.image}}, "2.93")
    life.made.run(10)
    life.ask("POST", f"/servers/{made}/action", {"shelve": None})
    life.made.run(10)
    life.ask("POST", f"/servers/{made}/action", {"unshelve": None})
    life.made.run(10)


@pytest.mark.parametrize("work", [shelve, rescue, backup, crash_dump, swap, root_volume])
def test_killed(template, tmp_path, record_property, work):
    found = of_template(template, tmp_path, work)
    for life, at in found.lives(work.__name__, EVERY):
        served = life.whole(at)
        shelved = [one["name"] for one in life.images() if one["name"].endswith("-shelved")]
        assert len(shelved) == sum(one["status"].startswith("SHELVED") and one["image"] != "" for one in served), at
        remove_others(template, life)
        emptied(life, at)
        assert [one["name"] for one in life.images() if one["name"].endswith("-shelved")] == [], at
    record_property("figure", found.figure(work.__name__))


def remove_others(template, life):
    """Detach and delete the volumes that the work itself made."""
    for one in life.volumes():
        if one["id"] != template.volume:
            life.ask("DELETE", f"/servers/{template.server}/os-volume_attachments/{one['id']}")
            life.made.run(20)
            life.made.request("DELETE", f"/volume/v3/volumes/{one['id']}")
            life.made.run(20)


def delete_softly(template, life):
    """Delete, restore, and delete again until the time is over."""
    life.ask("DELETE", f"/servers/{template.server}")
    life.made.run(10)
    template.act(life, {"restore": None})
    life.ask("DELETE", f"/servers/{template.server}")
    life.made.run(150)


def test_killed_within_deferred_deletion(template, tmp_path, record_property):
    def gone(life, at):
        assert life.whole(at) == [], at
    found = Enumeration(template.folder, template.clock, tmp_path, lambda life: delete_softly(template, life),
                        options={"compute": {"reclaim_instance_interval_s": "60"}}, rest_s=0, check=gone)
    for life, at in found.lives("deferred deletion", EVERY, rest_s=300):
        for one in life.whole(at):
            assert one["status"] == "ACTIVE", at
            assert life.ask("DELETE", f"/servers/{one['id']}").status == 204, at
        life.made.run(200)
        gone(life, at)
    record_property("figure", found.figure("deferred deletion"))
