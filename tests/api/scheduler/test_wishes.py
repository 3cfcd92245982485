"""What images, flavors and aggregates wish for decides where servers go; hosts say truthfully what they can."""

import pytest
from stratolith.core.conformance.cloud import InProcess

COMPUTE, PLACEMENT = "/compute/v2.1", "/placement"


class World:
    """A cloud of two hosts that know of disk buses and firmware, and say nothing else of themselves."""

    def __init__(self, folder, **scheduler):
        self.cloud = InProcess(folder, options={
            "compute": {"hosts": "h1,h2", "console_listen": "", "quota_instances": "99", "quota_cores": "99"},
            "network": {"hosts": "h1,h2"}, "scheduler": scheduler,
            "hypervisors.simulated": {"traits": "COMPUTE_STORAGE_BUS_VIRTIO,COMPUTE_FIRMWARE_BIOS"}}).start()
        self.cloud.run(1)

    def ok(self, method, path, body=None, as_="admin", version="placement 1.36"):
        answer = self.cloud.request(method, path, body, as_=as_, version=version)
        assert answer.status < 300, answer
        return answer.json if answer.data else None

    def image(self, disk_format="raw", **properties):
        made = self.ok("POST", "/image/v2/images", {"name": "i", "disk_format": disk_format, "visibility": "public",
                                                    "container_format": "bare", **properties})["id"]
        self.cloud.request("PUT", f"/image/v2/images/{made}/file", b"\0" * 512,
                           headers={"Content-Type": "application/octet-stream"})
        return made

    def flavor(self, **specs):
        made = self.ok("POST", f"{COMPUTE}/flavors", {"flavor": {
            "name": self.cloud.clock.uuid(), "ram": 64, "vcpus": 1, "disk": 1}})["flavor"]["id"]
        if specs:
            self.ok("POST", f"{COMPUTE}/flavors/{made}/os-extra_specs", {"extra_specs": specs})
        return made

    def boot(self, image, flavor, **more):
        body = {"server": {"name": "s", "imageRef": image, "flavorRef": flavor, "networks": "none", **more}}
        made = self.ok("POST", f"{COMPUTE}/servers", body, version="compute 2.74")["server"]["id"]
        self.cloud.run(2)
        return self.ok("GET", f"{COMPUTE}/servers/{made}")["server"]

    def place(self, image, flavor, **more):
        return self.boot(image, flavor, **more)["OS-EXT-SRV-ATTR:host"]

    def why_not(self, image, flavor):
        shown = self.boot(image, flavor)
        assert shown["status"] == "ERROR", shown
        return self.ok("GET", f"/scheduler/v1/servers/{shown['id']}/explanation")["explanation"]["lines"][-1]

    def providers(self):
        return {one["name"]: one["uuid"] for one in self.ok("GET", f"{PLACEMENT}/resource_providers")[
            "resource_providers"]}

    def traits(self, host):
        return set(self.ok("GET", f"{PLACEMENT}/resource_providers/{self.providers()[host]}/traits")["traits"])

    def aggregate(self, host, **metadata):
        body = {"aggregate": {"name": self.cloud.clock.uuid()}}
        made = self.ok("POST", f"{COMPUTE}/os-aggregates", body)["aggregate"]
        for action in ({"add_host": {"host": host}}, {"set_metadata": {"metadata": metadata}}):
            self.ok("POST", f"{COMPUTE}/os-aggregates/{made['id']}/action", action)
        return self.ok("GET", f"{COMPUTE}/os-aggregates/{made['id']}", version="compute 2.41")["aggregate"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("wishes"))
    yield made
    made.cloud.stop()


@pytest.fixture
def closed(tmp_path):
    """A world whose optional wishes are all heeded."""
    made = World(tmp_path, query_placement_for_availability_zone="true", limit_tenants_to_placement_aggregate="true",
                 enable_isolated_aggregate_filtering="true")
    yield made
    made.cloud.stop()


def test_hosts_say_what_their_drivers_can(world):
    found = world.traits("h1")
    assert {"COMPUTE_NODE", "COMPUTE_STORAGE_BUS_VIRTIO", "COMPUTE_IMAGE_TYPE_RAW", "COMPUTE_IMAGE_TYPE_VMDK",
            "CUSTOM_UNTOLD_GRAPHICS_MODEL", "CUSTOM_UNTOLD_NET_MODEL"} <= found
    assert not {"CUSTOM_UNTOLD_STORAGE_BUS", "CUSTOM_UNTOLD_MACHINE", "COMPUTE_STATUS_DISABLED"} & found


@pytest.mark.parametrize(("properties", "why"), [
    ({"hw_disk_bus": "scsi"}, "a host with hw_disk_bus=scsi (COMPUTE_STORAGE_BUS_SCSI)"),
    ({"hw_firmware_type": "uefi"}, "a host with hw_firmware_type=uefi (COMPUTE_FIRMWARE_UEFI)"),
    ({"hw_tpm_version": "2.0"}, "a host with hw_tpm_version=2.0 (COMPUTE_SECURITY_TPM_2_0)"),
    ({"disk_format": "ari", "container_format": "ari"}, "a host that boots images of the format ari")])
def test_what_no_host_has_is_named(world, properties, why):
    assert world.why_not(world.image(**properties), world.flavor()) == f"nearest miss: only {why} is not to be had"


def test_what_hosts_do_not_speak_of_stands_in_nobodys_way(world):
    image = world.image(hw_disk_bus="virtio", hw_vif_model="e1000", hw_video_model="qxl", hw_firmware_type="bios")
    assert world.boot(image, world.flavor())["status"] == "ACTIVE"


def test_accelerators_are_refused_clearly(world):
    shown = world.boot(world.image(), world.flavor(**{"accel:device_profile": "gpu"}))
    assert (shown["status"], shown["fault"]["message"]) == (
        "ERROR", "There are no accelerators here: the flavor asks for the device profile 'gpu'")


def test_a_disabled_host_bears_a_trait(world):
    image, flavor = world.image(), world.flavor()
    number = next(one["id"] for one in world.ok("GET", f"{COMPUTE}/os-services?host=h1", version="compute 2.53")[
        "services"])
    world.ok("PUT", f"{COMPUTE}/os-services/{number}", {"status": "disabled"}, version="compute 2.53")
    assert "COMPUTE_STATUS_DISABLED" in world.traits("h1")
    assert {world.place(image, flavor) for _ in range(3)} == {"h2"}
    # A host that starts anew stays disabled.
    agent = next(one for one in world.cloud.cloud.agents["compute"].hosts if one.host == "h1")
    agent.stop()
    agent.start()
    world.cloud.run(5)
    assert "COMPUTE_STATUS_DISABLED" in world.traits("h1")
    assert world.place(image, flavor, host="h1") == "h1"
    world.ok("PUT", f"{COMPUTE}/os-services/{number}", {"status": "enabled"}, version="compute 2.53")
    assert "COMPUTE_STATUS_DISABLED" not in world.traits("h1")


def test_groups_of_a_flavor_are_met_below_a_host(world):
    child, root = world.cloud.clock.uuid(), world.providers()["h2"]
    world.ok("POST", f"{PLACEMENT}/resource_providers", {"name": "cards", "uuid": child, "parent_provider_uuid": root})
    world.ok("PUT", f"{PLACEMENT}/resource_classes/CUSTOM_CARD")
    world.ok("PUT", f"{PLACEMENT}/traits/CUSTOM_QUICK")
    world.ok("PUT", f"{PLACEMENT}/resource_providers/{child}/inventories", {
        "resource_provider_generation": 0, "inventories": {"CUSTOM_CARD": {"total": 2}}})
    world.ok("PUT", f"{PLACEMENT}/resource_providers/{child}/traits", {
        "resource_provider_generation": 1, "traits": ["CUSTOM_QUICK"]})
    specs = {"resources1:CUSTOM_CARD": "1", "trait1:CUSTOM_QUICK": "required", "resources2:CUSTOM_CARD": "1",
             "group_policy": "none"}
    image = world.image()
    shown = world.boot(image, world.flavor(**specs))
    assert shown["OS-EXT-SRV-ATTR:host"] == "h2"
    claims = world.ok("GET", f"{PLACEMENT}/allocations/{shown['id']}")["allocations"]
    assert claims[child]["resources"] == {"CUSTOM_CARD": 2}
    assert claims[root]["resources"] == {"VCPU": 1, "MEMORY_MB": 64, "DISK_GB": 1}
    compute = world.cloud.cloud
    audited = next(one for one in compute.slices if one.name == "compute").audit(
        compute.services["compute"], compute.kits["compute"], False)
    assert [one for one in audited if one.id == shown["id"]] == []
    assert world.why_not(image, world.flavor(**specs)) == (
        "nearest miss: only room for the groups together is not to be had")
    apart = world.flavor(**{**specs, "group_policy": "isolate"})
    world.ok("DELETE", f"{COMPUTE}/servers/{shown['id']}")
    world.cloud.run(5)
    assert world.why_not(image, apart) == "nearest miss: only one provider for each group is not to be had"
    assert world.place(image, world.flavor(in_tree=root, **specs)) == "h2"
    below = {"resources_A:CUSTOM_CARD": "1", "resources_B:CUSTOM_CARD": "1", "same_subtree": "_A,_B",
             "group_policy": "none"}
    assert world.boot(image, world.flavor(**below))["status"] == "ERROR"


def test_aggregates_are_mirrored_and_heeded(closed):
    image, flavor = closed.image(), closed.flavor()
    zone = closed.aggregate("h1", availability_zone="cold")
    member = closed.ok("GET", f"{PLACEMENT}/resource_providers/{closed.providers()['h1']}/aggregates")
    assert member["aggregates"] == [zone["uuid"]]
    assert {closed.place(image, flavor, availability_zone="cold") for _ in range(3)} == {"h1"}
    project = closed.ok("GET", "/identity/v3/projects?name=admin")["projects"][0]["id"]
    own = closed.aggregate("h2", filter_tenant_id=project)
    assert {closed.place(image, flavor) for _ in range(3)} == {"h2"}
    closed.ok("POST", f"{COMPUTE}/os-aggregates/{own['id']}/action", {"remove_host": {"host": "h2"}})
    assert closed.ok("GET", f"{PLACEMENT}/resource_providers/{closed.providers()['h2']}/aggregates")["aggregates"] == []
    assert closed.place(image, flavor, host="h1") == "h1"


def test_aggregates_that_require_traits_are_kept_for_servers_that_do(closed):
    image = closed.image()
    closed.ok("PUT", f"{PLACEMENT}/traits/CUSTOM_LICENSED")
    provider = closed.providers()["h1"]
    seen = closed.ok("GET", f"{PLACEMENT}/resource_providers/{provider}/traits")
    closed.ok("PUT", f"{PLACEMENT}/resource_providers/{provider}/traits", {
        **seen, "traits": [*seen["traits"], "CUSTOM_LICENSED"]})
    closed.aggregate("h1", **{"trait:CUSTOM_LICENSED": "required"})
    assert {closed.place(image, closed.flavor()) for _ in range(3)} == {"h2"}
    licensed = closed.flavor(**{"trait:CUSTOM_LICENSED": "required"})
    assert closed.place(image, licensed) == "h1"
