"""Hosts that are cut off, each in its own way, while their guests write: no disk ever has two writers.

A process for each role: agents, lease-watches, guests, the control side. The oracle is the guests' disks on the shared
storage: every guest writes its host's name fifty times a second, so that two copies at once would alternate.
"""

import signal

import pytest

from .backing import broker, until
from .fenced_region import FencedRegion

pytestmark = pytest.mark.live


def agent_killed(host):
    """The agent is gone for good; nobody stops the guests but the watch."""
    host.agent.kill()


def agent_hangs(host):
    """The agent stands still."""
    host.agent.signal(signal.SIGSTOP)


def network_cut(host):
    """The control side and the host hear nothing of each other, but both reach the storage."""
    host.cable.cut()


def all_cut(host):
    """Neither the control side nor the storage of the leases is in reach."""
    host.cable.cut()
    host.lose_storage()


def watch_killed(host):
    """The watch is gone for good, and the network is cut: only the agent can end the guests."""
    host.watch.kill()
    host.cable.cut()


def watch_hangs(host):
    """The watch stands still, and nothing is in reach."""
    host.watch.signal(signal.SIGSTOP)
    all_cut(host)


HARMS = {one.__name__.replace("_", "-"): one
         for one in (agent_killed, agent_hangs, network_cut, all_cut, watch_killed, watch_hangs)}
REFUGE = "refuge"
RECOVERY = "/compute/v2.1/os-hosts/{}/recovery"


def mend(host, harm):
    """Make a host whole again."""
    host.reach_storage()
    host.cable.mend()
    for one in (host.watch, host.agent):
        one.signal(signal.SIGCONT)
        if one.running.poll() is not None:
            one.start()


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """All harms at once, each to a host with a server; then all are recovered, mended and released."""
    with broker() as bus:
        region = FencedRegion(tmp_path_factory.mktemp("fenced"), bus, [*HARMS, REFUGE])
        try:
            region.start()
            region.told = tell(region)
            yield region
        finally:
            region.end()


def tell(region):
    """What happened: the servers by harm, and what each step showed."""
    servers = {harm: region.boot(harm) for harm in HARMS}
    for harm, server in servers.items():
        region.settled(server, harm)
        until(lambda server=server, harm=harm: region.writers(server) == [harm], f"{harm} writes")
    for name, harm in HARMS.items():
        harm(region.hosts[name])
        region.force_down(name)
    for name in list(HARMS)[1:]:
        region.ask("POST", RECOVERY.format(name), {"recovery": {}})
    waited = region.host_command("recover", next(iter(HARMS)), "--wait")
    for harm, server in servers.items():
        region.settled(server, REFUGE)
        until(lambda server=server: region.writers(server)[-1] == REFUGE, f"{harm} writes elsewhere")
    left = {name: region.hosts[name].guests() for name in HARMS}
    until(lambda: all(recovered(region, name)["state"] == "done" for name in HARMS), "all recoveries have ended")
    done = {name: recovered(region, name)["moved"] for name in HARMS}
    for name, harm in HARMS.items():
        mend(region.hosts[name], harm)
        region.ask("DELETE", RECOVERY.format(name))
    until(lambda: set(HARMS) <= region.up(), "all hosts are back")
    return {"servers": servers, "waited": waited, "done": done, "left": left}


def recovered(region, host):
    """How far the recovery of a host is."""
    return region.ask("GET", RECOVERY.format(host))["recovery"]


@pytest.mark.parametrize("harm", HARMS)
def test_no_disk_has_two_writers(story, harm):
    server = story.told["servers"][harm]
    assert story.told["done"][harm] == [server]
    assert story.told["left"][harm] == set()
    assert story.writers(server) == [harm, REFUGE]


@pytest.mark.parametrize("harm", HARMS)
def test_a_host_that_is_back_runs_new_servers_and_no_old_one(story, harm):
    server = story.boot(harm)
    story.settled(server, harm)
    until(lambda: story.hosts[harm].guests() == {server}, "only the new server runs")
    assert story.writers(story.told["servers"][harm]) == [harm, REFUGE]


def test_an_operator_is_told_what_became_of_the_servers(story):
    harm, server = next(iter(story.told["servers"].items()))
    assert story.told["waited"] == f"{harm}: done\n  {server} moved\n"
    assert f"{harm}  up  enabled  nova\n" in story.host_command("list")


def test_the_oracle_sees_two_writers(story):
    """Else it proves nothing: a host whose watch and agent both stand still, and an operator who vouches falsely."""
    host = story.hosts["agent-hangs"]
    server = story.boot(host.name)
    story.settled(server, host.name)
    host.watch.signal(signal.SIGSTOP)
    host.agent.signal(signal.SIGSTOP)
    story.force_down(host.name)
    story.ask("POST", RECOVERY.format(host.name), {"recovery": {"confirmed_off": True}})
    until(lambda: len(story.writers(server)) > 3, "two copies write in turn")
    host.watch.signal(signal.SIGCONT)
    until(lambda: host.guests() == set(), "the watch ends the guests as soon as it runs again")
