"""What surrounds servers, in a cloud without images, networks and volumes: hosts and projects are real."""

import pytest
from stratolith.core.conformance.cloud import InProcess


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """A started cloud with only what compute's surroundings need."""
    made = InProcess(tmp_path_factory.mktemp("cloud"), services=["identity", "placement", "scheduler", "compute"])
    yield made.start()
    made.stop()


def call(cloud, path, version="2.79", as_="admin", method="GET", body=None):
    answer = cloud.request(method, "/compute/v2.1" + path, body, as_=as_, version="compute " + version)
    assert answer.status < 300, answer
    return answer.json if answer.data else None


def test_hosts_register_themselves(cloud):
    found = call(cloud, "/os-hypervisors/detail")["hypervisors"]
    assert [one["service"]["host"] for one in found] == ["host1"]
    assert found[0]["state"] == "up" and found[0]["vcpus"] > 0


def test_processes_are_listed_and_live(cloud):
    cloud.run(120)
    found = call(cloud, "/os-services")["services"]
    assert {"nova-compute", "nova-conductor", "nova-scheduler"} == {one["binary"] for one in found}
    assert {one["state"] for one in found} == {"up"}
    assert {one["zone"] for one in found} == {"nova", "internal"}


def test_uptime(cloud):
    one = call(cloud, "/os-hypervisors")["hypervisors"][0]
    assert " up " in call(cloud, f"/os-hypervisors/{one['id']}/uptime")["hypervisor"]["uptime"]


def test_zones(cloud):
    assert call(cloud, "/os-availability-zone", as_="demo")["availabilityZoneInfo"][0]["zoneName"] == "nova"
    names = [one["zoneName"] for one in call(cloud, "/os-availability-zone/detail")["availabilityZoneInfo"]]
    assert names == ["internal", "nova"]


def test_access_is_given_to_projects_that_exist(cloud):
    body = {"flavor": {"name": "private", "ram": 64, "vcpus": 1, "disk": 1, "os-flavor-access:is_public": False}}
    path = "/flavors/" + call(cloud, "/flavors", method="POST", body=body)["flavor"]["id"]
    nobody = {"addTenantAccess": {"tenant": "0" * 32}}
    assert cloud.request("POST", "/compute/v2.1" + path + "/action", nobody).status == 400
    demo = cloud.request("GET", "/identity/v3/auth/projects", as_="demo").json["projects"][0]["id"]
    call(cloud, path + "/action", method="POST", body={"addTenantAccess": {"tenant": demo}})
    assert call(cloud, path, as_="demo")["flavor"]["name"] == "private"
    assert call(cloud, f"/os-quota-sets/{demo}", as_="demo")["quota_set"]["instances"] == 10
