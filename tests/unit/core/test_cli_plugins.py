"""``stratolith plugins``, ``conformance``, and the words that other commands parse."""

import pytest
from stratolith.core.cli.groups import DRIVERS, GROUPS, facets, installed
from stratolith.core.cli.serve import names
from stratolith.core.cli.up import parse_address
from stratolith.core.drivers.volume import VolumeDriver
from stratolith.core.errors import BadConfiguration
from stratolith.storage.volumes.simulated.driver import Simulated


def test_plugins_of_a_kind(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    status, out, _ = run("plugins", "volumes")
    assert status == 0
    line = next(line for line in out.splitlines() if " simulated " in line)
    assert "stratolith" in line
    assert "Clones, GroupSnapshots, Snapshots" in line


def test_all_plugins(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    status, out, _ = run("plugins")
    assert status == 0
    assert {line.split()[0] for line in out.splitlines()[1:] if line.strip()} >= set(GROUPS)


def test_each_group_has_a_plugin():
    for group in GROUPS:
        assert any(plugin.distribution == "stratolith" for plugin in installed(group)), group


def test_facets_are_those_inherited():
    assert facets(VolumeDriver, Simulated) == ["Adoptions", "Clones", "GroupSnapshots", "Snapshots"]
    assert set(DRIVERS) < set(GROUPS)


def test_conformance_runs_the_suite(run):
    status, out, _ = run("conformance", "filter", "ComputeFilter")
    assert status == 0
    assert out.splitlines()[-1].startswith("filter ComputeFilter: 10 passed, 0 facets absent")


def test_conformance_of_nothing(run):
    status, _, err = run("conformance", "filter", "ComputeFiler")
    assert status == 1
    assert "ComputeFilter" in err
    status, _, err = run("conformance", "fliter", "ComputeFilter")
    assert status == 1
    assert "there is no suite for 'fliter'" in err


@pytest.mark.parametrize(("text", "address"), [
    ("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:8774", ("::1", 8774)), (":9000", ("127.0.0.1", 9000))])
def test_addresses(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "8774", "host:", "host:0", "host:70000", "host:http"])
def test_no_addresses(text):
    with pytest.raises(BadConfiguration):
        parse_address(text)


def test_names_of_services():
    assert names("all") is None
    assert names("") == []
    assert names("identity, image,") == ["identity", "image"]
