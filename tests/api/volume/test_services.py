"""Services, clusters, the taking up of unfinished work, levels of logs, filters of lists and of pools."""

import logging

ADMIN = "op:admin"


def test_freeze_and_failover(storage):
    call, host = storage.call, "host1@simulated"
    call("PUT", "/os-services/freeze", {"host": host}, 200, ADMIN)
    assert storage.status(storage.volume()) == "error"
    call("PUT", "/os-services/thaw", {"host": host}, 200, ADMIN)
    assert storage.status(storage.volume()) == "available"
    for action in ("freeze", "thaw", "failover_host", "failover"):
        call("PUT", f"/os-services/{action}", {"host": host}, 403)
        call("PUT", f"/os-services/{action}", {"host": "none"}, 400, ADMIN)
        call("PUT", f"/os-services/{action}", {}, 400, ADMIN)
        call("PUT", f"/os-services/{action}", {"cluster": "c"}, 400, ADMIN)
    refused = call("PUT", "/os-services/failover_host", {"host": host}, 400, ADMIN)
    assert "does not replicate" in refused.json["badRequest"]["message"]


def test_levels_of_logs(storage):
    call, name = storage.call, "stratolith.volume.of-this-test"
    logger = logging.getLogger(name)
    asked = {"binary": "cinder-volume", "prefix": name}
    call("PUT", "/os-services/set-log", {**asked, "level": "loud"}, 400, ADMIN)
    call("PUT", "/os-services/set-log", {**asked, "level": "debug"}, 403)
    call("PUT", "/os-services/set-log", {**asked, "level": "debug"}, 404, ADMIN, version="3.31")
    call("PUT", "/os-services/set-log", {**asked, "level": "debug"}, 202, ADMIN)
    assert logger.level == logging.DEBUG
    found = call("PUT", "/os-services/get-log", asked, 200, ADMIN).json["log_levels"]
    assert found == [{"binary": "cinder-volume", "host": "host1@simulated", "levels": {name: "DEBUG"}}]
    call("PUT", "/os-services/set-log", {**asked, "level": "ERROR", "server": "elsewhere"}, 202, ADMIN)
    assert logger.level == logging.DEBUG
    assert len(call("PUT", "/os-services/get-log", {"prefix": name}, 200, ADMIN).json["log_levels"]) == 4


def test_clusters(storage):
    for path in ("/clusters", "/clusters/detail"):
        assert storage.call("GET", path, None, 200, ADMIN).json == {"clusters": []}
    storage.call("GET", "/clusters/one", None, 404, ADMIN)
    storage.call("PUT", "/clusters/enable", {"name": "one"}, 404, ADMIN)
    storage.call("PUT", "/clusters/disable", {"name": "one"}, 404, ADMIN)
    storage.call("GET", "/clusters", None, 403)
    storage.call("GET", "/clusters", None, 404, ADMIN, version="3.6")


def test_cleanup(storage):
    call = storage.call
    assert call("POST", "/workers/cleanup", {}, 202, ADMIN).json == {"cleaning": [], "unavailable": []}
    found = call("POST", "/workers/cleanup", {"is_up": True}, 202, ADMIN).json
    assert [(one["host"], one["binary"]) for one in found["cleaning"]] == [("host1@simulated", "cinder-volume")]
    number = found["cleaning"][0]["id"]
    assert call("POST", "/workers/cleanup", {"is_up": True, "service_id": number}, 202, ADMIN).json == found
    assert call("POST", "/workers/cleanup", {"is_up": True, "service_id": 1}, 202, ADMIN).json["cleaning"] == []
    assert call("POST", "/workers/cleanup", {"cluster_name": "c"}, 202, ADMIN).json["cleaning"] == []
    call("POST", "/workers/cleanup", {"colour": "red"}, 400, ADMIN)
    call("POST", "/workers/cleanup", {}, 403)


def test_resource_filters(storage):
    found = storage.call("GET", "/resource_filters", None, 200).json["resource_filters"]
    assert {"volume", "backup", "snapshot", "group", "message", "pool"} <= {one["resource"] for one in found}
    one = storage.call("GET", "/resource_filters?resource=backup", None, 200).json["resource_filters"]
    assert one == [{"resource": "backup", "filters": ["name", "status", "volume_id"]}]
    storage.call("GET", "/resource_filters", None, 404, version="3.32")


def test_pools(storage):
    call, path = storage.call, "/scheduler-stats/get_pools"
    name = "host1@simulated#simulated"
    assert [one["name"] for one in call("GET", path, None, 200, ADMIN).json["pools"]] == [name]
    for query, count in (("name=none", 0), (f"name={name.replace('#', '%23')}", 1), ("storage_protocol=iSCSI", 0),
                         ("volume-type=odd", 0)):
        if "type" in query:
            body = {"volume_type": {"name": "odd", "extra_specs": {"vendor_name": "nobody"}}}
            call("POST", "/types", body, 200, ADMIN)
        assert len(call("GET", f"{path}?{query}", None, 200, ADMIN).json["pools"]) == count, query
        assert len(call("GET", f"{path}?{query}", None, 200, ADMIN, version="3.27").json["pools"]) == 1
    detail = call("GET", f"{path}?detail=True", None, 200, ADMIN).json["pools"][0]["capabilities"]
    assert detail["replication_enabled"] is False and detail["consistent_group_snapshot_enabled"] is True
