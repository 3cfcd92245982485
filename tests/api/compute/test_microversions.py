"""Each microversion is kept: every one has a case, or a reason why nothing changes, and a line in the docs."""

import re
from pathlib import Path

import pytest
from stratolith.core.conformance.cloud import InProcess
from stratolith.plugins.compute.api.versions import MICROVERSIONS

from tests.api.compute import microversions_early, microversions_later  # noqa: F401
from tests.api.compute.conftest import World
from tests.api.compute.microversions import CASES, UNCHANGED, Probe

PAGE = (Path(__file__).parents[3] / "docs" / "compute-microversions.md").read_text()
ALL = [f"2.{minor}" for minor in range(2, int(MICROVERSIONS.last.partition(".")[2]) + 1)]


@pytest.fixture(autouse=True)
def clean():
    """The module's server outlives its tests."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A cloud with an address for consoles."""
    made = InProcess(tmp_path_factory.mktemp("cloud"), options={
        "compute": {"console_url": "http://consoles.test:6080"}}).start()
    yield World(made)
    made.stop()


@pytest.fixture(scope="module")
def server(world):
    """A server with a volume, a tag and an interface."""
    made = world.boot(tags=["blue"])
    volume = world.cloud.request("POST", "/volume/v3/volumes", {"volume": {"size": 1}}, as_="demo").json["volume"]["id"]
    world.cloud.run(3)
    world.ask("POST", f"/servers/{made}/os-volume_attachments", {"volumeAttachment": {"volumeId": volume}})
    world.cloud.run(5)
    yield made
    world.delete(made)


def test_every_microversion_has_a_case():
    assert sorted([*CASES, *UNCHANGED], key=ALL.index) == ALL


@pytest.mark.parametrize("version", sorted(CASES, key=lambda one: int(one.partition(".")[2])))
def test_kept(world, server, version):
    CASES[version](Probe(world, server, version))


def test_the_docs_have_every_microversion():
    rows = re.findall(r"^\| (2\.\d+) \| .+ \| .+ \| (.+) \|$", PAGE, re.MULTILINE)
    assert [version for version, _ in rows] == ALL
    for version, test in rows:
        assert (version in CASES) == ("—" not in test), version
        assert (f"`{CASES[version].__name__}`" if version in CASES else UNCHANGED[version]) in test, version
