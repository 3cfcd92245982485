"""Every change of a noun is an event on the bus, in the form of OpenStack's versioned notifications."""

import itertools
import json
import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from stratolith.core.bus.events import TOPIC
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.operations.tables import outbox

pytestmark = pytest.mark.xdist_group("events")
"""One walk: its steps follow one another."""
SECRET = re.compile("password|secret|token$|private_key|admin_pass|user_data", re.IGNORECASE)


class Listener:
    """A cloud, what its bus tells, and requests that say what they are to bring about."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.messages = []
        cloud.cloud.bus.listen(TOPIC, lambda body: self.messages.append(json.loads(body)))

    def told(self, run_s=4):
        """The messages since the last time, once all work has ended."""
        self.cloud.run(run_s)
        found, self.messages[:] = list(self.messages), []
        return found

    def does(self, method, path, body=None, *expected, as_="demo", version="", status=None, headers=None):
        """Send a request; each ``expected`` event must come, in this order. Returns the answer's body."""
        self.told()
        answer = self.cloud.request(method, path, body, as_=as_, version=version, headers=headers)
        assert answer.status == status if status else answer.status < 300, answer
        types = [one["event_type"] for one in self.told()]
        rest = iter(types)
        assert all(wanted in rest for wanted in expected), f"{method} {path}: {types}"
        return answer.json if answer.data else None


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = InProcess(tmp_path_factory.mktemp("cloud"), options={"volumes.simulated": {"delay_s": "1"}}).start()
    listener = Listener(made)
    listener.told()
    yield listener
    rows = outbox_rows(listener)
    assert all(row.published for row in rows)
    assert {row.event_type for row in rows} <= set(documented())
    see_no_secret(rows)
    made.stop()


def test_the_form(world):
    sent = {"X-Openstack-Request-Id": "req-00000000-0000-4000-8000-000000000001"}
    project = world.does("POST", "/identity/v3/projects", {"project": {"name": "formal"}}, as_="admin")["project"]
    world.told()
    made = world.cloud.request("POST", "/network/v2.0/networks", {"network": {"name": "told"}}, as_="demo",
                               headers=sent)
    message, = world.told()
    assert set(message) == {"message_id", "publisher_id", "event_type", "priority", "timestamp", "payload",
                            "_context_project_id", "_context_request_id"}
    assert message["event_type"] == "network.create.end"
    assert message["publisher_id"] == "neutron-network:host1"
    assert message["priority"] == "INFO"
    assert message["_context_request_id"] == sent["X-Openstack-Request-Id"]
    assert message["_context_project_id"] not in ("", project["id"])
    payload = message["payload"]
    assert payload["neutron_object.name"] == "NetworkPayload"
    assert payload["neutron_object.namespace"] == "neutron"
    assert payload["neutron_object.version"] == "1.0"
    assert payload["neutron_object.data"]["name"] == "told"
    world.does("DELETE", f"/network/v2.0/networks/{made.json['network']['id']}", None, "network.delete.end")


def test_refused_changes_are_none(world):
    world.told()
    for path, body in (("/network/v2.0/networks", {"network": {"name": "x", "mtu": "much"}}),
                       ("/compute/v2.1/servers", {"server": {"name": "x"}}),
                       ("/identity/v3/projects", {"project": {"name": "x"}})):
        assert world.cloud.request("POST", path, body, as_="demo").status in (400, 403)
    assert world.told() == []


def test_identity(world):
    def does(*args):
        return world.does(*args, as_="admin")
    base = "/identity/v3"
    made = {}
    for noun, body in (("domain", {"name": "d"}), ("project", {"name": "p"}), ("role", {"name": "r"}),
                       ("group", {"name": "g"}), ("user", {"name": "u", "password": "such-a-secret"}),
                       ("region", {"id": "elsewhere"}), ("service", {"type": "t", "name": "n"})):
        made[noun] = does("POST", f"{base}/{noun}s", {noun: body}, f"identity.{noun}.created")[noun]["id"]
        does("PATCH", f"{base}/{noun}s/{made[noun]}", {noun: {"description": "new"}}, f"identity.{noun}.updated")
    endpoint = does("POST", base + "/endpoints", {"endpoint": {
        "service_id": made["service"], "interface": "public", "url": "http://x"}}, "identity.endpoint.created")
    does("DELETE", f"{base}/endpoints/{endpoint['endpoint']['id']}", None, "identity.endpoint.deleted")
    member = f"{base}/groups/{made['group']}/users/{made['user']}"
    does("PUT", member, None, "identity.group.member_added")
    does("DELETE", member, None, "identity.group.member_removed")
    grant = f"{base}/projects/{made['project']}/users/{made['user']}/roles/{made['role']}"
    does("PUT", grant, None, "identity.role_assignment.created")
    does("DELETE", grant, None, "identity.role_assignment.deleted")
    does("PATCH", f"{base}/domains/{made['domain']}", {"domain": {"enabled": False}}, "identity.domain.updated")
    for noun in ("user", "group", "role", "project", "service", "region", "domain"):
        does("DELETE", f"{base}/{noun}s/{made[noun]}", None, f"identity.{noun}.deleted")


def test_what_is_lent(world):
    base = "/identity/v3"
    user = world.cloud.request("GET", base + "/users?name=demo").json["users"][0]["id"]
    project = world.cloud.request("GET", base + "/projects?name=demo").json["projects"][0]["id"]
    rule = {"service": "compute", "method": "GET", "path": "/"}
    made = world.does("POST", f"{base}/users/{user}/application_credentials", {"application_credential": {
        "name": "x", "access_rules": [rule]}}, "identity.application_credential.created")["application_credential"]
    world.does("DELETE", f"{base}/users/{user}/application_credentials/{made['id']}", None,
               "identity.application_credential.deleted")
    world.does("DELETE", f"{base}/users/{user}/access_rules/{made['access_rules'][0]['id']}", None,
               "identity.access_rule.deleted")
    trust = world.does("POST", base + "/OS-TRUST/trusts", {"trust": {
        "trustor_user_id": user, "trustee_user_id": user, "impersonation": True, "project_id": project,
        "roles": [{"name": "member"}]}}, "identity.trust.created")["trust"]
    world.does("DELETE", f"{base}/OS-TRUST/trusts/{trust['id']}", None, "identity.trust.deleted")
    path = base + "/OS-OAUTH1/consumers"
    consumer = world.does("POST", path, {"consumer": {}}, "identity.consumer.created", as_="admin")["consumer"]["id"]
    world.does("PATCH", f"{path}/{consumer}", {"consumer": {"description": "x"}}, "identity.consumer.updated",
               as_="admin")
    world.does("DELETE", f"{path}/{consumer}", None, "identity.consumer.deleted", as_="admin")


def test_images(world):
    raw = {"Content-Type": "application/octet-stream"}
    base = "/image/v2/images"
    image = world.does("POST", base, {"name": "i", "disk_format": "raw", "container_format": "bare"},
                       "image.create")["id"]
    world.cloud.request("PUT", f"{base}/{image}/file", bytes(65536), as_="demo", headers=raw)
    told = world.told()
    assert [one["event_type"] for one in told] == ["image.prepare", "image.upload", "image.activate"]
    assert [one["payload"]["glance_object.data"]["status"] for one in told] == ["saving", "active", "active"]
    patch = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
    change = json.dumps([{"op": "replace", "path": "/name", "value": "j"}]).encode()
    world.does("PATCH", f"{base}/{image}", change, "image.update", headers=patch)
    world.does("PUT", f"{base}/{image}/tags/red", None, "image.update")
    member = world.does("POST", f"{base}/{image}/members", {"member": "0" * 32}, "image.member.create")
    world.does("DELETE", f"{base}/{image}/members/{member['member_id']}", None, "image.member.delete")
    world.does("POST", f"{base}/{image}/actions/deactivate", None, "image.update", as_="admin")
    world.does("DELETE", f"{base}/{image}", None, "image.delete")
    staged = world.does("POST", base, {"name": "s", "disk_format": "raw", "container_format": "bare"})["id"]
    world.does("PUT", f"{base}/{staged}/stage", bytes(1024), "image.prepare", headers=raw)
    world.does("POST", f"{base}/{staged}/import", {"method": {"name": "glance-direct"}}, "image.activate")


def test_networks(world):
    base = "/network/v2.0"

    def make(noun, path, as_="demo", **fields):
        return world.does("POST", f"{base}/{path}", {noun: fields}, f"{noun}.create.end", as_=as_)[noun]["id"]

    def change(noun, path, id, as_="demo", **fields):
        world.does("PUT", f"{base}/{path}/{id}", {noun: fields}, f"{noun}.update.end", as_=as_)

    def drop(noun, path, id):
        world.does("DELETE", f"{base}/{path}/{id}", None, f"{noun}.delete.end")

    network = make("network", "networks", name="n")
    subnet = make("subnet", "subnets", network_id=network, ip_version=4, cidr="10.77.0.0/24")
    group = make("security_group", "security-groups", name="sg")
    rule = make("security_group_rule", "security-group-rules", security_group_id=group, direction="ingress")
    port = make("port", "ports", network_id=network, security_groups=[group])
    router = make("router", "routers", name="r")
    pool = make("subnetpool", "subnetpools", name="p", prefixes=["10.78.0.0/16"])
    for noun, path, id in (("network", "networks", network), ("subnet", "subnets", subnet), ("port", "ports", port),
                           ("security_group", "security-groups", group), ("router", "routers", router),
                           ("subnetpool", "subnetpools", pool)):
        change(noun, path, id, name="renamed")
        world.does("PUT", f"{base}/{path}/{id}/tags", {"tags": ["red"]}, "tag.update.end")
    joined = {"subnet_id": subnet}
    world.does("PUT", f"{base}/routers/{router}/add_router_interface", joined, "router.interface.create")
    outside = world.cloud.request("GET", f"{base}/networks?router:external=true").json["networks"][0]["id"]
    change("router", "routers", router, external_gateway_info={"network_id": outside})
    address = make("floatingip", "floatingips", floating_network_id=outside)
    change("floatingip", "floatingips", address, port_id=port)
    drop("floatingip", "floatingips", address)
    change("router", "routers", router, external_gateway_info={})
    world.does("PUT", f"{base}/routers/{router}/remove_router_interface", joined, "router.interface.delete")
    for noun, path, id in (("port", "ports", port), ("router", "routers", router), ("subnetpool", "subnetpools", pool),
                           ("security_group_rule", "security-group-rules", rule), ("subnet", "subnets", subnet),
                           ("security_group", "security-groups", group), ("network", "networks", network)):
        drop(noun, path, id)
    agent = world.cloud.request("GET", f"{base}/agents").json["agents"][0]["id"]
    change("agent", "agents", agent, as_="admin", description="d")
    world.does("PUT", f"{base}/quotas/{'0' * 32}", {"quota": {"port": 7}}, "quota.update.end", as_="admin")
    world.does("DELETE", f"{base}/quotas/{'0' * 32}", None, "quota.delete.end", as_="admin")


def states(told, event, namespace="cinder"):
    """What became of the things that ``event`` was told of."""
    return [one["payload"][f"{namespace}_object.data"] for one in told if one["event_type"] == event]


def test_volumes(world):
    base = "/volume/v3"
    world.told()
    made = world.cloud.request("POST", base + "/volumes", {"volume": {"name": "v", "size": 1}}, as_="demo").json
    path = f"{base}/volumes/{made['volume']['id']}"
    told = world.told()
    assert [one["event_type"] for one in told] == ["volume.create.start", "volume.create.end"]
    assert [one["payload"]["cinder_object.data"]["status"] for one in told] == ["creating", "available"]
    world.does("PUT", path, {"volume": {"name": "w"}}, "volume.update.end")
    world.does("POST", path + "/metadata", {"metadata": {"a": "b"}}, "volume.update.end")
    world.does("POST", path + "/action", {"os-set_bootable": {"bootable": True}}, "volume.update.end")
    world.does("POST", path + "/action", {"os-update_readonly_flag": {"readonly": False}}, "volume.update.end")
    world.does("POST", path + "/action", {"os-extend": {"new_size": 2}}, "volume.resize.start", "volume.resize.end")
    world.does("POST", path + "/action", {"os-reserve": None}, "volume.update.end", as_="admin")
    world.does("POST", path + "/action", {"os-unreserve": None}, "volume.update.end", as_="admin")
    reset = {"os-reset_status": {"status": "error"}}
    world.does("POST", path + "/action", reset, "volume.reset_status.end", as_="admin")
    world.does("POST", path + "/action", {"os-reset_status": {"status": "available"}}, as_="admin")
    asked = {"snapshot": {"volume_id": made["volume"]["id"], "name": "s"}}
    frozen = world.does("POST", base + "/snapshots", asked, "snapshot.create.start", "snapshot.create.end")
    snapshot = f"{base}/snapshots/{frozen['snapshot']['id']}"
    world.does("PUT", snapshot, {"snapshot": {"name": "t"}}, "snapshot.update.end")
    world.does("POST", snapshot + "/action", reset, "snapshot.reset_status.end", as_="admin")
    world.does("DELETE", snapshot, None, "snapshot.delete.start", "snapshot.delete.end")
    offer = world.does("POST", base + "/os-volume-transfer", {"transfer": {"volume_id": made["volume"]["id"]}},
                       "transfer.create.end")
    world.does("DELETE", f"{base}/os-volume-transfer/{offer['transfer']['id']}", None, "transfer.delete.end")
    world.does("DELETE", path, None, "volume.delete.start", "volume.delete.end")


def test_a_volume_that_fails(world):
    fault = {"X-Stratolith-Fault": "volume.create=NoSpace"}
    asked = {"volume": {"name": "v", "size": 1}}
    world.does("POST", "/volume/v3/volumes", asked, "volume.create.start", "volume.create.error", headers=fault)


def test_volume_types(world):
    def does(*args):
        return world.does(*args, as_="admin")
    base = "/volume/v3/types"
    body = {"volume_type": {"name": "gold", "os-volume-type-access:is_public": False}}
    path = f"{base}/{does('POST', base, body, 'volume_type.create')['volume_type']['id']}"
    does("PUT", path, {"volume_type": {"description": "d"}}, "volume_type.update")
    does("POST", path + "/extra_specs", {"extra_specs": {"a": "b"}}, "volume_type_extra_specs.create")
    does("DELETE", path + "/extra_specs/a", None, "volume_type_extra_specs.delete")
    for verb in ("add", "remove"):
        does("POST", path + "/action", {verb + "ProjectAccess": {"project": "0" * 32}},
             f"volume_type_project.access.{verb}")
    made = does("POST", path + "/encryption", {"encryption": {"provider": "luks", "control_location": "front-end"}},
                "volume_type_encryption.create")
    does("DELETE", f"{path}/encryption/{made['encryption']['encryption_id']}", None, "volume_type_encryption.delete")
    does("DELETE", path, None, "volume_type.delete")


@pytest.fixture(scope="module")
def server(world):
    """A server of the demo user, and the events of its boot."""
    made = world.cloud.request("POST", "/image/v2/images", {"name": "disk", "disk_format": "raw",
                                                            "container_format": "bare"}, as_="demo").json["id"]
    world.cloud.request("PUT", f"/image/v2/images/{made}/file", bytes(65536), as_="demo",
                        headers={"Content-Type": "application/octet-stream"})
    body = {"flavor": {"name": "small", "ram": 64, "vcpus": 1, "disk": 1}}
    flavor = world.does("POST", "/compute/v2.1/flavors", body, "flavor.create", as_="admin")["flavor"]["id"]
    larger = {"flavor": {"name": "larger", "ram": 128, "vcpus": 1, "disk": 1}}
    bigger = world.does("POST", "/compute/v2.1/flavors", larger, as_="admin")["flavor"]["id"]
    world.told()
    asked = {"server": {"name": "s", "flavorRef": flavor, "imageRef": made, "networks": "auto",
                        "adminPass": "such-a-secret", "user_data": "c2VjcmV0"}}
    answer = world.cloud.request("POST", "/compute/v2.1/servers", asked, as_="demo", version="compute 2.79")
    assert answer.status == 202, answer
    return answer.json["server"]["id"], world.told(), (flavor, bigger, made)


def test_a_boot(server):
    _, told, _ = server
    start, = states(told, "instance.create.start", "nova")
    end, = states(told, "instance.create.end", "nova")
    assert (start["state"], end["state"], end["task_state"]) == ("building", "active", None)
    assert (start["host"], end["host"]) == (None, "host1")
    ports = [one["event_type"] for one in told if one["event_type"].startswith("port.")]
    assert ports[0] == "port.create.end"


def test_servers(world, server):
    id, _, (flavor, bigger, image) = server
    path = f"/compute/v2.1/servers/{id}"

    def act(body, *expected, as_="demo"):
        world.does("POST", path + "/action", body, *expected, as_=as_, version="compute 2.79")

    world.does("PUT", path, {"server": {"name": "t"}}, "instance.update")
    world.does("POST", path + "/metadata", {"metadata": {"a": "b"}}, "instance.update")
    world.does("PUT", path + "/tags", {"tags": ["red"]}, "instance.update", version="compute 2.26")
    for word, event in (("pause", "pause"), ("unpause", "unpause"), ("suspend", "suspend"), ("resume", "resume"),
                        ("os-stop", "power_off"), ("os-start", "power_on")):
        act({word: None}, f"instance.{event}.start", f"instance.{event}.end")
    act({"reboot": {"type": "HARD"}}, "instance.reboot.start", "instance.reboot.end")
    act({"lock": None}, "instance.lock")
    act({"unlock": None}, "instance.unlock")
    act({"createImage": {"name": "snap"}}, "instance.snapshot.start", "instance.snapshot.end")
    act({"rebuild": {"imageRef": image}}, "instance.rebuild.start", "instance.rebuild.end")
    act({"resize": {"flavorRef": bigger}}, "instance.resize.start", "instance.resize_finish.end")
    act({"revertResize": None}, "instance.resize_revert.start", "instance.resize_revert.end")
    act({"resize": {"flavorRef": bigger}}, "instance.resize.start", "instance.resize_finish.end")
    act({"confirmResize": None}, "instance.resize_confirm.start", "instance.resize_confirm.end")
    act({"os-resetState": {"state": "active"}}, "instance.update", as_="admin")


def test_payloads_tell_what_is_now(world, server):
    id, _, _ = server
    world.told()
    for word, locked in (("lock", True), ("unlock", False)):
        world.cloud.request("POST", f"/compute/v2.1/servers/{id}/action", {word: None}, as_="demo")
        told = states(world.told(), f"instance.{word}", "nova")
        assert [one["locked"] for one in told] == [locked]


def test_what_servers_have(world, server):
    id, _, _ = server
    path = f"/compute/v2.1/servers/{id}"
    volume = world.does("POST", "/volume/v3/volumes", {"volume": {"name": "v", "size": 1}})["volume"]["id"]
    world.does("POST", path + "/os-volume_attachments", {"volumeAttachment": {"volumeId": volume}},
               "instance.volume_attach.start", "instance.volume_attach.end")
    world.does("DELETE", f"{path}/os-volume_attachments/{volume}", None,
               "instance.volume_detach.start", "instance.volume_detach.end")
    world.does("POST", path + "/os-volume_attachments", {"volumeAttachment": {"volumeId": volume}},
               "instance.volume_attach.start", "instance.volume_attach.error",
               headers={"X-Stratolith-Fault": "attach_volume=NoSpace"})
    world.does("POST", path + "/os-interface", {"interfaceAttachment": {}},
               "instance.interface_attach.start", "instance.interface_attach.error",
               headers={"X-Stratolith-Fault": "attach_interface=NoSpace"})
    port = world.does("POST", path + "/os-interface", {"interfaceAttachment": {}},
                      "instance.interface_attach.start", "instance.interface_attach.end")
    world.does("DELETE", f"{path}/os-interface/{port['interfaceAttachment']['port_id']}", None,
               "instance.interface_detach.start", "instance.interface_detach.end")


def test_around_servers(world):
    def does(*args):
        return world.does(*args, as_="admin", version="compute 2.79")
    base = "/compute/v2.1"
    does("POST", base + "/os-keypairs", {"keypair": {"name": "k", "type": "ssh", "public_key": KEY}},
         "keypair.import.start", "keypair.import.end")
    does("DELETE", base + "/os-keypairs/k", None, "keypair.delete.start", "keypair.delete.end")
    group = does("POST", base + "/os-server-groups", {"server_group": {"name": "g", "policy": "affinity"}},
                 "server_group.create")
    does("DELETE", f"{base}/os-server-groups/{group['server_group']['id']}", None, "server_group.delete")
    made = does("POST", base + "/os-aggregates", {"aggregate": {"name": "a"}}, "aggregate.create.start",
                "aggregate.create.end")
    path = f"{base}/os-aggregates/{made['aggregate']['id']}"
    does("PUT", path, {"aggregate": {"name": "b"}}, "aggregate.update_prop.end")
    for verb, event in (("add_host", "add_host"), ("remove_host", "remove_host")):
        does("POST", path + "/action", {verb: {"host": "host1"}}, f"aggregate.{event}.start", f"aggregate.{event}.end")
    does("POST", path + "/action", {"set_metadata": {"metadata": {"x": "y"}}}, "aggregate.update_metadata.end")
    does("DELETE", path, None, "aggregate.delete.start", "aggregate.delete.end")
    body = {"flavor": {"name": "f", "ram": 64, "vcpus": 1, "disk": 1}}
    flavor = f"{base}/flavors/{does('POST', base + '/flavors', body, 'flavor.create')['flavor']['id']}"
    does("PUT", flavor, {"flavor": {"description": "d"}}, "flavor.update")
    does("POST", flavor + "/os-extra_specs", {"extra_specs": {"hw:x": "y"}}, "flavor.update")
    does("DELETE", flavor, None, "flavor.delete")
    found = does("GET", base + "/os-services?binary=nova-compute", None)["services"][0]["id"]
    for status in ("disabled", "enabled"):
        does("PUT", f"{base}/os-services/{found}", {"status": status}, "service.update")


KEY = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl someone@somewhere")


def test_a_delete(world, server):
    id, _, _ = server
    world.does("DELETE", f"/compute/v2.1/servers/{id}", None, "instance.delete.start", "port.delete.end",
               "instance.delete.end")


def outbox_rows(world):
    """All that the outbox has seen."""
    found = []
    for kit in {id(kit.db): kit for kit in world.cloud.cloud.kits.values()}.values():
        with kit.db.read() as tx:
            found += tx.rows(sa.select(outbox))
    return found


def see_no_secret(rows):
    """No payload tells a secret."""
    for row in rows:
        (data,) = [value for key, value in row.payload.items() if key.endswith("_object.data")]
        assert not [name for name, value in data.items() if SECRET.search(name) and value], row.event_type
        assert "such-a-secret" not in json.dumps(row.payload)


def documented():
    """The event types that the page names, and the payloads."""
    page = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
    for words in re.findall("`([^`]+)`", page.partition("## Types")[2].partition("## A listener")[0]):
        parts = [part.strip("{}").split(",") for part in re.split(r"(\{[^}]*\})", words)]
        yield from ("".join(chosen) for chosen in itertools.product(*parts))


def test_the_page_is_understood():
    """All that the walk brings about is held against the page when the walk has ended."""
    assert len(set(documented())) > 150
    assert {"instance.create.end", "volume_type_project.access.add", "identity.token.revoked"} <= set(documented())
