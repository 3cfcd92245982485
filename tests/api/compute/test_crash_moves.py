"""Crash enumeration of moves between two hosts: cold, live, and away from a host that is down.

As in test_crash_actions.py: a sample of the photographs, all with STRATOLITH_CRASH_EVERY=1.
"""

import pytest

from tests.api.compute.enumeration import Template, emptied, of_template, up
from tests.api.compute.life import Started

EVERY = 4
HOSTS = ("a", "b")
OPTIONS = {"compute": {"hosts": ",".join(HOSTS)}, "network": {"hosts": ",".join(HOSTS)}}


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
    found = of_template(template, tmp_path, work)
    for life, at in found.lives(work.__name__, EVERY):
        up(life, HOSTS)
        life.whole(at)
        emptied(life, at)
    record_property("figure", found.figure(f"moves, {work.__name__}"))
