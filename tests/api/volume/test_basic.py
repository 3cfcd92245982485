"""Volumes from creation to deletion."""


def test_from_creation_to_deletion(storage):
    made = storage.call("POST", "/volumes", {"volume": {"size": 1, "name": "one", "metadata": {"a": "b"}}}, 202)
    body = made.json["volume"]
    assert (body["status"], body["name"], body["metadata"]) == ("creating", "one", {"a": "b"})
    assert body["bootable"] == "false"
    assert body["volume_type"] == "__DEFAULT__"
    storage.cloud.run()
    shown = storage.show(body["id"], "op:admin")
    assert (shown["status"], shown["os-vol-host-attr:host"]) == ("available", "host1@simulated#simulated")
    assert shown["os-vol-tenant-attr:tenant_id"] == "alpha"
    assert "os-vol-host-attr:host" not in storage.show(body["id"])
    assert body["id"] in storage.cloud.cloud.services["volume"].backends.driver("simulated").observe().volumes
    storage.call("DELETE", f"/volumes/{body['id']}", None, 202)
    assert storage.status(body["id"]) == "deleting"
    storage.cloud.run()
    gone = storage.call("GET", f"/volumes/{body['id']}", None, 404)
    assert gone.json == {"itemNotFound": {"code": 404, "message": f"Volume {body['id']} could not be found."}}
    assert body["id"] not in storage.cloud.cloud.services["volume"].backends.driver("simulated").observe().volumes
