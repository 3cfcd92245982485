"""Crash enumeration of moves between two hosts: cold, live, and away from a host that is down.

As in test_crash_actions.py: a sample of the photographs, all with STRATOLITH_CRASH_EVERY=1.
"""

import os
import shutil

import pytest

from tests.api.compute.life import Started
from tests.api.compute.test_crash_actions import Template, emptied
from tests.api.crash import Film

EVERY = int(os.environ.get("STRATOLITH_CRASH_EVERY", "4"))
HOSTS = {"hosts": "a,b"}
OPTIONS = {"compute": HOSTS, "network": HOSTS}


class Pair(Template):
    """A template of two hosts; its server has the volume."""

    options = OPTIONS

    def __init__(self, folder):
        super().__init__(folder)
        life = Started(folder, self.clock, OPTIONS)
        life.ask("POST", f"/servers/{self.server}/os-volume_attachments",
                 {"volumeAttachment": {"volumeId": self.volume}})
        life.made.run(10)
        life.whole("the template")
        self.clock = life.made.clock
        life.end()


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return Pair(tmp_path_factory.mktemp("template") / "cloud")


def migrate(template, life):
    template.act(life, {"migrate": None})
    template.act(life, {"confirmResize": None})


def revert(template, life):
    template.act(life, {"resize": {"flavorRef": template.large}})
    template.act(life, {"revertResize": None})


def delete_in_between(template, life):
    template.act(life, {"migrate": None})
    life.ask("DELETE", f"/servers/{template.server}")


def live(template, life):
    template.act(life, {"os-migrateLive": {"host": None, "block_migration": "auto"}})


def live_that_fails(template, life):
    for host in life.made.cloud.agents["compute"].hosts:
        host.driver.fail("migrate_live")
    live(template, life)


def delete_live(template, life):
    life.ask("POST", f"/servers/{template.server}/action",
             {"os-migrateLive": {"host": None, "block_migration": "auto"}})
    life.ask("DELETE", f"/servers/{template.server}")


def evacuate(template, life):
    host = life.ask("GET", f"/servers/{template.server}").json["server"]["OS-EXT-SRV-ATTR:host"]
    down = {"host": host, "binary": "nova-compute", "forced_down": True}
    life.ask("PUT", "/os-services/force-down", down, "2.11")
    life.made.run(3)
    template.act(life, {"evacuate": {}})
    life.ask("PUT", "/os-services/force-down", {**down, "forced_down": False}, "2.11")
    life.made.run(60)


def recover(template, life):
    host = life.ask("GET", f"/servers/{template.server}").json["server"]["OS-EXT-SRV-ATTR:host"]
    life.ask("PUT", "/os-services/force-down", {"host": host, "binary": "nova-compute", "forced_down": True}, "2.11")
    life.made.run(3)
    assert life.ask("POST", f"/os-hosts/{host}/recovery", {"recovery": {"confirmed_off": True}}).status == 202
    life.made.run(30)
    assert life.ask("GET", f"/os-hosts/{host}/recovery").json["recovery"]["moved"] == [template.server]
    assert life.ask("DELETE", f"/os-hosts/{host}/recovery").status == 204
    life.made.run(60)


@pytest.mark.parametrize("work", [migrate, revert, delete_in_between, live, live_that_fails, delete_live, evacuate,
                                  recover])
def test_killed(template, tmp_path, record_property, work):
    film = filmed(template, tmp_path, work)
    sample = film.moments[::EVERY]
    for moment in sample:
        at = f"{work.__name__} killed at {moment.point}, {moment.folder.name}"
        life = Started(moment.folder, moment.clock(), OPTIONS)
        life.made.run(200)
        up(life)
        life.whole(at)
        emptied(life, at)
        life.end()
    record_property("figure", f"crash enumeration of moves, {work.__name__}: {len(film.points)} points, "
                              f"{len(film.moments)} states of the disk, {len(sample)} tried")


def up(life):
    """Let hosts be up that an administrator called down."""
    for host in HOSTS["hosts"].split(","):
        life.ask("PUT", "/os-services/force-down", {"host": host, "binary": "nova-compute", "forced_down": False},
                 "2.11")
    life.made.run(60)


def filmed(template, tmp_path, work):
    place = shutil.copytree(template.folder, tmp_path / "alive")
    life = Started(place, template.clock, OPTIONS)
    film = Film(place, tmp_path, template.clock)
    life.watch(film)
    work(template, life)
    life.made.run(10)
    life.whole("not killed")
    life.end()
    return film
