"""Changes of backups, groups, QoS specs and pools are events, of the types that docs/events.md lists."""

import json

import pytest
from stratolith.core.bus.events import TOPIC

from tests.api.test_events import documented

ADMIN = "op:admin"


@pytest.fixture
def told(storage):
    """Gives the types of the events since the last time, once all work has ended."""
    found = []
    storage.cloud.cloud.bus.listen(TOPIC, lambda body: found.append(json.loads(body)["event_type"]))

    def types():
        storage.cloud.run(10)
        seen = list(found)
        found.clear()
        return seen
    return types


def test_events(storage, told):
    call, seen = storage.call, set()

    def does(method, path, body, *expected, as_=ADMIN):
        answer = call(method, path, body, as_=as_)
        assert answer.status < 300, answer
        types = told()
        rest = iter(types)
        assert all(wanted in rest for wanted in expected), types
        seen.update(types)
        return answer.json if answer.data else None
    one = does("POST", "/volumes", {"volume": {"size": 1}}, "volume.create.end")["volume"]["id"]
    act = f"/volumes/{one}/action"
    body = {"backup": {"volume_id": one}}
    kept = does("POST", "/backups", body, "backup.create.start", "backup.create.end")["backup"]["id"]
    does("PUT", f"/backups/{kept}", {"backup": {"name": "n"}}, "backup.update.end")
    does("POST", f"/backups/{kept}/restore", {"restore": {"volume_id": one}}, "backup.restore.start",
         "backup.restore.end")
    does("POST", f"/backups/{kept}/action", {"os-reset_status": {"status": "error"}}, "backup.reset_status.end")
    does("DELETE", f"/backups/{kept}", None, "backup.delete.start", "backup.delete.end")
    frozen = does("POST", "/snapshots", {"snapshot": {"volume_id": one}}, "snapshot.create.end")["snapshot"]["id"]
    does("POST", act, {"revert": {"snapshot_id": frozen}}, "volume.revert.start", "volume.revert.end")
    does("POST", f"/snapshots/{frozen}/action", {"os-unmanage": None}, "snapshot.unmanage.end")
    body = {"snapshot": {"volume_id": one, "ref": {"source-name": frozen}}}
    frozen = does("POST", "/manageable_snapshots", body, "snapshot.manage.start", "snapshot.manage.end")
    does("DELETE", f"/snapshots/{frozen['snapshot']['id']}", None, "snapshot.delete.end")
    does("POST", act, {"os-migrate_volume": {"host": "host1@plain#plain"}}, "volume.migrate.start",
         "volume.migrate.end")
    does("POST", act, {"os-unmanage": None}, "volume.unmanage.end")
    body = {"volume": {"host": "host1@plain#plain", "ref": {"source-name": one}}}
    does("POST", "/manageable_volumes", body, "volume.manage.start", "volume.manage.end")
    kind = does("POST", "/group_types", {"group_type": {"name": "k"}}, "group_type.create")["group_type"]["id"]
    does("POST", f"/group_types/{kind}/group_specs", {"group_specs": {"a": "b"}}, "group_type_specs.create")
    plain = call("GET", "/types/default", None, 200).json["volume_type"]["id"]
    body = {"group": {"group_type": kind, "volume_types": [plain]}}
    group = does("POST", "/groups", body, "group.create.end")["group"]["id"]
    does("POST", "/volumes", {"volume": {"size": 1, "group_id": group}}, "volume.create.end")
    does("PUT", f"/groups/{group}", {"group": {"name": "n"}}, "group.update.end")
    made = does("POST", "/group_snapshots", {"group_snapshot": {"group_id": group}}, "group_snapshot.create.start",
                "snapshot.create.end", "group_snapshot.create.end")["group_snapshot"]["id"]
    does("POST", "/groups/action", {"create-from-src": {"group_snapshot_id": made}}, "group.create.start",
         "group.create.end")
    does("DELETE", f"/group_snapshots/{made}", None, "group_snapshot.delete.start", "group_snapshot.delete.end")
    does("POST", f"/groups/{group}/action", {"delete": {"delete-volumes": True}}, "group.delete.start",
         "volume.delete.end", "group.delete.end")
    qos = does("POST", "/qos-specs", {"qos_specs": {"name": "q"}}, "qos_specs.create")["qos_specs"]["id"]
    does("GET", f"/qos-specs/{qos}/associate?vol_type_id={plain}", None, "qos_specs.associate")
    does("DELETE", f"/qos-specs/{qos}?force=true", None, "qos_specs.delete")
    assert seen <= set(documented())


@pytest.fixture(scope="module")
def make_options():
    return {"volume": {"backends": "simulated,plain:simulated"}}
