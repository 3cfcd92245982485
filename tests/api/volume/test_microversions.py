"""Each microversion from 3.1 to the newest: what is there from it on, and is not before.

docs/volume-microversions.md is the same list for readers; a test compares the two.
"""

import re
from pathlib import Path

import pytest
from stratolith.plugins.volume.api.versions import NEWEST

ADMIN = "op:admin"
NOBODY = "11111111-2222-3333-4444-555555555555"
PAGE = Path(__file__).parents[3] / "docs" / "volume-microversions.md"
CASES = {}


def before(version):
    return f"3.{int(version.partition('.')[2]) - 1}"


def case(*versions):
    """Mark the case of some microversions; it is called with the version."""
    def mark(work):
        for version in versions:
            assert version not in CASES
            CASES[version] = work
        return work
    return mark


def appears(path, body=None, method="GET", as_=ADMIN):
    """A case: the path is not found before the version."""
    def work(storage, version):
        storage.call(method, path, body, 404, as_, version=before(version))
        assert storage.call(method, path, body, as_=as_, version=version).status < 300
    return work


def field(path, key, inside, value=None, as_=ADMIN):
    """A case: ``key`` of what ``inside`` gives is there from the version on."""
    def work(storage, version):
        where = path(storage) if callable(path) else path
        assert key not in inside(storage.call("GET", where, None, 200, as_, version=before(version)).json)
        found = inside(storage.call("GET", where, None, 200, as_, version=version).json)
        assert key in found and value in (None, found[key])
    return work


def filtered(path, query, kind):
    """A case: a filter that nothing fits is heeded from the version on."""
    def work(storage, version):
        where = f"{path}?{query}"
        assert storage.call("GET", where, None, 200, version=before(version)).json[kind]
        assert storage.call("GET", where, None, 200, version=version).json[kind] == []
    return work


def volume_path(storage):
    return f"/volumes/{storage.one}"


def of_volume(body):
    return body["volume"]


def attach_body(storage):
    return {"attachment": {"volume_uuid": storage.volume(), "instance_uuid": NOBODY}}


@case("3.1")
def upload_says_visibility(storage, version):
    for asked, there in ((before(version), False), (version, True)):
        one = storage.volume()
        body = storage.act(one, "os-volume_upload_image", {"image_name": "i", "visibility": "private"},
                           version=asked).json["os-volume_upload_image"]
        assert ("visibility" in body) == there


@case("3.2")
def bootable_is_checked(storage, version):
    assert storage.call("GET", "/volumes?bootable=perhaps", None, 200, version=before(version))
    storage.call("GET", "/volumes?bootable=perhaps", None, 400, version=version)


@case("3.5")
def messages_have_pages(storage, version):
    storage.call("GET", "/messages?resource_uuid=nothing", None, 200, version=version)
    body = {"volume_type": {"name": "nowhere", "extra_specs": {"vendor_name": "nobody"}}}
    storage.call("POST", "/types", body, 200, ADMIN)
    storage.volume(volume_type="nowhere")
    assert storage.call("GET", "/messages?resource_uuid=x", None, 200, version=before(version)).json["messages"]
    assert storage.call("GET", "/messages?resource_uuid=x", None, 200, version=version).json["messages"] == []


@case("3.6")
def empty_names_of_consistency_groups(storage, version):
    kind = storage.call("GET", "/types", None, 200).json["volume_types"][-1]["id"]
    body = {"consistencygroup": {"name": "cg", "volume_types": kind}}
    one = storage.call("POST", "/consistencygroups", body, 202).json["consistencygroup"]["id"]
    body = {"consistencygroup": {"name": "", "description": ""}}
    storage.call("PUT", f"/consistencygroups/{one}/update", body, 400, version=before(version))
    storage.call("PUT", f"/consistencygroups/{one}/update", body, 202, version=version)


@case("3.7")
def clusters(storage, version):
    appears("/clusters")(storage, version)
    field("/os-services", "cluster", lambda body: body["services"][0])(storage, version)


@case("3.8")
def manageable(storage, version):
    for kind in ("volumes", "snapshots"):
        appears(f"/manageable_{kind}?host=host1@simulated%23simulated")(storage, version)


@case("3.9", "3.43")
def backups_change(storage, version):
    path = f"/backups/{storage.backup}"
    body = {"backup": {"name": "n"} if version == "3.9" else {"metadata": {"k": "v"}}}
    storage.call("PUT", path, body, 404 if version == "3.9" else 400, version=before(version))
    storage.call("PUT", path, body, 200, version=version)
    if version == "3.43":
        field(path, "metadata", lambda body: body["backup"], {"k": "v"})(storage, version)


@case("3.13")
def groups(storage, version):
    appears("/groups")(storage, version)
    field(volume_path, "group_id", of_volume)(storage, version)


@case("3.14")
def groups_from_others(storage, version):
    appears("/group_snapshots")(storage, version)
    storage.call("POST", "/groups/action", {"create-from-src": {"source_group_id": storage.group}}, 404,
                 version=before(version))
    storage.call("POST", "/groups/action", {"create-from-src": {"source_group_id": storage.group}}, 400,
                 version=version)


@case("3.15")
def metadata_has_a_tag(storage, version):
    path = f"/volumes/{storage.one}/metadata"
    assert "etag" not in storage.call("GET", path, None, 200, version=before(version)).headers
    tag = storage.call("GET", path, None, 200, version=version).headers["etag"]
    body = {"metadata": {"tagged": "yes"}}
    storage.call("PUT", path, body, 412, version=version, headers={"If-Match": '"other"'})
    storage.call("PUT", path, body, 200, version=version, headers={"If-Match": tag})
    storage.call("PUT", path, body, 412, version=version, headers={"If-Match": tag})


@case("3.16", "3.17")
def clusters_as_places(storage, version):
    if version == "3.16":
        for asked in (before(version), version):
            storage.act(storage.one, "os-migrate_volume", {"cluster": "c"}, 400, ADMIN, version=asked)
        storage.act(storage.one, "os-migrate_volume", {"cluster": "c", "host": "x"}, 400, ADMIN, version=version)
        return
    path = "/manageable_volumes?host=host1@simulated%23simulated&cluster=c"
    storage.call("GET", path, None, 200, ADMIN, version=before(version))
    storage.call("GET", path, None, 400, ADMIN, version=version)


@case("3.19", "3.20")
def groups_are_reset(storage, version):
    path = f"/groups/{storage.group}/action" if version == "3.20" else f"/group_snapshots/{NOBODY}/action"
    body = {"reset_status": {"status": "available"}}
    refused = storage.call("POST", path, body, as_=ADMIN, version=before(version)).status
    assert refused in (400, 404)
    found = storage.call("POST", path, body, as_=ADMIN, version=version)
    assert found.status == (202 if version == "3.20" else 404)


@case("3.22")
def snapshots_by_metadata(storage, version):
    filtered("/snapshots", "metadata=%7B%27a%27%3A+%27b%27%7D", "snapshots")(storage, version)


@case("3.23")
def forced_deletes(storage, version):
    one = storage.volume()
    storage.act(one, "os-reset_status", {"status": "uploading"}, 202, ADMIN)
    storage.call("DELETE", f"/volumes/{one}?force=true", None, 400, ADMIN, version=before(version))
    storage.call("DELETE", f"/volumes/{one}?force=true", None, 202, ADMIN, version=version)
    storage.cloud.run()


@case("3.24")
def cleanup(storage, version):
    appears("/workers/cleanup", {}, "POST")(storage, version)


@case("3.26")
def failover(storage, version):
    body = {"host": "host1@simulated"}
    storage.call("PUT", "/os-services/failover", body, 404, ADMIN, version=before(version))
    storage.call("PUT", "/os-services/failover", body, 400, ADMIN, version=version)


@case("3.27")
def attachments(storage, version):
    storage.call("POST", "/attachments", attach_body(storage), 404, version=before(version))
    storage.call("POST", "/attachments", attach_body(storage), 200, version=version)


@case("3.28", "3.35")
def pools_are_filtered(storage, version):
    query = "name=none" if version == "3.28" else "volume-type=odd"
    if version == "3.35":
        body = {"volume_type": {"name": "odd", "extra_specs": {"vendor_name": "nobody"}}}
        storage.call("POST", "/types", body, 200, ADMIN)
    path = f"/scheduler-stats/get_pools?{query}"
    assert storage.call("GET", path, None, 200, ADMIN, version=before(version)).json["pools"]
    assert storage.call("GET", path, None, 200, ADMIN, version=version).json["pools"] == []


@case("3.29", "3.30", "3.37")
def sorted_lists(storage, version):
    kind = {"3.29": "group_snapshots", "3.30": "snapshots", "3.37": "backups"}[version]
    storage.call("GET", f"/{kind}?sort=name:asc&limit=1", None, 200, version=version)
    storage.call("GET", f"/{kind}?sort=colour:asc", None, 400, version=version)


@case("3.31")
def filters_as_configured(storage, version):
    filtered("/volumes", "migration_status=migrating", "volumes")(storage, version)


@case("3.32")
def levels_of_logs(storage, version):
    body = {"prefix": "stratolith"}
    storage.call("PUT", "/os-services/get-log", body, 404, ADMIN, version=before(version))
    assert storage.call("PUT", "/os-services/get-log", body, 200, ADMIN, version=version).json["log_levels"]


@case("3.34")
def like(storage, version):
    for kind in ("volumes", "backups", "snapshots", "groups"):
        filtered(f"/{kind}", "name~=nothing-like-it", kind)(storage, version)


@case("3.36")
def summary_has_metadata(storage, version):
    field("/volumes/summary", "metadata", lambda body: body["volume-summary"])(storage, version)


@case("3.38")
def groups_do_not_replicate(storage, version):
    path, body = f"/groups/{storage.group}/action", {"enable_replication": {}}
    storage.call("POST", path, body, 404, version=before(version))
    found = storage.call("POST", path, body, 400, version=version).json["badRequest"]["message"]
    assert "Replication is not enabled" in found


@case("3.39")
def limits_of_others(storage, version):
    def used(asked):
        body = storage.call("GET", "/limits?project_id=alpha", None, 200, ADMIN, version=asked).json
        return body["limits"]["absolute"]["totalVolumesUsed"]
    assert used(before(version)) == 0 and used(version) > 0


@case("3.40")
def revert(storage, version):
    one = storage.volume()
    frozen = storage.snapshot(one)
    storage.act(one, "revert", {"snapshot_id": frozen}, 404, version=before(version))
    storage.act(one, "revert", {"snapshot_id": frozen}, version=version)


@case("3.42")
def volumes_in_use_grow(storage, version):
    one = storage.volume()
    storage.act(one, "os-attach", {"instance_uuid": NOBODY, "mountpoint": "/dev/vdb"})
    storage.act(one, "os-extend", {"new_size": 2}, 400, version=before(version))
    storage.act(one, "os-extend", {"new_size": 2}, version=version)
    assert storage.show(one)["size"] == 2


@case("3.44")
def attachments_complete(storage, version):
    made = storage.call("POST", "/attachments", attach_body(storage), 200).json["attachment"]["id"]
    body = {"attachment": {"connector": {"host": "h"}}}
    storage.call("PUT", f"/attachments/{made}", body, 200)
    storage.call("POST", f"/attachments/{made}/action", {"os-complete": {}}, 404, version=before(version))
    storage.call("POST", f"/attachments/{made}/action", {"os-complete": {}}, 204, version=version)


@case("3.45")
def counts(storage, version):
    for kind in ("volumes", "snapshots", "backups"):
        field(f"/{kind}?with_count=true&limit=1", "count", lambda body: body, as_="alpha:member")(storage, version)


@case("3.46")
def images_without_data(storage, version):
    mapping = f'[{{"boot_index": 0, "source_type": "snapshot", "snapshot_id": "{storage.frozen}"}}]'
    image = storage.image(b"", block_device_mapping=mapping)
    made = storage.call("POST", "/volumes", {"volume": {"size": 1, "imageRef": image}}, 202, version=version).json
    storage.cloud.run()
    assert storage.show(made["volume"]["id"])["snapshot_id"] == storage.frozen


@case("3.47")
def volumes_of_backups(storage, version):
    for asked in (before(version), version):
        body = {"volume": {"size": 1, "backup_id": storage.backup}}
        made = storage.call("POST", "/volumes", body, 202, version=asked).json["volume"]["id"]
        status = storage.call("GET", f"/backups/{storage.backup}", None, 200).json["backup"]["status"]
        assert (status == "restoring") == (asked == version)
        storage.cloud.run()
        assert storage.status(made) == "available"


@case("3.48")
def services_of_volumes(storage, version):
    for key in ("shared_targets", "service_uuid"):
        field(volume_path, key, of_volume)(storage, version)


@case("3.49")
def states_of_back_ends(storage, version):
    field("/os-services?binary=cinder-volume", "backend_state", lambda body: body["services"][0], "up")(
        storage, version)


@case("3.50")
def many_servers(storage, version):
    body = {"volume_type": {"name": "shared", "extra_specs": {"multiattach": "<is> True"}}}
    storage.call("POST", "/types", body, 200, ADMIN)
    one = storage.volume(volume_type="shared")
    assert storage.show(one)["multiattach"] is True
    for server in (NOBODY, NOBODY.replace("1", "2")):
        body = {"attachment": {"volume_uuid": one, "instance_uuid": server, "connector": {"host": "h"}}}
        made = storage.call("POST", "/attachments", body, 200, version=version).json["attachment"]["id"]
        storage.call("POST", f"/attachments/{made}/action", {"os-complete": {}}, 204, version=version)
    assert len(storage.show(one)["attachments"]) == 2


@case("3.51")
def zones_of_backups(storage, version):
    body = {"backup": {"volume_id": storage.one, "availability_zone": "nova"}}
    storage.call("POST", "/backups", body, 400, version=before(version))
    storage.call("POST", "/backups", body, 202, version=version)
    storage.cloud.run()


@case("3.52")
def types_by_specs(storage, version):
    filtered("/types", "extra_specs=%7B%27none%27%3A+%27such%27%7D", "volume_types")(storage, version)


@case("3.53")
def bodies_are_strict(storage, version):
    body = {"volume": {"size": 1, "status": "error"}}
    storage.call("POST", "/volumes", body, 202, version=before(version))
    storage.call("POST", "/volumes", body, 400, version=version)
    path = f"/volumes/{storage.one}"
    storage.call("PUT", path, {"volume": {}}, 200, version=before(version))
    storage.call("PUT", path, {"volume": {}}, 400, version=version)
    storage.cloud.run()


@case("3.54")
def modes_of_attachments(storage, version):
    for asked, mode in ((before(version), "rw"), (version, "ro")):
        body = attach_body(storage)
        body["attachment"]["mode"] = "ro"
        made = storage.call("POST", "/attachments", body, 200, version=asked).json["attachment"]
        assert made["attach_mode"] == mode


@case("3.55", "3.57", "3.59")
def transfers(storage, version):
    if version == "3.59":
        for _ in range(2):
            storage.call("POST", "/volume-transfers", {"transfer": {"volume_id": storage.volume()}}, 202)
        assert len(storage.call("GET", "/volume-transfers?limit=1", None, 200,
                                version=before(version)).json["transfers"]) > 1
        assert len(storage.call("GET", "/volume-transfers?limit=1", None, 200, version=version).json["transfers"]) == 1
        return
    one = storage.volume()
    frozen = storage.snapshot(one)
    if version == "3.55":
        appears("/volume-transfers")(storage, version)
        storage.call("POST", "/os-volume-transfer", {"transfer": {"volume_id": one}}, 400, version=before(version))
    made = storage.call("POST", "/volume-transfers", {"transfer": {"volume_id": one}}, 202, version=version).json
    key, path = made["transfer"]["auth_key"], f"/volume-transfers/{made['transfer']['id']}"
    if version == "3.57":
        field(path, "source_project_id", lambda body: body["transfer"], "alpha")(storage, version)
    storage.call("POST", path + "/accept", {"accept": {"auth_key": key}}, 202, "beta:member", version=version)
    storage.call("GET", f"/snapshots/{frozen}", None, 200, "beta:member")
    storage.call("GET", f"/snapshots/{frozen}", None, 404)


@case("3.60")
def by_time(storage, version):
    filtered("/volumes", "created_at=gt:2100-01-01T00:00:00", "volumes")(storage, version)


@case("3.65")
def quota_is_consumed(storage, version):
    field(volume_path, "consumes_quota", of_volume, True)(storage, version)
    field(lambda storage: f"/snapshots/{storage.frozen}", "consumes_quota", lambda body: body["snapshot"], True)(
        storage, version)
    for kind in ("volumes", "snapshots"):
        filtered(f"/{kind}", "consumes_quota=false", kind)(storage, version)


@case("3.66")
def snapshots_without_force(storage, version):
    one = storage.volume()
    storage.act(one, "os-attach", {"instance_uuid": NOBODY, "mountpoint": "/dev/vdb"})
    storage.call("POST", "/snapshots", {"snapshot": {"volume_id": one}}, 400, version=before(version))
    storage.call("POST", "/snapshots", {"snapshot": {"volume_id": one}}, 202, version=version)
    storage.call("POST", "/snapshots", {"snapshot": {"volume_id": one, "force": False}}, 400, version=version)
    storage.call("POST", "/snapshots", {"snapshot": {"volume_id": one, "force": True}}, 202, version=version)
    storage.cloud.run()


@case("3.67")
def without_a_project(storage, version):
    storage.call("GET", "/volumes", None, 200, version=version)
    storage.call("GET", "/0123456789abcdef0123456789abcdef/volumes", None, 200,
                 "0123456789abcdef0123456789abcdef:member", version=version)


@case("3.68")
def reimage(storage, version):
    image, one = storage.image(b"x"), storage.volume()
    storage.act(one, "os-reimage", {"image_id": image}, 404, version=before(version))
    storage.act(one, "os-reimage", {"image_id": image}, version=version)


@case("3.64", "3.69", "3.70")
def nothing_is_encrypted_or_shared(storage, version):
    found = storage.show(storage.one, version=version)
    assert "encryption_key_id" not in found and found["encrypted"] is False and found["shared_targets"] is False
    body = {"volume_type": {"name": f"secret {version}"}}
    kind = storage.call("POST", "/types", body, 200, ADMIN).json["volume_type"]
    body = {"encryption": {"provider": "luks", "control_location": "front-end"}}
    storage.call("POST", f"/types/{kind['id']}/encryption", body, 200, ADMIN)
    storage.call("POST", "/volumes", {"volume": {"size": 1, "volume_type": kind["id"]}}, 400, version=version)


@case("3.71")
def extensions_complete(storage, version):
    body = {"error": False}
    storage.act(storage.one, "os-extend_volume_completion", body, 404, ADMIN, version=before(version))
    found = storage.act(storage.one, "os-extend_volume_completion", body, 400, ADMIN, version=version)
    assert "not waiting" in found.json["badRequest"]["message"]


CASES.update({
    "3.3": appears("/messages"), "3.11": appears("/group_types"), "3.12": appears("/volumes/summary"),
    "3.33": appears("/resource_filters"), "3.62": appears("/default-types"),
    "3.4": filtered("/volumes", "glance_metadata=%7B%27a%27%3A+%27b%27%7D", "volumes"),
    "3.10": filtered("/volumes", f"group_id={NOBODY}", "volumes"),
    "3.18": field(lambda storage: f"/backups/{storage.backup}", "os-backup-project-attr:project_id",
                  lambda body: body["backup"], "alpha"),
    "3.21": field(volume_path, "provider_id", of_volume),
    "3.25": field(lambda storage: f"/groups/{storage.group}?list_volume=True", "volumes", lambda body: body["group"]),
    "3.41": field(lambda storage: f"/snapshots/{storage.frozen}", "user_id", lambda body: body["snapshot"],
                  "user-alpha"),
    "3.56": field(lambda storage: f"/backups/{storage.backup}", "user_id", lambda body: body["backup"], "user-alpha"),
    "3.58": field(lambda storage: f"/groups/{storage.group}", "project_id", lambda body: body["group"], "alpha"),
    "3.61": field(volume_path, "cluster_name", of_volume),
    "3.63": field(volume_path, "volume_type_id", of_volume)})


@pytest.fixture(scope="module", autouse=True)
def things(storage):
    """One of each noun."""
    storage.one = storage.volume(name="one")
    storage.frozen = storage.snapshot(storage.one, name="frozen")
    body = {"backup": {"volume_id": storage.one, "name": "kept"}}
    storage.backup = storage.call("POST", "/backups", body, 202).json["backup"]["id"]
    kind = storage.call("POST", "/group_types", {"group_type": {"name": "k"}}, 202, ADMIN).json["group_type"]["id"]
    types = [storage.call("GET", "/types", None, 200).json["volume_types"][-1]["id"]]
    body = {"group": {"name": "g", "group_type": kind, "volume_types": types}}
    storage.group = storage.call("POST", "/groups", body, 202).json["group"]["id"]
    storage.cloud.run()


@pytest.fixture(scope="module")
def make_options():
    return {"volume": {"quota_volumes": -1, "quota_snapshots": -1, "quota_backups": -1}}


ALL = [f"3.{minor}" for minor in range(1, int(NEWEST.partition(".")[2]) + 1)]


@pytest.mark.parametrize("version", ALL)
def test_microversion(storage, version):
    CASES[version](storage, version)


def test_the_page_lists_them_all():
    rows = re.findall(r"^\| (3\.\d+) \|", PAGE.read_text(), re.MULTILINE)
    assert rows == ALL
