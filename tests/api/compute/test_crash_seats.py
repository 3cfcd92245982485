"""Crash enumeration of servers with processors and devices of their own: nothing is given twice, nothing is lost.

As in test_crash_actions.py: a sample of the photographs, all with STRATOLITH_CRASH_EVERY=1.
"""

import os
import shutil

import pytest

from tests.api.compute.life import Started
from tests.api.compute.seated import options, seat_of, sound
from tests.api.compute.test_crash_actions import Template, emptied
from tests.api.compute.test_crash_moves import evacuate, live, migrate, revert, up
from tests.api.crash import Film

EVERY = int(os.environ.get("STRATOLITH_CRASH_EVERY", "8"))
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
    film = filmed(template, tmp_path, work)
    sample = film.moments[::EVERY]
    for moment in sample:
        at = f"{work.__name__} killed at {moment.point}, {moment.folder.name}"
        life = Started(moment.folder, moment.clock(), OPTIONS)
        life.made.run(200)
        up(life)
        life.whole(at)
        seated(life, at)
        emptied(life, at)
        sound(life.made, at)
        life.end()
    record_property("figure", f"crash enumeration of seats, {work.__name__}: {len(film.points)} points, "
                              f"{len(film.moments)} states of the disk, {len(sample)} tried")


def filmed(template, tmp_path, work):
    place = shutil.copytree(template.folder, tmp_path / "alive")
    life = Started(place, template.clock, OPTIONS)
    film = Film(place, tmp_path, template.clock)
    life.watch(film)
    work(template, life)
    life.made.run(60)
    life.whole("not killed")
    seated(life, "not killed")
    life.end()
    return film
