"""Hosts that one process plays need an agent of each kind."""

import pytest
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.errors import BadConfiguration


def made(folder, compute, network, **more):
    options = {"compute": {"hosts": compute, "console_listen": ""}, "network": {"hosts": network}}
    return InProcess(folder, options=options, **more)


@pytest.mark.parametrize(("compute", "network", "missing"), [
    ("h1,h2", "", "h1, h2"), ("h1,h2", "h2,h3", "h1"), ("", "h1", "host1")])
def test_a_host_without_a_network_agent_is_refused(tmp_path, compute, network, missing):
    with pytest.raises(BadConfiguration, match=rf"\[compute\] hosts names {missing}, and \[network\] hosts does not"):
        made(tmp_path, compute, network)


@pytest.mark.parametrize(("compute", "network"), [("", ""), ("host1", ""), ("h1", "h1,h2"), ("", "host1,h2")])
def test_hosts_with_both_agents_are_played(tmp_path, compute, network):
    made(tmp_path, compute, network).cloud.databases.close()


def test_agents_of_other_processes_are_not_asked_for(tmp_path):
    made(tmp_path, "h1", "", services=["compute", "placement", "scheduler", "identity"]).cloud.databases.close()
