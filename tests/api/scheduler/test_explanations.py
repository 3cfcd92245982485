"""Why a server is where it is: in full for administrators, in few words for tenants."""

import json

import pytest
from stratolith.plugins.scheduler.redaction import redacted

FLAVOR = "m1.tiny"


def ok(cloud, method, path, body=None, as_="demo", **more):
    answer = cloud.request(method, path, body, as_=as_, **more)
    assert answer.status < 300, answer
    return answer.json if answer.data else None


@pytest.fixture(scope="module")
def image(cloud):
    """The id of an image that is public."""
    made = ok(cloud, "POST", "/image/v2/images", {"name": "explained", "disk_format": "raw", "visibility": "public",
                                                  "container_format": "bare"}, as_="admin")
    ok(cloud, "PUT", f"/image/v2/images/{made['id']}/file", b"\0" * 512, as_="admin",
       headers={"Content-Type": "application/octet-stream"})
    return made["id"]


@pytest.fixture(scope="module")
def flavor(cloud):
    """The id of a small flavor."""
    return ok(cloud, "POST", "/compute/v2.1/flavors", {"flavor": {
        "name": "explained", "ram": 64, "vcpus": 1, "disk": 1}}, as_="admin")["flavor"]["id"]


def boot(cloud, image, flavor, **more):
    body = {"server": {"name": "s", "imageRef": image, "flavorRef": flavor, "networks": "none"}, **more}
    made = ok(cloud, "POST", "/compute/v2.1/servers", body, version="compute 2.37")["server"]["id"]
    cloud.run()
    return made


def explained(cloud, server, as_):
    return ok(cloud, "GET", f"/scheduler/v1/servers/{server}/explanation", as_=as_)["explanation"]


def test_who_found_no_host_can_read_why(cloud, image, flavor):
    other = boot(cloud, image, flavor)
    server = boot(cloud, image, flavor, **{"os:scheduler_hints": {"different_host": [other]}})
    shown = ok(cloud, "GET", f"/compute/v2.1/servers/{server}", as_="admin")["server"]
    assert shown["fault"]["message"] == "No valid host was found. There are not enough hosts available."
    full, few = explained(cloud, server, "admin"), explained(cloud, server, "demo")
    assert full["of"] == few["of"] == "failure"
    assert "DifferentHostFilter: 0 of 1 left" in full["lines"]
    assert full["lines"][-1] == ("nearest miss: DifferentHostFilter alone turned away 1 host; of one of them: "
                                 "a server of the hint different_host is there")
    assert "DifferentHostFilter: 0 of 1 left" in shown["fault"]["details"]
    assert few["lines"][0] == ("placement: there is room for DISK_GB=1, MEMORY_MB=64, VCPU=1; "
                               "asked for besides: a host that boots images of the format raw")
    assert few["lines"][-2:] == ["DifferentHostFilter: none left",
                                 "nearest miss: only DifferentHostFilter stands in the way"]
    assert "host1" not in json.dumps(few)
    assert "details" not in ok(cloud, "GET", f"/compute/v2.1/servers/{server}")["server"]["fault"]


def test_a_server_that_runs_is_explained_as_of_now(cloud, image, flavor):
    server = boot(cloud, image, flavor)
    assert explained(cloud, server, "admin")["lines"][-1] == "chosen: host1"
    assert explained(cloud, server, "demo")["lines"][-1] == "a host was chosen"
    assert explained(cloud, server, "demo")["of"] == "now"


def test_a_trial_claims_nothing(cloud, image, flavor):
    def usages():
        return ok(cloud, "GET", "/compute/v2.1/os-hypervisors/statistics", as_="admin")["hypervisor_statistics"]
    before = usages()
    trial = {"flavor": flavor, "image": image, "hints": {"same_host": "11111111-2222-4333-8444-555555555555"}}
    lines = ok(cloud, "POST", "/scheduler/v1/explanations", {"trial": trial})["explanation"]["lines"]
    assert lines[-1] == "nearest miss: only SameHostFilter stands in the way"
    lines = ok(cloud, "POST", "/scheduler/v1/explanations", {"trial": {"flavor": flavor}})["explanation"]["lines"]
    assert lines[-1] == "a host was chosen"
    assert usages() == before


@pytest.mark.parametrize("trial", [
    {"flavor": "unheard-of"}, {"flavor": "F", "image": "11111111-2222-4333-8444-555555555555"},
    {"flavor": "F", "availability_zone": "unheard-of"}, {"flavor": "F", "hints": {"a": 1}}, {}, {"flavour": "F"}])
def test_a_trial_of_what_there_is_not_is_refused(cloud, flavor, trial):
    trial = {key: flavor if value == "F" else value for key, value in trial.items()}
    answer = cloud.request("POST", "/scheduler/v1/explanations", {"trial": trial}, as_="demo")
    assert answer.status == 400, answer
    assert answer.json["error"]["code"] == "bad-request"


def test_a_trial_may_not_probe_single_hosts(cloud, flavor):
    trial = {"trial": {"flavor": flavor, "availability_zone": "nova:host1"}}
    assert cloud.request("POST", "/scheduler/v1/explanations", trial, as_="demo").status == 403
    assert ok(cloud, "POST", "/scheduler/v1/explanations", trial, as_="admin")["explanation"]["lines"][-1] == (
        "chosen: host1")


def test_a_strangers_server_is_not_explained(cloud, image, flavor):
    body = {"server": {"name": "s", "imageRef": image, "flavorRef": flavor, "networks": "none"}}
    server = ok(cloud, "POST", "/compute/v2.1/servers", body, as_="admin", version="compute 2.37")["server"]["id"]
    assert cloud.request("GET", f"/scheduler/v1/servers/{server}/explanation", as_="demo").status == 404


def test_hints_and_filters_can_be_found_out(cloud):
    hints = {one["name"]: one["filters"] for one in ok(cloud, "GET", "/scheduler/v1/hints")["hints"]}
    assert hints["same_host"] == ["SameHostFilter"]
    assert hints["group"] == ["ServerGroupAffinityFilter", "ServerGroupAntiAffinityFilter"]
    found = ok(cloud, "GET", "/scheduler/v1/filters")
    assert found["filters"][0] == {"name": "ComputeFilter", "keeps": "Hosts whose compute service is enabled and up.",
                                   "hints": [], "extra_specs": [], "image_properties": []}
    assert {one["name"]: one["multiplier"] for one in found["weighers"]}["IoOpsWeigher"] == -1.0


def test_unknown_lines_are_not_for_tenants():
    assert redacted(["host1 is full", "claim: a host was filled meanwhile: Conflict"]) == []
