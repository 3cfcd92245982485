"""Microversions: which one is served, and what the headers say."""

import pytest


@pytest.mark.parametrize(("asked", "served"), [
    ({}, [2, 1]),
    ({"openstack_api_version": "thing 2.3"}, [2, 3]),
    ({"openstack_api_version": "thing latest"}, [2, 5]),
    ({"openstack_api_version": "THING 2.2"}, [2, 2]),
    ({"openstack_api_version": "other 9.9, thing 2.4"}, [2, 4]),
    ({"openstack_api_version": "other 9.9"}, [2, 1]),
    ({"x_thing_version": "2.2"}, [2, 2]),
    ({"x_thing_version": "latest"}, [2, 5]),
    ({"openstack_api_version": "thing 2.4", "x_thing_version": "2.2"}, [2, 4]),
])
def test_the_version_served(site, asked, served):
    answer = site("GET", "/thing/v2/things", **asked)
    assert answer.json["version"] == served
    text = f"{served[0]}.{served[1]}"
    assert answer.headers["openstack-api-version"] == f"thing {text}"
    assert answer.headers["x-thing-version"] == text
    assert answer.headers["vary"] == "OpenStack-API-Version, X-Thing-Version"


@pytest.mark.parametrize("version", ["2.0", "2.6", "1.1", "3.0", "2.99999"])
def test_unknown_versions(site, version):
    answer = site("GET", "/thing/v2/things", openstack_api_version=f"thing {version}")
    assert answer.status == 406
    assert "2.1" in answer.json["fault"]["message"]
    assert "2.5" in answer.json["fault"]["message"]


@pytest.mark.parametrize("version", ["x", "2", "2.", ".2", "2.1.1", "-2.1", "2.²", "2.1 2.2"])
def test_versions_that_cannot_be_read(site, version):
    assert site("GET", "/thing/v2/things", openstack_api_version=f"thing {version}").status == 400


def test_operations_have_bounds(site):
    for version, status in (("2.1", 404), ("2.2", 200), ("2.4", 200), ("2.5", 404)):
        assert site("GET", "/thing/v2/new", openstack_api_version=f"thing {version}").status == status
    assert site("GET", "/thing/v2/new").status == 404


def test_refusals_say_what_was_served(site):
    answer = site("GET", "/thing/v2/nothing", openstack_api_version="thing 2.3")
    assert answer.headers["openstack-api-version"] == "thing 2.3"
