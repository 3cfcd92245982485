"""Networks: who sees and changes which, segments, lists, pages and quotas."""

import pytest


def test_a_network_is_made_shown_changed_and_deleted(net):
    made = net.network(name="n", description="d", admin_state_up=False)
    shown = net.get(f"/networks/{made['id']}")["network"]
    assert shown == made
    assert (made["status"], made["subnets"], made["shared"], made["mtu"]) == ("ACTIVE", [], False, 1450)
    assert not any(name.startswith("provider:") for name in made)
    changed = net.put("network", f"/networks/{made['id']}", name="m")
    assert (changed["name"], changed["revision_number"]) == ("m", 1)
    net.delete(f"/networks/{made['id']}")
    assert net.get(f"/networks/{made['id']}", 404)["NeutronError"]["type"] == "NetworkNotFound"


def test_administrators_see_segments_and_may_choose_them(net):
    made = net.network(as_="admin", **{"provider:network_type": "vxlan", "provider:segmentation_id": 77_000})
    assert made["provider:segmentation_id"] == 77_000
    twice = net.make("network", "/networks", 409, "admin", **{"provider:network_type": "vxlan",
                                                             "provider:segmentation_id": 77_000})
    assert twice["type"] == "TunnelIdInUse"
    first, second = net.network(as_="admin"), net.network(as_="admin")
    assert first["provider:segmentation_id"] != second["provider:segmentation_id"]


@pytest.mark.parametrize("attributes", [{"shared": True}, {"router:external": True},
                                        {"provider:network_type": "vxlan"}])
def test_plain_users_may_not(net, attributes):
    error = net.make("network", "/networks", 403, **attributes)
    assert error["type"] == "PolicyNotAuthorized"


@pytest.mark.parametrize("body", [{}, {"network": {"nonsense": 1}}, {"network": {"name": 5}}, {"networks": []},
                                  {"network": {"name": "x" * 256}}, {"network": {"admin_state_up": "perhaps"}}])
def test_nonsense_is_refused(net, body):
    answer = net.request("POST", "/networks", body)
    assert answer.status == 400
    assert set(answer.json["NeutronError"]) == {"type", "message", "detail"}


def test_foreign_networks_are_seen_only_when_shared(net):
    private = net.network(as_="admin", name="hers")
    shared = net.network(as_="admin", name="ours", shared=True)
    assert net.get(f"/networks/{private['id']}", 404)
    assert net.get(f"/networks/{shared['id']}")["network"]["name"] == "ours"
    names = [one["name"] for one in net.get("/networks")["networks"]]
    assert "ours" in names and "public" in names and "hers" not in names
    assert net.put("network", f"/networks/{shared['id']}", 403, name="x")["type"] == "PolicyNotAuthorized"
    net.delete(f"/networks/{shared['id']}", 403)
    net.delete(f"/networks/{private['id']}", 404)
    net.delete(f"/networks/{shared['id']}", as_="admin")


def test_many_are_made_or_none(net):
    answer = net.request("POST", "/networks", {"networks": [{"name": "b1"}, {"name": "b2"}]})
    assert [one["name"] for one in answer.json["networks"]] == ["b1", "b2"]
    answer = net.request("POST", "/networks", {"networks": [{"name": "b3"}, {"name": "b4", "shared": True}]})
    assert answer.status == 403
    assert net.get("/networks?name=b3")["networks"] == []


def test_filters_fields_order_and_pages(net):
    made = {net.network(name=f"page{place}")["id"]: place for place in range(5)}
    several = net.get("/networks?name=page1&name=page3&fields=name&sort_key=name&sort_dir=desc")["networks"]
    assert several == [{"name": "page3"}, {"name": "page1"}]
    query = "/networks?description=&sort_key=name&sort_dir=asc&limit=2&" + "&".join(f"id={one}" for one in made)
    page = net.get(query)
    assert [one["name"] for one in page["networks"]] == ["page0", "page1"]
    link = {one["rel"]: one["href"] for one in page["networks_links"]}["next"]
    page = net.cloud.request("GET", link, as_="demo").json
    assert [one["name"] for one in page["networks"]] == ["page2", "page3"]
    back = {one["rel"]: one["href"] for one in page["networks_links"]}["previous"]
    page = net.cloud.request("GET", back, as_="demo").json
    assert [one["name"] for one in page["networks"]] == ["page0", "page1"]


@pytest.mark.parametrize("query", ["nonsense=1", "shared=perhaps", "mtu=x", "sort_key=nonsense", "limit=-1",
                                   "sort_key=name&sort_dir=up", "limit=1&marker=nobody"])
def test_bad_questions_are_refused(net, query):
    assert net.get(f"/networks?{query}", 400)["NeutronError"]


def test_tags_are_kept_and_found(net):
    made = net.network()
    path = f"/networks/{made['id']}/tags"
    assert net.request("PUT", path, {"tags": ["red", "blue"]}).json == {"tags": ["blue", "red"]}
    assert net.request("PUT", path + "/green").status == 201
    assert net.request("GET", path + "/green").status == 204
    assert net.get(path)["tags"] == ["blue", "green", "red"]
    for query, found in (("tags=red,blue", 1), ("tags=red,pink", 0), ("tags-any=red,pink", 1), ("not-tags=red", 0)):
        assert len(net.get(f"/networks?id={made['id']}&{query}")["networks"]) == found
    net.delete(path + "/red")
    net.delete(path + "/red", 404)
    net.delete(path)
    assert net.get(path)["tags"] == []


def test_a_list_costs_the_same_queries_whatever_its_length(net):
    few = net.queries(lambda: net.get("/networks?limit=1"))
    for _ in range(5):
        net.subnet(net.network())
    assert net.queries(lambda: net.get("/networks?limit=50")) == few
    assert net.queries(lambda: net.get("/subnets")) <= few


def test_a_network_with_ports_stays(net):
    made = net.network()
    net.subnet(made)
    port = net.port(made)
    assert net.delete(f"/networks/{made['id']}", 409)["type"] == "NetworkInUse"
    net.delete(f"/ports/{port['id']}")
    net.delete(f"/networks/{made['id']}")
    assert net.get(f"/subnets?network_id={made['id']}")["subnets"] == []


def test_quota_is_enforced_shown_and_reset(net):
    project = net.network()["project_id"]
    used = net.get(f"/quotas/{project}/details")["quota"]["network"]["used"]
    net.put("quota", f"/quotas/{project}", 403, network=used)
    assert net.put("quota", f"/quotas/{project}", as_="admin", network=used)["network"] == used
    error = net.make("network", "/networks", 409)
    assert error["type"] == "OverQuota"
    assert [one["network"] for one in net.get("/quotas", as_="admin")["quotas"]] == [used]
    net.delete(f"/quotas/{project}", as_="admin")
    default = net.get(f"/quotas/{project}/default")["quota"]
    assert net.get(f"/quotas/{project}")["quota"] == default
    net.delete(f"/quotas/{project}", 404, as_="admin")
