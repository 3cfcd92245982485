"""Types, quotas, services, pools and the documents of the API."""

import pytest

NOBODY = "11111111-2222-3333-4444-555555555555"


def new_type(storage, name, **body):
    made = storage.call("POST", "/types", {"volume_type": {"name": name, **body}}, 200, "op:admin")
    return made.json["volume_type"]["id"]


def test_types(storage):
    kind = new_type(storage, "gold", description="d", extra_specs={"volume_backend_name": "simulated",
                                                                   "multiattach": "<is> True"})
    storage.call("POST", "/types", {"volume_type": {"name": "gold"}}, 409, "op:admin")
    storage.call("POST", "/types", {"volume_type": {"name": ""}}, 400, "op:admin")
    storage.call("POST", "/types", {"volume_type": {"name": "x"}}, 403)
    seen = storage.call("GET", f"/types/{kind}", None, 200).json["volume_type"]
    assert (seen["extra_specs"], seen["is_public"]) == ({"multiattach": "<is> True"}, True)
    assert storage.call("GET", "/types/default", None, 200).json["volume_type"]["name"] == "__DEFAULT__"
    one = storage.volume(volume_type="gold")
    assert (storage.show(one)["volume_type"], storage.show(one)["multiattach"]) == ("gold", True)
    storage.call("DELETE", f"/types/{kind}", None, 400, "op:admin")
    storage.act(one, "os-retype", {"new_type": "gold"}, 400)
    storage.act(one, "os-retype", {"new_type": "__DEFAULT__"})
    assert storage.show(one)["volume_type"] == "__DEFAULT__"
    storage.call("PUT", f"/types/{kind}", {"volume_type": {"name": "silver", "is_public": False}}, 200, "op:admin")
    storage.call("DELETE", f"/types/{kind}", None, 202, "op:admin")
    storage.call("GET", f"/types/{kind}", None, 404, "op:admin")
    storage.call("GET", f"/types/{NOBODY}", None, 404)


def test_extra_specs(storage):
    path = f"/types/{new_type(storage, 'specs')}/extra_specs"
    storage.call("POST", path, {"extra_specs": {"a": "1", "b": "2"}}, 200, "op:admin")
    assert storage.call("PUT", path + "/a", {"a": "3"}, 200, "op:admin").json == {"a": "3"}
    storage.call("PUT", path + "/a", {"b": "3"}, 400, "op:admin")
    storage.call("PUT", path + "/a", {"a": "3", "b": "4"}, 400, "op:admin")
    assert storage.call("GET", path + "/a", None, 200, "op:admin").json == {"a": "3"}
    storage.call("DELETE", path + "/a", None, 202, "op:admin")
    storage.call("DELETE", path + "/a", None, 404, "op:admin")
    assert storage.call("GET", path, None, 200, "op:admin").json == {"extra_specs": {"b": "2"}}
    assert storage.call("GET", path, None, 200).json == {"extra_specs": {}}


def test_private_types(storage):
    kind = new_type(storage, "private", **{"os-volume-type-access:is_public": False})
    storage.call("POST", "/volumes", {"volume": {"size": 1, "volume_type": kind}}, 404)
    assert kind not in [one["id"] for one in storage.call("GET", "/types", None, 200).json["volume_types"]]
    storage.call("POST", f"/types/{kind}/action", {"addProjectAccess": {"project": "alpha"}}, 202, "op:admin")
    storage.call("POST", f"/types/{kind}/action", {"addProjectAccess": {"project": "alpha"}}, 409, "op:admin")
    found = storage.call("GET", f"/types/{kind}/os-volume-type-access", None, 200, "op:admin").json
    assert found == {"volume_type_access": [{"volume_type_id": kind, "project_id": "alpha"}]}
    assert storage.status(storage.volume(volume_type=kind)) == "available"
    storage.call("POST", f"/types/{kind}/action", {"removeProjectAccess": {"project": "alpha"}}, 202, "op:admin")
    storage.call("POST", f"/types/{kind}/action", {"removeProjectAccess": {"project": "alpha"}}, 404, "op:admin")


def test_encryption(storage):
    kind = new_type(storage, "secret")
    path = f"/types/{kind}/encryption"
    assert storage.call("GET", path, None, 200, "op:admin").json == {}
    body = {"provider": "luks", "key_size": 256, "cipher": "aes-xts-plain64", "control_location": "front-end"}
    storage.call("POST", f"/types/{NOBODY}/encryption", {"encryption": body}, 404, "op:admin")
    made = storage.call("POST", path, {"encryption": body}, 200, "op:admin").json["encryption"]
    storage.call("POST", "/volumes", {"volume": {"size": 1, "volume_type": kind}}, 400)
    storage.call("PUT", f"{path}/{made['encryption_id']}", {"encryption": {"key_size": 128}}, 200, "op:admin")
    assert storage.call("GET", path, None, 200, "op:admin").json["key_size"] == 128
    assert storage.call("GET", path + "/cipher", None, 200, "op:admin").json == {"cipher": "aes-xts-plain64"}
    storage.call("DELETE", f"{path}/{made['encryption_id']}", None, 202, "op:admin")
    assert storage.call("GET", path, None, 200, "op:admin").json == {}


def test_no_back_end_fits(storage):
    new_type(storage, "nowhere", extra_specs={"volume_backend_name": "gone"})
    assert storage.status(storage.volume(volume_type="nowhere")) == "error"


def test_quotas(storage):
    path, as_ = "/os-quota-sets/gamma", "gamma:member"
    assert storage.call("GET", path, None, 200, as_).json["quota_set"]["volumes"] == 10
    storage.call("GET", path, None, 403)
    storage.call("PUT", path, {"quota_set": {"volumes": 5}}, 403, as_)
    storage.call("PUT", path, {"quota_set": {"apples": 5}}, 400, "op:admin")
    storage.call("PUT", path, {"quota_set": {"volumes": -2}}, 400, "op:admin")
    storage.call("PUT", path, {"quota_set": {"volumes": 1, "gigabytes": 2, "snapshots": 1}}, 200, "op:admin")
    one = storage.volume(as_=as_)
    refused = storage.call("POST", "/volumes", {"volume": {"size": 1}}, 413, as_)
    assert "VolumeLimitExceeded" in refused.json["overLimit"]["message"]
    storage.act(one, "os-extend", {"new_size": 3}, 413, as_)
    storage.call("POST", "/snapshots", {"snapshot": {"volume_id": one}}, 202, as_)
    storage.cloud.run()
    storage.call("POST", "/snapshots", {"snapshot": {"volume_id": one}}, 413, as_)
    storage.call("PUT", path, {"quota_set": {"volumes": -1}}, 200, "op:admin")
    storage.call("POST", "/volumes", {"volume": {"size": 1}}, 413, as_)
    used = storage.call("GET", path + "?usage=True", None, 200, as_).json["quota_set"]
    assert used["gigabytes"] == {"limit": 2, "in_use": 2, "reserved": 0}
    assert used["volumes___DEFAULT__"]["in_use"] == 1
    absolute = storage.call("GET", "/limits", None, 200, as_).json["limits"]["absolute"]
    assert (absolute["totalVolumesUsed"], absolute["totalGigabytesUsed"], absolute["maxTotalSnapshots"]) == (1, 2, 1)
    storage.call("DELETE", path, None, 200, "op:admin")
    assert storage.call("GET", path, None, 200, as_).json["quota_set"]["volumes"] == 10
    assert storage.call("GET", path + "/defaults", None, 200, as_).json["quota_set"]["id"] == "gamma"


def test_quota_class(storage):
    path = "/os-quota-class-sets/default"
    storage.call("PUT", path, {"quota_class_set": {"volumes": 77}}, 200, "op:admin")
    assert storage.call("GET", path, None, 200, "op:admin").json["quota_class_set"]["volumes"] == 77
    assert storage.call("GET", "/os-quota-sets/delta", None, 200, "delta:reader").json["quota_set"]["volumes"] == 77
    storage.call("GET", path, None, 403)
    storage.call("GET", "/os-quota-class-sets/gold", None, 404, "op:admin")
    storage.call("PUT", path, {"quota_class_set": {"volumes": 10}}, 200, "op:admin")


def test_services_and_hosts(storage):
    storage.call("GET", "/os-services", None, 403)
    found = storage.call("GET", "/os-services", None, 200, "op:admin").json["services"]
    assert [(one["binary"], one["host"], one["state"]) for one in found] == [
        ("cinder-backup", "host1", "up"), ("cinder-scheduler", "host1", "up"),
        ("cinder-volume", "host1@simulated", "up")]
    which = {"host": "host1@simulated", "binary": "cinder-volume"}
    storage.call("PUT", "/os-services/disable-log-reason", {**which, "disabled_reason": None}, 400, "op:admin")
    storage.call("PUT", "/os-services/disable", {**which, "binary": "none"}, 404, "op:admin")
    storage.call("PUT", "/os-services/freeze", {"host": "none"}, 400, "op:admin")
    storage.call("PUT", "/os-services/disable-log-reason", {**which, "disabled_reason": "rest"}, 200, "op:admin")
    assert storage.status(storage.volume()) == "error"
    zones = storage.call("GET", "/os-availability-zone", None, 200).json["availabilityZoneInfo"]
    assert zones == [{"zoneName": "nova", "zoneState": {"available": False}}]
    storage.call("PUT", "/os-services/enable", which, 200, "op:admin")
    assert storage.status(storage.volume()) == "available"
    assert len(storage.call("GET", "/os-hosts", None, 200, "op:admin").json["hosts"]) == 3
    shown = storage.call("GET", "/os-hosts/host1@simulated", None, 200, "op:admin").json["host"]
    assert shown[0]["resource"]["project"] == "(total)"
    storage.call("GET", "/os-hosts/none", None, 404, "op:admin")


def test_pools(storage):
    pools = storage.call("GET", "/scheduler-stats/get_pools?detail=True", None, 200, "op:admin").json["pools"]
    assert pools[0]["name"] == "host1@simulated#simulated"
    shown = storage.call("GET", "/capabilities/host1@simulated", None, 200, "op:admin").json
    assert shown["volume_backend_name"] == pools[0]["capabilities"]["volume_backend_name"]
    storage.call("GET", "/capabilities/none", None, 404, "op:admin")


def test_documents(storage):
    top = storage.cloud.request("GET", "/volume", as_="")
    assert (top.status, top.json["versions"][0]["version"]) == (300, "3.71")
    assert storage.cloud.request("GET", "/volume/v3", as_="").status == 200
    assert "Hosts" in [one["name"] for one in storage.call("GET", "/extensions", None, 200).json["extensions"]]
    assert storage.call("GET", "/extensions", None, version="3.72").status == 406


def test_two_back_ends(make):
    cloud = make(volume={"backends": "simulated,plain:file"})
    service = cloud.cloud.services["volume"]
    admin = {"as_": "op:admin"}
    cloud.request("POST", "/volume/v3/types", {"volume_type": {
        "name": "plain", "extra_specs": {"volume_backend_name": "plain"}}}, **admin)
    made = cloud.request("POST", "/volume/v3/volumes", {"volume": {"size": 1, "volume_type": "plain"}}).json["volume"]
    copy = cloud.request("POST", "/volume/v3/volumes", {"volume": {"size": 1, "volume_type": "__DEFAULT__"}}).json
    cloud.run()
    assert made["id"] in service.backends.driver("plain").observe().volumes
    assert copy["volume"]["id"] in service.backends.driver("simulated").observe().volumes
    across = cloud.request("POST", "/volume/v3/volumes", {"volume": {
        "size": 1, "source_volid": copy["volume"]["id"], "volume_type": "plain"}}).json["volume"]
    cloud.run()
    assert across["id"] in service.backends.driver("plain").observe().volumes
    assert cloud.request("GET", f"/volume/v3/volumes/{across['id']}").json["volume"]["status"] == "available"


@pytest.fixture(scope="module")
def make_options():
    return {}
