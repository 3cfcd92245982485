"""Crash enumeration of servers with processors and devices of their own: nothing is given twice, nothing is lost.

As in test_crash_actions.py: a sample of the photographs, all with STRATOLITH_CRASH_EVERY=1.
"""

import pytest

from tests.api.compute.enumeration import Template, emptied, of_template, up
from tests.api.compute.seated import options, seat_of, sound
from tests.api.compute.test_crash_moves import HOSTS, evacuate, live, migrate, revert

EVERY = 8
OPTIONS = options()
PINNED = {"hw:cpu_policy": "dedicated"}


class Particular(Template):
    """A template of two hosts whose server has processors for itself, and perhaps a device."""

    options = OPTIONS
    specs = {**PINNED, "pci_passthrough:alias": "gpu:1"}

    def flavor(self, life, name, size):
        made = super().flavor(life, name, size)
        life.ask("POST", f"/flavors/{made}/os-extra_specs", {"extra_specs": self.specs})
        return made


class Pinned(Particular):
    """One without a device, which can move while it runs."""

    specs = PINNED


@pytest.fixture(scope="module")
def templates(tmp_path_factory):
    """A template of each kind, made when it is first asked for."""
    made = {}

    def of(work):
        kind = Pinned if work is live else Particular
        if kind not in made:
            made[kind] = kind(tmp_path_factory.mktemp("template") / "cloud")
        return made[kind]
    return of


def boot_and_delete(template, life):
    made = life.ask("POST", "/servers", template.body(imageRef=template.image)).json["server"]["id"]
    life.made.run(10)
    life.ask("DELETE", f"/servers/{made}")


def shelf(template, life):
    template.act(life, {"shelve": None})
    template.act(life, {"unshelve": None})


def boot_that_fails(template, life):
    for host in life.made.cloud.agents["compute"].hosts:
        host.driver.fail("spawn")
    life.ask("POST", "/servers", template.body(imageRef=template.image))


def seated(life, context):
    """See that nothing is given twice, and who lives and is housed has its own."""
    sound(life.made, context)
    for one in life.servers():
        if one["status"] not in ("ERROR", "SHELVED_OFFLOADED"):
            seat = seat_of(life.made, one["id"])
            assert seat is not None, (context, one["status"])
            assert seat.pins, (context, one["status"])


@pytest.mark.parametrize("work", [boot_and_delete, boot_that_fails, migrate, revert, live, evacuate, shelf])
def test_killed(templates, tmp_path, record_property, work):
    template = templates(work)
    found = of_template(template, tmp_path, work, rest_s=60, check=checked)
    for life, at in found.lives(work.__name__, EVERY):
        up(life, HOSTS)
        checked(life, at)
        emptied(life, at)
        sound(life.made, at)
    record_property("figure", found.figure(f"seats, {work.__name__}"))


def checked(life, at):
    life.whole(at)
    seated(life, at)
