"""Crash enumeration: the process stopped at every database write and driver call of a boot and of a delete.

Each time the cloud is started again on what is left, and every server must be active, in error
with a fault, or gone, with nothing stuck, leaked or doubled.
"""

import shutil

import pytest

from tests.api.compute.enumeration import Enumeration
from tests.api.compute.life import Started


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A folder with a cloud that has an image and a flavor; the same folder with one server; and the bodies."""
    folder = tmp_path_factory.mktemp("template")
    cloud = Started(folder / "empty").made
    made = cloud.request("POST", "/image/v2/images", {"name": "i", "disk_format": "raw", "container_format": "bare"})
    image = made.json["id"]
    cloud.request("PUT", f"/image/v2/images/{image}/file", bytes(1024),
                  headers={"Content-Type": "application/octet-stream"})
    flavor = cloud.request("POST", "/compute/v2.1/flavors",
                           {"flavor": {"name": "s", "ram": 64, "vcpus": 1, "disk": 1}}).json["flavor"]["id"]
    network = cloud.request("GET", "/network/v2.0/networks?name=private").json["networks"][0]["id"]
    body = {"server": {"name": "one", "imageRef": image, "flavorRef": flavor, "networks": [{"uuid": network}]}}
    cloud.run(10)
    cloud.cloud.stop()
    shutil.copytree(folder / "empty", folder / "full")
    life = Started(folder / "full", cloud.clock)
    made = life.made.request("POST", "/compute/v2.1/servers", body)
    life.made.run(10)
    assert [one["status"] for one in life.whole("the template")] == ["ACTIVE"]
    life.made.cloud.stop()
    return folder, body, made.json["server"]["id"], life.made.clock


def filmed(template, album, state, work):
    """Do ``work`` in a copy of the state."""
    folder, _, _, clock = template
    return Enumeration(folder / state, clock, album, lambda life: work(life.made))


def restart_at_each(found, check):
    """Look at what became of the clouds on all photographs."""
    for life, at in found.lives("it", 1):
        check(life, at)


def test_boot(template, tmp_path, record_property):
    _, body, _, _ = template

    def check(life, context):
        assert len(life.whole(context)) <= 1, context

    found = filmed(template, tmp_path, "empty",
                   lambda cloud: cloud.request("POST", "/compute/v2.1/servers", body))
    restart_at_each(found, check)
    record_property("figure", found.figure("a boot"))
    assert any("spawn" in point for point in found.film.points)


def test_delete(template, tmp_path, record_property):
    _, _, server_id, _ = template

    def check(life, context):
        assert len(life.whole(context)) <= 1, context
        if life.servers():
            assert life.made.request("DELETE", f"/compute/v2.1/servers/{server_id}").status == 204
            life.made.run(30)
            assert life.whole(context) == [], context

    found = filmed(template, tmp_path, "full",
                   lambda cloud: cloud.request("DELETE", f"/compute/v2.1/servers/{server_id}"))
    restart_at_each(found, check)
    record_property("figure", found.figure("a delete"))
    assert any("destroy" in point for point in found.film.points)
