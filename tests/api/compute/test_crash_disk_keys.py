"""Crash enumeration of servers whose disks are encrypted: after each death their hosts know no key any more."""

import pytest

from tests.api.compute.enumeration import Template, emptied, of_template

EVERY = 4
SPECS = {"extra_specs": {"hw:ephemeral_encryption": "true"}}


class Sealed(Template):
    """All flavors of the template encrypt."""

    def flavor(self, life, name, size):
        made = super().flavor(life, name, size)
        assert life.ask("POST", f"/flavors/{made}/os-extra_specs", SPECS).status == 200
        return made


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return Sealed(tmp_path_factory.mktemp("template") / "cloud")


def life_of_one(template, life):
    template.act(life, {"reboot": {"type": "HARD"}})
    template.act(life, {"resize": {"flavorRef": template.large}})
    template.act(life, {"revertResize": None})
    template.act(life, {"rebuild": {"imageRef": template.image}})


def test_killed(template, tmp_path, record_property):
    found = of_template(template, tmp_path, life_of_one)
    for life, at in found.lives("a server with encrypted disks", EVERY):
        served = life.whole(at)
        assert [one["status"] for one in served] != ["ERROR"], at
        for one in life.made.cloud.agents["compute"].hosts[0].driver.guests():
            assert one.disk_key, at
        if served[0]["status"] == "VERIFY_RESIZE":
            template.act(life, {"confirmResize": None})
        assert [one["status"] for one in life.servers()] == ["ACTIVE"], at
        emptied(life, at)
    record_property("figure", found.figure("a server with encrypted disks"))
