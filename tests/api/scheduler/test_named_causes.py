"""A thousand boots fail, each for one reason put there on purpose; the explanation names that reason."""

import random

import pytest
from stratolith.core.conformance.cloud import InProcess
from stratolith.plugins.scheduler.options import FILTERS

FAILURES = 1000
NAMED = 0.99
HOSTS = ["h0", "h1", "h2", "h3"]
SIZE = {"vcpus": 1, "ram": 64, "disk": 1}


class Causes:
    """A small cloud, and ways to make a boot fail in it. Each gives what a boot asks and what must be named."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.flavors = {}
        self.image = self._image("plain")
        self.crowd = self.ok("POST", "/compute/v2.1/os-server-groups", {
            "server_group": {"name": "apart", "policy": "anti-affinity"}})["server_group"]["id"]
        for _ in HOSTS:
            self.boot({}, hints={"group": self.crowd})

    def ok(self, method, path, body=None):
        answer = self.cloud.request(method, path, body, as_="admin", version="compute 2.64")
        assert answer.status < 300, answer
        return answer.json if answer.data else None

    def _image(self, name, **properties):
        made = self.ok("POST", "/image/v2/images", {"name": name, "disk_format": "raw", "container_format": "bare",
                                                    **properties})["id"]
        answer = self.cloud.request("PUT", f"/image/v2/images/{made}/file", b"\0" * 512, as_="admin",
                                    headers={"Content-Type": "application/octet-stream"})
        assert answer.status == 204
        return made

    def flavor(self, specs=(), **size):
        """The id of a flavor with this size and these extra specs."""
        key = (tuple(specs), tuple(sorted(size.items())))
        if key not in self.flavors:
            made = self.ok("POST", "/compute/v2.1/flavors", {"flavor": {
                "name": f"f{len(self.flavors)}", **SIZE, **size}})["flavor"]["id"]
            if specs:
                self.ok("POST", f"/compute/v2.1/flavors/{made}/os-extra_specs", {"extra_specs": dict(specs)})
            self.flavors[key] = made
        return self.flavors[key]

    def boot(self, asked, hints=None):
        """A server that was asked for, once all has settled."""
        body = {"server": {"name": "s", "imageRef": self.image, "flavorRef": self.flavor(), "networks": "none",
                           **asked}}
        if hints:
            body["os:scheduler_hints"] = hints
        made = self.ok("POST", "/compute/v2.1/servers", body)["server"]["id"]
        self.cloud.run()
        return made

    # Each reason: what is asked, the hints, and the words that name it.

    def too_large(self, draw):
        """More of one class than any host has."""
        name, class_, unit = draw.choice((("vcpus", "VCPU", 10_000), ("ram", "MEMORY_MB", 10_000_000),
                                          ("disk", "DISK_GB", 100_000)))
        amount = unit + draw.randrange(5)
        return {"flavorRef": self.flavor(**{name: amount})}, None, f"{class_}={amount}"

    def no_trait(self, draw):
        """A trait that no host has."""
        name = draw.choice(("HW_CPU_X86_AVX512F", "HW_GPU_API_VULKAN", "STORAGE_DISK_SSD"))
        return {"flavorRef": self.flavor([(f"trait:{name}", "required")])}, None, name

    def every_trait_refused(self, draw):
        """A trait that all hosts have is forbidden."""
        return {"flavorRef": self.flavor([("trait:COMPUTE_NODE", "forbidden")])}, None, "COMPUTE_NODE"

    def only_class(self, draw):
        """A resource class that no host offers."""
        name = draw.choice(("VGPU", "NET_BW_EGR_KILOBIT_PER_SEC"))
        return {"flavorRef": self.flavor([(f"resources:{name}", "1")])}, None, f"{name}=1"

    def capability(self, draw):
        """A capability that no host has."""
        key, value = draw.choice((("capabilities:hypervisor_type", "QEMU"),
                                  ("capabilities:hypervisor_version", ">= 9000000")))
        return {"flavorRef": self.flavor([(key, value)])}, None, "ComputeCapabilitiesFilter"

    def architecture(self, draw):
        """An image for other processors."""
        name = draw.choice(("aarch64", "ppc64le", "s390x"))
        if name not in self.flavors:
            self.flavors[name] = self._image(name, hw_architecture=name)
        return {"imageRef": self.flavors[name]}, None, "ImagePropertiesFilter"

    def same_host(self, draw):
        """Beside a server that is on no host of ours."""
        return {}, {"same_host": ["6d1d6b24-5f9b-4b7e-8a53-7d4de0b5cf0c"]}, "SameHostFilter"

    def different_host(self, draw):
        """On no host at all: each has a server named in the hint."""
        return {}, {"different_host": self.everywhere()}, "DifferentHostFilter"

    def apart(self, draw):
        """Apart from a group that is on every host."""
        return {}, {"group": self.crowd}, "ServerGroupAntiAffinityFilter"

    def everywhere(self):
        """Servers that together are on all hosts."""
        return self.ok("GET", f"/compute/v2.1/os-server-groups/{self.crowd}")["server_group"]["members"]

    def condition(self, draw):
        """A condition in JSON that no host meets."""
        return {}, {"query": f'[">=", "$free_ram_mb", {10_000_000 + draw.randrange(9)}]'}, "JsonFilter"


REASONS = ("too_large", "no_trait", "every_trait_refused", "only_class", "capability", "architecture", "same_host",
           "different_host", "apart", "condition")


@pytest.fixture(scope="module")
def causes(tmp_path_factory):
    """Four hosts, with all filters that tenants can reach by words of theirs."""
    filters = ", ".join(dict.fromkeys([*FILTERS, "SameHostFilter", "DifferentHostFilter", "JsonFilter"]))
    made = InProcess(tmp_path_factory.mktemp("causes"), seed=5, options={
        "compute": {"hosts": ", ".join(HOSTS)}, "network": {"hosts": ", ".join(HOSTS)},
        "scheduler": {"enabled_filters": filters}}).start()
    made.run(1)
    project = made.request("GET", "/identity/v3/projects?name=admin").json["projects"][0]["id"]
    assert made.request("PUT", f"/compute/v2.1/os-quota-sets/{project}", {
        "quota_set": {"instances": -1, "cores": -1, "ram": -1, "server_group_members": -1}}).status == 200
    yield Causes(made)
    made.cloud.stop()


def test_the_explanation_names_the_reason_put_there(causes):
    draw, wrong = random.Random(11), []
    for number in range(FAILURES):
        reason = REASONS[number % len(REASONS)]
        asked, hints, words = getattr(causes, reason)(draw)
        server = causes.boot(asked, hints)
        shown = causes.ok("GET", f"/scheduler/v1/servers/{server}/explanation")["explanation"]
        assert shown["of"] == "failure", (reason, shown)
        misses = [line for line in shown["lines"] if line.startswith("nearest miss")]
        if len(misses) != 1 or words not in misses[0]:
            wrong.append((reason, words, shown["lines"]))
        causes.ok("DELETE", f"/compute/v2.1/servers/{server}")
    causes.cloud.run()
    assert len(wrong) <= FAILURES * (1 - NAMED), wrong[:10]
