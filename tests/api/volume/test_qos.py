"""QoS specs and the volume types that have them; default types of projects."""

ADMIN = "op:admin"
NOBODY = "11111111-2222-3333-4444-555555555555"


def test_life(storage):
    call = storage.call
    made = call("POST", "/qos-specs", {"qos_specs": {"name": "gold", "consumer": "front-end", "total_iops_sec": "500"}},
                200, ADMIN).json
    one = made["qos_specs"]["id"]
    assert made["qos_specs"] == {"id": one, "name": "gold", "consumer": "front-end", "specs": {"total_iops_sec": "500"}}
    assert made["links"]
    call("POST", "/qos-specs", {"qos_specs": {"name": "gold"}}, 409, ADMIN)
    call("POST", "/qos-specs", {"qos_specs": {"name": "lead", "consumer": "nobody"}}, 400, ADMIN)
    call("POST", "/qos-specs", {"qos_specs": {"name": " "}}, 400, ADMIN)
    path = f"/qos-specs/{one}"
    assert call("PUT", path, {"qos_specs": {"a": "1", "b": "2"}}, 200, ADMIN).json["qos_specs"] == {
        "a": "1", "b": "2"}
    call("PUT", path + "/delete_keys", {"keys": ["zzz"]}, 400, ADMIN)
    call("PUT", path + "/delete_keys", {"keys": ["b"]}, 202, ADMIN)
    assert call("GET", path, None, 200, ADMIN).json["qos_specs"]["specs"] == {"total_iops_sec": "500", "a": "1"}
    assert [row["name"] for row in call("GET", "/qos-specs", None, 200, ADMIN).json["qos_specs"]] == ["gold"]
    for method, where in (("GET", "/qos-specs"), ("GET", path), ("DELETE", path)):
        call(method, where, None, 403)
    call("GET", f"/qos-specs/{NOBODY}", None, 404, ADMIN)


def test_associations(storage):
    call = storage.call
    kind = call("POST", "/types", {"volume_type": {"name": "limited"}}, 200, ADMIN).json["volume_type"]["id"]
    body = {"consumer": "both", "total_iops_sec": "9"}
    one, two = (call("POST", "/qos-specs", {"qos_specs": {"name": name, **body}}, 200, ADMIN).json["qos_specs"]["id"]
                for name in ("one", "two"))
    path = f"/qos-specs/{one}"
    call("GET", path + "/associate", None, 400, ADMIN)
    call("GET", path + f"/associate?vol_type_id={NOBODY}", None, 404, ADMIN)
    call("GET", path + f"/associate?vol_type_id={kind}", None, 202, ADMIN)
    call("GET", f"/qos-specs/{two}/associate?vol_type_id={kind}", None, 400, ADMIN)
    assert call("GET", path + "/associations", None, 200, ADMIN).json == {"qos_associations": [
        {"association_type": "volume_type", "id": kind, "name": "limited"}]}
    assert call("GET", f"/types/{kind}", None, 200, ADMIN).json["volume_type"]["qos_specs_id"] == one
    assert "qos_specs_id" not in call("GET", f"/types/{kind}", None, 200).json["volume_type"]
    volume = storage.volume(volume_type="limited")
    body = {"attachment": {"volume_uuid": volume, "instance_uuid": NOBODY, "connector": {"host": "h"}}}
    info = call("POST", "/attachments", body, 200).json["attachment"]["connection_info"]
    assert info["qos_specs"] == {"total_iops_sec": "9"}
    call("DELETE", path, None, 400, ADMIN)
    call("GET", path + f"/disassociate?vol_type_id={kind}", None, 202, ADMIN)
    call("GET", path + f"/associate?vol_type_id={kind}", None, 202, ADMIN)
    call("GET", path + "/disassociate_all", None, 202, ADMIN)
    assert call("GET", path + "/associations", None, 200, ADMIN).json == {"qos_associations": []}
    call("GET", path + f"/associate?vol_type_id={kind}", None, 202, ADMIN)
    call("DELETE", path + "?force=True", None, 202, ADMIN)
    assert call("GET", f"/types/{kind}", None, 200, ADMIN).json["volume_type"]["qos_specs_id"] is None


def test_default_types(storage):
    call = storage.call
    kind = call("POST", "/types", {"volume_type": {"name": "mine"}}, 200, ADMIN).json["volume_type"]["id"]
    call("GET", "/default-types/alpha", None, 404, ADMIN)
    call("PUT", "/default-types/alpha", {"default_type": {"volume_type": "none such"}}, 404, ADMIN)
    assert call("PUT", "/default-types/alpha", {"default_type": {"volume_type": "mine"}}, 200, ADMIN).json == {
        "default_type": {"project_id": "alpha", "volume_type_id": kind}}
    assert call("GET", "/default-types", None, 200, ADMIN).json["default_types"] == [
        {"project_id": "alpha", "volume_type_id": kind}]
    call("GET", "/default-types", None, 403)
    call("GET", "/default-types", None, 404, ADMIN, version="3.61")
    assert storage.show(storage.volume())["volume_type"] == "mine"
    assert storage.show(storage.volume(as_="beta:member"), "beta:member")["volume_type"] == "__DEFAULT__"
    call("DELETE", f"/types/{kind}", None, 400, ADMIN)
    call("DELETE", "/default-types/alpha", None, 204, ADMIN)
    call("DELETE", "/default-types/alpha", None, 404, ADMIN)
    assert storage.show(storage.volume())["volume_type"] == "__DEFAULT__"


def test_zones_of_types(storage):
    storage.call("POST", "/types", {"volume_type": {
        "name": "elsewhere", "extra_specs": {"RESKEY:availability_zones": "mars, moon"}}}, 200, ADMIN)
    storage.call("POST", "/volumes", {"volume": {"size": 1, "volume_type": "elsewhere"}}, 400)
