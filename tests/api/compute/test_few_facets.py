"""A host whose driver has verbs only: what it cannot do fails, and nothing waits for ever for its undoing."""

import pytest
from stratolith.core.drivers.hypervisor import Hypervisor

from .test_server_volumes import create, state

VERBS = ("facts", "observe", "power", "spawn", "destroy", "start", "stop", "reboot", "console_log")


@pytest.fixture
def poor(world, monkeypatch):
    """The world, its host's driver without any facet."""
    host = world.cloud.cloud.agents["compute"].hosts[0]
    rich = host.driver

    def through(verb):
        return lambda self, *given, **named: getattr(rich, verb)(*given, **named)

    kind = type("Poor", (Hypervisor,), {verb: through(verb) for verb in VERBS})
    monkeypatch.setattr(host, "driver", kind(rich.options, rich.surroundings))
    yield world


def test_a_refused_volume_is_free_again_and_its_server_can_go(poor):
    server, volume = poor.boot(), create(poor)
    attachment = {"volumeAttachment": {"volumeId": volume}}
    poor.ask("POST", f"/servers/{server}/os-volume_attachments", attachment, "2.79")
    poor.cloud.run(60)
    assert state(poor, volume) == "available"
    assert poor.ask("GET", f"/servers/{server}/os-volume_attachments").json["volumeAttachments"] == []
    assert poor.ask("DELETE", f"/servers/{server}").status == 204
    poor.cloud.run(60)
    assert poor.ask("GET", f"/servers/{server}").status == 404
    poor.cloud.request("DELETE", f"/volume/v3/volumes/{volume}", as_="demo")


def test_a_refused_interface_and_a_refused_resize_leave_the_server_as_it_was(poor):
    server, larger = poor.boot(), poor.flavor_of("for-nobody", 128, 2, 2)
    poor.ask("POST", f"/servers/{server}/os-interface", {"interfaceAttachment": {}}, "2.79")
    poor.cloud.run(60)
    assert len(poor.ask("GET", f"/servers/{server}/os-interface").json["interfaceAttachments"]) == 1
    for action in ({"resize": {"flavorRef": larger}}, {"rescue": {}}, {"suspend": None}):
        poor.ask("POST", f"/servers/{server}/action", action, "2.79")
        poor.cloud.run(60)
        shown = poor.show(server)
        assert (shown["OS-EXT-STS:task_state"], shown["OS-EXT-STS:power_state"]) == (None, 1), action
    assert poor.ask("DELETE", f"/servers/{server}").status == 204
    poor.cloud.run(60)
    assert poor.ask("GET", f"/servers/{server}").status == 404
