"""Query parameters: kinds, numbers of values, strictness; formats of bodies."""

import pytest
from stratolith.core.errors import BadRequest
from stratolith.core.http.openapi import document
from stratolith.core.http.validation import FORMATS, fits, parse_json, parse_query

from .conftest import API

UUID = "6f70656e-7374-4163-a000-000000000001"


@pytest.mark.parametrize(("query", "known"), [
    ("limit=3", {"limit": ["3"]}), ("limit=%33", {"limit": ["3"]}), ("on", {"on": [""]}), ("on=True", {"on": ["True"]}),
    (f"id={UUID}&id={UUID}", {"id": [UUID, UUID]}), ("sort=down", {"sort": ["down"]}), ("", {}), ("&&", {}),
    ("meta_x=a+b%26", {"meta_x": ["a b&"]}),
])
def test_queries(site, query, known):
    assert site("GET", "/thing/v2/things?" + query).json["query"] == known


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "limit=", "limit=1&limit=2", "id=7", "on=maybe", "sort=left",
                                   "nonsense=1", "late=x", "limit=%ff", "limit=1%00", "limit=" + "9" * 101])
def test_refused_queries(site, query):
    answer = site("GET", "/thing/v2/things?" + query)
    assert answer.status == 400
    assert answer.json["fault"]["message"]


def test_a_parameter_of_a_later_version(site):
    assert site("GET", "/thing/v2/things?late=x", x_thing_version="2.3").status == 200


@pytest.mark.parametrize(("kind", "right", "wrong"), [
    ("text", "anything", "with\0nul"), ("integer", "-7", "7.0"), ("natural", "+7", "-7"), ("boolean", "off", "2"),
    ("uuid", UUID, UUID + "0"), ("uuid", UUID.replace("-", ""), "{" + UUID + "}"),
    ("moment", "2030-01-01T00:00:00", "yesterday"), ("one of: a, b", "b", "ab")])
def test_kinds(kind, right, wrong):
    assert fits(kind, right)
    assert not fits(kind, wrong)


@pytest.mark.parametrize(("name", "right", "wrong"), [
    ("ipv4", "10.0.0.1", "10.0.0.256"), ("ipv6", "fe80::1", "fe80:::1"), ("ip", "::", "x"),
    ("cidr", "10.0.0.1/8", "10.0.0.0/33"), ("uuid", UUID, "")])
def test_formats(name, right, wrong):
    assert FORMATS[name](right)
    assert not FORMATS[name](wrong)


def test_queries_are_utf_8():
    assert parse_query("a=%C3%A4") == {"a": ["ä"]}
    with pytest.raises(BadRequest):
        parse_query("a=%C3")


def test_json():
    assert parse_json(b'{"a": [1, null]}') == {"a": [1, None]}
    for data in (b"", b"{'a': 1}", b'"\\u0000"', b"\x80"):
        with pytest.raises(BadRequest):
            parse_json(data)


def test_openapi_has_all_operations():
    made = document(API, "1.0")
    assert made["openapi"].startswith("3.1")
    listed = made["paths"]["/thing/v2/things"]
    assert set(listed) == {"get", "post"}
    kinds = {one["name"]: one["schema"] for one in listed["get"]["parameters"]}
    assert kinds["sort"] == {"enum": ["up", "down"]}
    assert kinds["id"]["type"] == "array"
    action = made["paths"]["/thing/v2/things/{id}/action"]["post"]
    assert len(action["requestBody"]["content"]["application/json"]["schema"]["anyOf"]) == 3
    assert made["paths"]["/thing/v2/new"]["get"]["x-openstack-microversions"] == {"min": "2.2", "max": "2.4"}
    assert "security" not in made["paths"]["/thing/"]["get"]
    assert listed["get"]["x-openstack-rule"] == "thing:list"
