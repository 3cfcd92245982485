"""Pages of lists, and the option that bounds them."""

import pytest
from stratolith.core.conformance.cloud import InProcess


@pytest.fixture(scope="module")
def bounded(tmp_path_factory):
    """A cloud whose lists have two rows at most."""
    started = InProcess(tmp_path_factory.mktemp("bounded"), services=["identity"],
                        options={"identity": {"list_limit": "2"}}).start()
    yield started
    started.stop()


@pytest.mark.parametrize(("path", "noun"), [("/users", "users"), ("/roles", "roles"),
                                            ("/role_assignments", "role_assignments"),
                                            ("/role_assignments?effective", "role_assignments")])
def test_what_the_option_cuts_says_so(bounded, api, path, noun):
    api = type(api)(bounded)
    mark = "&" if "?" in path else "?"
    cut = api.ok("GET", path)
    assert len(cut[noun]) == 2 and cut["truncated"] is True and "limit=2" in cut["links"]["next"]
    assert api.ok("GET", f"{path}{mark}limit=5")["truncated"] is True
    own = api.ok("GET", f"{path}{mark}limit=1")
    assert len(own[noun]) == 1 and "truncated" not in own
    seen, following = list(cut[noun]), cut["links"]["next"]
    while following:
        page = api.ok("GET", following.partition("/identity/v3")[2])
        seen += page[noun]
        following = page["links"]["next"]
    assert len(seen) == len({str(one) for one in seen}) >= 4


@pytest.mark.parametrize("path", ["/users", "/projects", "/roles", "/endpoints", "/limits", "/registered_limits",
                                  "/policies", "/OS-EP-FILTER/endpoint_groups", "/role_assignments",
                                  "/role_assignments?effective"])
def test_markers_that_are_none(api, path):
    mark = "&" if "?" in path else "?"
    for marker in ("none", "W10", "WzEsMl0", "%F0%9F%90%91", "a" * 5000):
        assert api.request("GET", f"{path}{mark}limit=1&marker={marker}").status == 400, marker


@pytest.mark.parametrize(("query", "found"), [
    ("name=Alpha-one", ["Alpha-one"]), ("name__contains=a-o", ["Alpha-one"]), ("name__icontains=ALPHA", None),
    ("name__startswith=alpha", ["alpha-two"]), ("name__istartswith=alpha", None),
    ("name__endswith=-two", ["alpha-two"]), ("name__iequals=ALPHA-TWO", ["alpha-two"]),
    ("name__contains=nothing-of-it", [])])
def test_names_are_compared_in_many_ways(api, query, found):
    domain = api.make("domain")
    both = ["Alpha-one", "alpha-two"]
    for name in both:
        api.make("project", name=name, domain_id=domain["id"])
    listed = api.ok("GET", f"/projects?domain_id={domain['id']}&{query}")["projects"]
    assert sorted(one["name"] for one in listed) == (both if found is None else found)
