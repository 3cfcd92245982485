"""What hosts measure reaches the scheduler."""

import pytest
from stratolith.core.conformance.cloud import InProcess


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A cloud of two hosts whose scheduler prefers the less busy one."""
    made = InProcess(tmp_path_factory.mktemp("metrics"), options={
        "compute": {"hosts": "h1,h2", "address": "10.0.0.7"}, "network": {"hosts": "h1,h2"},
        "scheduler": {"enabled_weighers": "MetricsWeigher", "enabled_filters": "ComputeFilter,MetricsFilter"},
        "weighers.MetricsWeigher": {"weight_setting": "cpu.percent=-1.0"},
        "filters.MetricsFilter": {"weight_setting": "cpu.percent=-1.0"}}).start()
    yield made
    made.stop()


def hosts(cloud):
    service = cloud.cloud.services["compute"]
    service.fleet.changed()
    return {one.host: one for one in service.fleet.all()}


def test_servers_go_where_it_is_quiet(busy):
    busy.run(40)
    assert {name: one.metrics["cpu.percent"] for name, one in hosts(busy).items()} == {"h1": 0.0, "h2": 0.0}
    assert {one.address for one in hosts(busy).values()} == {"10.0.0.7"}
    flavor = busy.request("POST", "/compute/v2.1/flavors", {"flavor": {
        "name": "busy", "ram": 64, "vcpus": 2, "disk": 0}}).json["flavor"]["id"]
    image = busy.request("POST", "/image/v2/images", {"name": "i", "disk_format": "raw",
                                                      "container_format": "bare"}).json["id"]
    busy.request("PUT", f"/image/v2/images/{image}/file", b"\0" * 512,
                 headers={"Content-Type": "application/octet-stream"})
    places = []
    for _ in range(4):
        body = {"server": {"name": "s", "imageRef": image, "flavorRef": flavor, "networks": "none"}}
        made = busy.request("POST", "/compute/v2.1/servers", body, version="compute 2.37").json["server"]["id"]
        busy.run(40)
        shown = busy.request("GET", f"/compute/v2.1/servers/{made}").json["server"]
        places.append(shown["OS-EXT-SRV-ATTR:host"])
    assert sorted(places[:2]) == sorted(places[2:]) == ["h1", "h2"]
    assert all(one.metrics["cpu.percent"] > 0 for one in hosts(busy).values())


def test_metrics_of_a_host_survive_in_the_database(busy):
    with busy.cloud.kits["compute"].db.read() as tx:
        from stratolith.plugins.compute.tables import hosts as table
        rows = tx.rows(table.select())
    assert all("cpu.percent" in row.metrics for row in rows)
