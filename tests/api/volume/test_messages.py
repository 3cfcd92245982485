"""Messages: what failed behind an accepted request, for a while."""

import datetime

import pytest

ADMIN = "op:admin"
NOBODY = "11111111-2222-3333-4444-555555555555"


def listed(storage, query="", as_="alpha:member", **more):
    return storage.call("GET", f"/messages?{query}", None, 200, as_, **more).json["messages"]


def refused(storage):
    """A volume that no back end takes."""
    body = {"volume_type": {"name": "none", "extra_specs": {"vendor_name": "nobody"}}}
    storage.call("POST", "/types", body, as_=ADMIN)
    one = storage.volume(volume_type="none")
    assert storage.status(one) == "error"
    return one


def test_life(storage):
    one = refused(storage)
    found = next(message for message in listed(storage) if message["resource_uuid"] == one)
    assert {**found, "id": "", "links": "", "request_id": "", "created_at": "", "guaranteed_until": ""} == {
        "id": "", "links": "", "request_id": "", "created_at": "", "guaranteed_until": "", "message_level": "ERROR",
        "event_id": "VOLUME_VOLUME_001_003", "resource_type": "VOLUME", "resource_uuid": one,
        "user_message": "schedule allocate volume:Could not find any available weighted backend."}
    made, end = (datetime.datetime.fromisoformat(found[key]) for key in ("created_at", "guaranteed_until"))
    assert end - made == datetime.timedelta(days=30)
    path = f"/messages/{found['id']}"
    assert storage.call("GET", path, None, 200).json["message"] == found
    storage.call("GET", path, None, 404, "beta:member")
    storage.call("GET", path, None, 404, version="3.2")
    storage.call("DELETE", path, None, 403, "alpha:reader")
    storage.call("DELETE", path, None, 204)
    storage.call("DELETE", path, None, 404)


def test_lists(storage):
    ids = [refused(storage)]
    storage.cloud.clock.advance(1)
    ids.append(refused(storage))
    assert [one["resource_uuid"] for one in listed(storage)][:2] == ids[::-1]
    assert [one["resource_uuid"] for one in listed(storage, f"resource_uuid={ids[0]}")] == ids[:1]
    assert [one["resource_uuid"] for one in listed(storage, "sort=created_at:asc&limit=1")] == ids[:1]
    assert listed(storage, "event_id=VOLUME_VOLUME_009_009") == []
    assert len(listed(storage, "limit=1", version="3.4")) == 1
    page = storage.call("GET", "/messages?limit=1", None, 200).json
    assert "messages_links" in page
    storage.call("GET", "/messages?limit=-1", None, 400)
    storage.call("GET", f"/messages?marker={NOBODY}", None, 404)


@pytest.mark.parametrize(("verb", "work", "event"), [
    ("create", lambda storage, one: storage.volume(), "VOLUME_VOLUME_008_012"),
    ("extend", lambda storage, one: storage.act(one, "os-extend", {"new_size": 2}), "VOLUME_VOLUME_007_010"),
    ("snapshot", lambda storage, one: storage.snapshot(one), "VOLUME_VOLUME_SNAPSHOT_009_013"),
    ("delete", lambda storage, one: (storage.call("DELETE", f"/volumes/{one}", None, 202), storage.cloud.run()),
     "VOLUME_VOLUME_902_903")])
def test_failures_tell(storage, verb, work, event):
    one = storage.volume()
    driver = storage.cloud.cloud.services["volume"].backends.driver("simulated")
    driver.fail(verb)
    work(storage, one)
    driver.heal()
    assert event in [message["event_id"] for message in listed(storage)]


def test_a_connection_that_fails_tells(storage):
    one = storage.volume()
    driver = storage.cloud.cloud.services["volume"].backends.driver("simulated")
    driver.fail("connect")
    body = {"attachment": {"volume_uuid": one, "instance_uuid": NOBODY, "connector": {"host": "h"}}}
    storage.call("POST", "/attachments", body, 500)
    assert "VOLUME_VOLUME_002_906" in [message["event_id"] for message in listed(storage)]


def test_messages_expire(storage):
    refused(storage)
    assert listed(storage)
    storage.cloud.clock.advance(31 * 24 * 3600)
    assert listed(storage) == []
    messages = storage.cloud.cloud.services["volume"].messages
    messages.reap()
    with storage.cloud.cloud.kits["volume"].db.read() as tx:
        from stratolith.plugins.volume.tables import messages as table
        assert tx.rows(table.select()) == []
