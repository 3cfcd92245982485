"""One request through an application: tokens, rules, bodies, answers, faults, request ids, limits, gzip."""

import json
import re

import pytest

from .conftest import Site

ID = "req-00000000-0000-4000-8000-000000000001"


def test_no_token(site):
    for token in (None, "stranger"):
        answer = site("GET", "/thing/v2/things", as_=token)
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == 'Keystone uri="http://cloud.test/identity"'
        assert answer.json["fault"]["kind"] == "unauthorized"


def test_the_rule_decides(site):
    assert site("DELETE", "/thing/v2/things/1").status == 403
    answer = site("DELETE", "/thing/v2/things/1", as_="admin")
    assert (answer.status, answer.data) == (204, b"")


def test_request_ids(site):
    answer = site("GET", "/thing/v2/things")
    assert re.fullmatch(r"req-[0-9a-f-]{36}", answer.headers["x-openstack-request-id"])
    assert answer.headers["x-thing-request-id"] == answer.headers["x-openstack-request-id"]
    assert site("GET", "/thing/v2/things", x_openstack_request_id=ID).headers["x-openstack-request-id"] == ID
    for evil in ("req-1\r\nSet-Cookie: x", "x" * 200, "req-" + "z" * 36):
        assert site("GET", "/thing/v2/things", x_openstack_request_id=evil).headers["x-openstack-request-id"] != evil
    for path in ("/thing/v2/nothing", "/thing/v2/fails/conflict"):
        assert site("GET", path, x_openstack_request_id=ID).headers["x-openstack-request-id"] == ID


def test_paths_and_methods(site):
    answer = site("GET", "/thing/v2/nothing")
    assert (answer.status, answer.json["fault"]["code"]) == (404, 404)
    answer = site("PATCH", "/thing/v2/things")
    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) >= {"GET", "POST"}
    assert answer.json["fault"]["code"] == 405
    assert site("HEAD", "/thing/v2/things").status == 200


def test_bodies_fit_their_schema(site):
    answer = site("POST", "/thing/v2/things", {"thing": {"name": "n", "size": 3}})
    assert (answer.status, answer.json["body"]) == (201, {"thing": {"name": "n", "size": 3}})
    for body in (None, {}, [], "x", {"thing": {}}, {"thing": {"name": 1}}, {"thing": {"name": "n", "more": 1}},
                 {"thing": {"name": "n" * 21}}):
        refused = site("POST", "/thing/v2/things", body)
        assert refused.status == 400, body
        assert refused.json["fault"]["message"]


@pytest.mark.parametrize("data", [b"{", b"\xff\xfe", b"{}{}", b'{"thing": {"name": "\\ud800"}}', b"[" * 1900,
                                  b'{"thing": {"name": "a\\u0000b"}}', b"nul"])
def test_what_is_no_json(site, data):
    assert site("POST", "/thing/v2/things", data).status == 400


def test_limits_of_bodies(site):
    large = json.dumps({"thing": {"name": "n" * 3000}}).encode()
    for known in (True, False):
        answer = site("POST", "/thing/v2/things", large, length=known)
        assert (answer.status, answer.json["fault"]["kind"]) == (413, "too-large")
    assert site("POST", "/thing/v2/things", b"x" * 10_000_000).status == 413


def test_raw_bodies_are_streamed(site):
    answer = site("POST", "/thing/v2/raw", b"y" * 500)
    assert (answer.status, answer.data, answer.headers["x-size"]) == (200, b"x" * 500, "500")
    assert answer.headers["content-type"].startswith("text/plain")
    assert site("POST", "/thing/v2/raw", b"y" * 1001).status == 413
    assert site("POST", "/thing/v2/raw", b"y" * 1001, length=False).status == 413


def test_actions_are_told_by_their_key(site):
    path = "/thing/v2/things/1/action"
    assert site("POST", path, {"start": {"any": "thing"}}).status == 202
    assert site("POST", path, {"stop": None}).status == 202
    for body in ({"stop": 1}, {"fly": None}, {}, [], {"start": None, "more": 1}, None):
        assert site("POST", path, body).status == 400, body
    assert site("POST", path, {"late": None}).status == 404
    assert site("POST", path, {"late": None}, x_thing_version="2.3").status == 202


def test_faults_have_the_services_form(site):
    answer = site("GET", "/thing/v2/fails/conflict")
    assert (answer.status, answer.json) == (418, {"fault": {"code": 418, "message": "it is so", "kind": "conflict"}})
    answer = site("GET", "/thing/v2/fails/busy")
    assert (answer.status, answer.headers["retry-after"]) == (503, "7")


def test_the_inside_stays_inside(site):
    answer = site("GET", "/thing/v2/fails/otherwise")
    assert answer.status == 500
    assert b"secret" not in answer.data
    assert site("GET", "/thing/v2/things").status == 200


def test_large_answers_are_zipped_for_who_likes_it(site):
    plain = site("GET", "/thing/v2/large")
    assert "content-encoding" not in plain.headers
    zipped = site("GET", "/thing/v2/large", accept_encoding="deflate, gzip")
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.unzipped == plain.data
    assert len(zipped.data) < 1000 < len(plain.data)
    assert "content-encoding" not in site("GET", "/thing/v2/things", accept_encoding="gzip").headers


def test_what_is_observed(site):
    site("GET", "/thing/v2/things/7")
    site("GET", "/thing/v2/fails/conflict")
    assert [seen[:2] for seen in site.observed] == [("GET /v2/things/{id}", 200), ("GET /v2/fails/{how}", 418)]


def test_faults_by_header_only_where_ephemeral(site):
    header = {"x_stratolith_fault": "spawn=NoSpace; apply_port = lost"}
    assert site("GET", "/thing/v2/things", **header).json["faults"] == []
    asked = Site(ephemeral=True)("GET", "/thing/v2/things", **header).json["faults"]
    assert asked == [["spawn", "NoSpace"], ["apply_port", "lost"]]
