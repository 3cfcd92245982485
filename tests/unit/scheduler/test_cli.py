"""``stratolith scheduler``."""


import pytest
from stratolith.core.cli.main import main

from tests.unit.answering import answering


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """A cloud with two policies that answers on a port, and its file of clouds."""
    with answering(tmp_path_factory, "scheduling", "/scheduler", {
            "compute": {"console_listen": ""}, "scheduler": {"policies": "pack"},
            "policies.pack": {"enabled_filters": "ComputeFilter,JsonFilter",
                              "enabled_weighers": "RAMWeigher"}}) as made:
        yield made


@pytest.fixture
def scheduler(cloud, capsys):
    """Runs the command; gives exit status and what it printed."""
    def run(*words):
        with pytest.raises(SystemExit) as left:
            main(["scheduler", *words, "--state", str(cloud.file.parent)])
        said = capsys.readouterr()
        return left.value.code, said.out + said.err
    return run


def test_hints_are_listed_with_their_filters_and_a_sentence(scheduler):
    status, said = scheduler("hints")
    assert status == 0
    lines = said.splitlines()
    assert lines[lines.index("same_host") + 1] == (
        "  SameHostFilter: Hosts of the servers that the hint same_host names.")
    assert lines[lines.index("query") + 1].startswith("  JsonFilter: ")
    assert "exclusive" in lines and "group" in lines


def test_filters_weighers_and_policies_are_listed(scheduler):
    status, said = scheduler("filters")
    assert status == 0
    lines = said.splitlines()
    assert lines[1] == "  ComputeFilter: Hosts whose compute service is enabled and up."
    assert "  IoOpsWeigher * -1: Hosts on which fewer servers are in the making." in lines
    assert lines[-3:] == ["policy pack:", "  filters: ComputeFilter, JsonFilter", "  weighers: RAMWeigher"]


def test_decisions_are_explained(cloud, scheduler):
    flavor = cloud.request("POST", "/compute/v2.1/flavors", {"flavor": {
        "name": "f", "ram": 64, "vcpus": 1, "disk": 1}}).json["flavor"]["id"]
    status, said = scheduler("try", flavor)
    assert (status, said.splitlines()[-1]) == (0, "chosen: host1")
    status, said = scheduler("try", flavor, "--hint", "same_host=11111111-2222-4333-8444-555555555555")
    assert said.splitlines()[-1].startswith("nearest miss: SameHostFilter alone turned away 1 host")
    server = cloud.request("POST", "/compute/v2.1/servers", {"server": {
        "name": "s", "flavorRef": flavor, "imageRef": "", "networks": "none", "block_device_mapping_v2": [{
            "boot_index": 0, "source_type": "blank", "destination_type": "volume", "volume_size": 1}]}},
        version="compute 2.37").json["server"]["id"]
    assert scheduler("explain", server)[0] == 0


def test_mistakes_are_told_in_one_line(scheduler):
    assert scheduler("explain") == (1, "stratolith: explain needs the id of a server\n")
    assert scheduler("try") == (1, "stratolith: try needs the id of a flavor\n")
    status, said = scheduler("try", "unheard-of")
    assert (status, said.count("\n")) == (1, 1)
    assert scheduler("try", "f", "--hint", "x") == (1, "stratolith: --hint x: a hint is NAME=VALUE\n")
    status, said = scheduler("explain", "11111111-2222-4333-8444-555555555555")
    assert (status, said) == (
        1, "stratolith: Instance 11111111-2222-4333-8444-555555555555 could not be found.\n")
