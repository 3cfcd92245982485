"""The list of revocations, the events of OS-REVOKE and the public keys, as other services read them."""

import json

import pytest
from stratolith.core.conformance.cloud import InProcess


def part(api, since=0, **more):
    return api.ok("GET", f"/auth/revocations?since={since}", **more)["revocations"]


def subjects(found):
    return {(one["subject"], one["final"]) for one in found["entries"]}


def test_a_revoked_token_is_listed_once_and_only_what_is_new_is_told(api):
    user, project = api.person()
    token = api.token(user)
    before = part(api)["number"]
    audit = api.validate(token).json["token"]["audit_ids"][0]
    api.ok("DELETE", "/auth/tokens", token=token, headers={"X-Subject-Token": token})
    news = part(api, before)
    assert (news["since"], news["number"]) == (before, before + 1)
    assert subjects(news) == {(f"audit:{audit}", True)}
    assert part(api, news["number"])["entries"] == []


def test_entries_say_when_and_for_how_long_one_should_ask(api, cloud):
    user, _ = api.person()
    before = part(api)["number"]
    cloud.clock.advance(1)
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"enabled": False}})
    news = part(api, before)
    assert (f"user:{user['id']}", True) in subjects(news)
    assert all(one["issued_before"] == pytest.approx(cloud.clock.time()) for one in news["entries"])
    assert news["margin_s"] >= 1


def test_a_number_of_another_time_gets_everything(api):
    everything = part(api)
    again = part(api, everything["number"] + 1000)
    assert again["since"] == 0 and again["entries"] == everything["entries"]


def test_one_entry_a_subject(api):
    user, _ = api.person()
    for _ in range(3):
        api.ok("PATCH", f"/users/{user['id']}", {"user": {"password": "new"}})
    found = [(one["subject"], one["final"]) for one in part(api)["entries"]]
    assert found.count((f"user:{user['id']}", True)) == 1 and len(set(found)) == len(found)


def test_a_change_of_the_catalog_makes_nobody_ask(api):
    before = part(api)["number"]
    api.make("service", type="x")
    assert part(api, before)["entries"] == []


def test_changed_roles_of_a_user_concern_that_user_only(api):
    user, project = api.make("user"), api.make("project")
    before = part(api)["number"]
    api.grant(user, "member", project)
    assert subjects(part(api, before)) == {(f"user:{user['id']}", False)}


def test_entries_go_when_no_token_is_as_old(api, cloud):
    user, _ = api.person()
    api.ok("DELETE", f"/users/{user['id']}")
    assert part(api)["entries"]
    cloud.clock.advance(3601)
    cloud._tokens.clear()
    assert part(api)["entries"] == []


def test_the_list_is_bounded_and_says_from_when_on_it_is_whole(tmp_path):
    cloud = InProcess(tmp_path, services=["identity"],
                      options={"identity": {"revocation_list_limit": "3"}}).start()
    try:
        users = [cloud.request("POST", "/identity/v3/users", {"user": {"name": f"u{number}"}}).json["user"]["id"]
                 for number in range(6)]
        for user in users:
            cloud.clock.advance(1)
            cloud.request("PATCH", f"/identity/v3/users/{user}", {"user": {"password": "x"}})
        found = cloud.request("GET", "/identity/v3/auth/revocations").json["revocations"]
        assert [one["subject"] for one in found["entries"]][-1] == f"user:{users[-1]}"
        assert len(found["entries"]) == 3
        assert 0 < found["floor"] <= found["entries"][0]["issued_before"]
    finally:
        cloud.stop()


def test_events(api, cloud):
    user, _ = api.person()
    cloud.clock.advance(10)
    now = cloud.clock.now().isoformat() + "Z"
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"enabled": False}})
    events = api.ok("GET", f"/OS-REVOKE/events?since={now}")["events"]
    assert events == [{"user_id": user["id"], "issued_before": cloud.clock.now().isoformat() + ".000000Z"}] or (
        [one["user_id"] for one in events] == [user["id"]])
    later = (cloud.clock.now().replace(year=2040)).isoformat()
    body = api.ok("GET", f"/OS-REVOKE/events?since={later}")
    assert body["events"] == [] and set(body["links"]) == {"self", "previous", "next"}


@pytest.mark.parametrize("since", ["x", "2030-13-01", "%00", "-1", "9" * 400])
def test_a_moment_that_is_none(api, since):
    assert api.request("GET", f"/OS-REVOKE/events?since={since}").status == 400


def test_the_lists_are_for_services_and_administrators(api):
    user, project = api.person()
    token = api.token(user, scope={"project": {"id": project["id"]}})
    for path in ("/auth/revocations", "/OS-REVOKE/events"):
        assert api.request("GET", path, token=token).status == 403
        assert api.request("GET", path, as_=None).status == 401
    api.grant(user, "service", project)
    for path in ("/auth/revocations", "/OS-REVOKE/events"):
        assert api.request("GET", path, token=token).status == 200


def test_fernet_publishes_no_key(api):
    answer = api.request("GET", "/auth/jwks", as_=None)
    assert answer.json == {"keys": []} and "max-age" in answer.headers["cache-control"]


def test_signed_tokens_publish_theirs(tmp_path):
    cloud = InProcess(tmp_path, services=["identity"], options={"identity": {"tokens": "jws"}}).start()
    try:
        keys = cloud.request("GET", "/identity/v3/auth/jwks", as_=None).json["keys"]
        assert len(keys) == 2 and all(key["alg"] == "ES256" and "d" not in key for key in keys)
        assert "d" not in json.dumps([sorted(key) for key in keys]).replace('"kid"', "")
        assert cloud.request("GET", "/identity/v3/projects").status == 200
    finally:
        cloud.stop()
