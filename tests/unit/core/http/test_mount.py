"""Many applications on one port: prefixes, pages, projects in paths, aliases, CORS."""

from .conftest import OTHER, PROJECT, Site


def test_the_root_lists_services(site):
    answer = site("GET", "/", as_=None)
    assert answer.json == {"services": {"thing": "http://cloud.test/thing"}}
    assert answer.headers["content-length"] == str(len(answer.data))


def test_nothing_elsewhere(site):
    for path in ("/nothing", "/thingy", "/things/v2/things"):
        answer = site("GET", path)
        assert (answer.status, answer.json["error"]["code"]) == (404, 404)


def test_pages(site):
    assert site("GET", "/page").data == b"page"
    assert site("GET", "/page/below").data == b"page"


def test_the_prefix_is_the_base(site):
    assert site("GET", "/thing/v2/things").json["base"] == "http://cloud.test/thing"
    assert site("GET", "/thing", as_=None).json == {"versions": []}
    assert site("GET", "/thing/", as_=None).status == 200


def test_a_slash_at_the_end(site):
    assert site("GET", "/thing/v2/things/").status == 200


def test_the_project_may_be_in_the_path(site):
    answer = site("GET", f"/thing/v2/{PROJECT}/things/7")
    assert (answer.status, answer.json["path"]) == (200, {"id": "7"})
    assert site("GET", f"/thing/v2/{PROJECT}/things").status == 200


def test_anothers_project_is_refused(site):
    answer = site("GET", f"/thing/v2/{OTHER}/things/7")
    assert answer.status == 400
    assert "project id" in answer.json["fault"]["message"]
    assert site("GET", f"/thing/v2/{OTHER}/things/7", as_="admin").status == 200


def test_what_only_looks_like_a_project_is_none(site):
    assert site("GET", f"/thing/v2/{PROJECT}x/things").status == 404


def test_an_older_root_has_no_microversions(site):
    newer = {"openstack_api_version": "thing 2.3", "x_thing_version": "2.3"}
    assert site("GET", "/thing/v2/things", **newer).json["version"] == [2, 3]
    assert site("GET", "/thing/v1/things", **newer).json["version"] == [2, 1]
    assert site("GET", f"/thing/v1/{PROJECT}/things").json["project"] == PROJECT


def test_cors_preflight():
    site = Site(origins=("http://good",))
    answer = site("OPTIONS", "/thing/v2/things", as_=None, origin="http://good")
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "http://good"
    assert "X-Auth-Token" in answer.headers["access-control-allow-headers"]
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-origin" not in site("OPTIONS", "/thing/v2/things", as_=None, origin="http://bad").headers


def test_cors_answers():
    site = Site(origins=("http://good",))
    answer = site("GET", "/thing/v2/things", origin="http://good")
    assert answer.headers["access-control-allow-origin"] == "http://good"
    assert "X-Subject-Token" in answer.headers["access-control-expose-headers"]
    for origin in ("http://bad", "http://good.bad", "null"):
        assert "access-control-allow-origin" not in site("GET", "/thing/v2/things", origin=origin).headers
    assert site("GET", "/nothing", origin="http://good").headers["access-control-allow-origin"] == "http://good"


def test_cors_for_all():
    answer = Site(origins=("*",))("GET", "/thing/v2/things", origin="http://any")
    assert answer.headers["access-control-allow-origin"] == "http://any"


def test_no_cors_unless_configured(site):
    assert "access-control-allow-origin" not in site("GET", "/thing/v2/things", origin="http://good").headers
    assert site("OPTIONS", "/thing/v2/things", as_=None, origin="http://good").status in (200, 405)
