"""``stratolith host``."""

import json
from types import SimpleNamespace

import pytest
from stratolith.core.cli.main import main
from stratolith.plugins.compute import cli

from tests.unit.answering import answering


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """A cloud of two hosts that answers on a port, and its file of clouds."""
    with answering(tmp_path_factory, "compute", "/compute/v2.1", {
            "compute": {"hosts": "h1,h2", "console_listen": "", "fence": "simulated"},
            "network": {"hosts": "h1,h2"}}) as made:
        yield made


@pytest.fixture
def host(cloud, capsys):
    """Runs the command; gives exit status and what it printed."""
    def run(*words):
        with pytest.raises(SystemExit) as left:
            main(["host", *words, "--state", str(cloud.file.parent)])
        said = capsys.readouterr()
        return left.value.code, said.out + said.err
    return run


def test_hosts_are_listed(host):
    assert host("list") == (0, "h1  up  enabled  nova\nh2  up  enabled  nova\n")


def test_a_host_that_is_up_is_not_recovered(host):
    status, said = host("recover", "h1")
    assert status == 1
    assert "h1 is up" in said


def test_a_dead_host_is_recovered_and_released(cloud, host):
    next(one for one in cloud.cloud.agents["compute"].hosts if one.host == "h2").stop()
    cloud.run(120)
    assert host("recover", "h2") == (0, "h2: running\n")
    cloud.run(20)
    assert host("status", "h2") == (0, "h2: done\n")
    status, said = host("list")
    assert said.splitlines()[1] == "h2  down  enabled  nova  recovery done, 0 moved, 0 stayed"
    assert host("release", "h2") == (0, "h2 may run servers again\n")


def test_what_is_waited_for_is_told(monkeypatch, capsys):
    """Asked again until it has ended; servers that stay are no success."""
    answers = [{"host": "h1", "state": "running", "error": "", "moved": ["a"], "left": {}, "held": ""},
               {"host": "h1", "state": "done", "error": "", "moved": ["a"], "left": {"b": "It is paused."}, "held": ""}]
    session = SimpleNamespace(ask=lambda method, path: {"recovery": answers.pop(0)})
    monkeypatch.setattr(cli, "LOOK_S", 0.0)
    assert cli.Host()._follow(session, "/path", True) == 1
    assert capsys.readouterr().out == "h1: done\n  a moved\n  b stays: It is paused.\n"


def test_a_host_that_nobody_recovered_says_why():
    found = {"host": "h1", "state": "none", "error": "", "moved": [], "left": {}, "held": "It is up."}
    assert list(cli.told(found)) == ["h1: none", "  It is up."]
    assert cli.summary(found) == "not recovered: It is up."
    assert cli.summary({**found, "state": "failed", "error": "no fence"}) == (
        "recovery failed: no fence, 0 moved, 0 stayed")


def test_mistakes_are_told_in_one_line(host, tmp_path):
    assert host("recover") == (1, "stratolith: recover needs the name of a host\n")
    status, said = host("status", "unheard-of")
    assert (status, said) == (1, "stratolith: Compute host unheard-of could not be found.\n")
    status, said = host("list", "--clouds", str(tmp_path / "none.yaml"))
    assert status == 1
    assert "there is no" in said
    (tmp_path / "clouds.yaml").write_text(json.dumps({"clouds": {}}))
    status, said = host("list", "--clouds", str(tmp_path / "clouds.yaml"))
    assert "says nothing of a cloud" in said
