"""Requests made to slip past: odd paths, forged headers, heavy queries, broken lengths, deep bodies."""

import hashlib
import hmac
import json
import re

import pytest
from stratolith.core.conformance.cloud import InProcess

SECRET = "shared-with-proxies"
VALUES = 2500
"""Of one query parameter in one request: about as many as the longest request line takes."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """A cloud whose metadata service takes signed requests."""
    made = InProcess(tmp_path_factory.mktemp("hostile"), options={"compute": {"metadata_secret": SECRET}}).start()
    yield made
    made.stop()


@pytest.mark.parametrize("path", [
    "//identity/v3/users", "/identity//v3//users", "/./identity/v3/users", "/identity/../identity/v3/users",
    "/identity/v3/../v3/users", "/identity/%2e%2e/identity/v3/users", "/identity%2fv3%2fusers", "/identity/v3%2fusers",
    "/identity/v3/users/", "/identity/v3/users//", "/identity;x/v3/users", "/identity/v3/users;x", "/IDENTITY/v3/users",
    "/identity/v3/users%00", "/identity/v3/users%0d%0aX-Auth-Token:%20x", "/placement/../identity/v3/users",
    "http://other/identity/v3/users"])
def test_no_path_leads_past_the_token(cloud, path):
    for headers in ({}, {"X-Original-URL": "/identity/v3/users", "X-Rewrite-URL": "/identity/v3/users"},
                    {"X-Forwarded-User": "admin", "Remote-User": "admin", "X-User-Id": "admin", "X-Roles": "admin",
                     "X-Identity-Status": "Confirmed", "X-Is-Admin-Project": "True"}):
        answer = cloud.request("GET", path, as_=None, headers=headers)
        assert answer.status in (400, 401, 404), answer
        assert b"demo" not in answer.data


def test_pages_answer_as_themselves_whatever_follows(cloud):
    for path, status, begin in (("/healthcheck/../identity/v3/users", 200, b'{"ready"'),
                                ("/metrics/../identity/v3/users", 200, b"# HELP"),
                                ("/metadata/../identity/v3/users", 403, b"403")):
        answer = cloud.request("GET", path, as_=None)
        assert answer.status == status and answer.data.startswith(begin)


def test_method_override_is_no_method(cloud):
    name = cloud.request("GET", "/compute/v2.1/os-keypairs", as_="demo",
                         headers={"X-HTTP-Method-Override": "POST", "X-HTTP-Method": "DELETE"})
    assert name.status == 200


def test_another_project_in_the_path(cloud):
    other = cloud.request("GET", "/identity/v3/projects?name=admin").json["projects"][0]["id"]
    for path in (f"/compute/v2.1/{other}/servers", f"/volume/v3/{other}/volumes/detail"):
        assert cloud.request("GET", path, as_="demo").status == 400


def signed(network, address, secret=SECRET):
    text = hmac.new(secret.encode(), f"{network}/{address}".encode(), hashlib.sha256).hexdigest()
    return {"X-Forwarded-For": address, "X-Neutron-Network-ID": network, "X-Instance-ID-Signature": text}


def test_metadata_believes_no_header_without_a_signature(cloud):
    network, address = "11111111-2222-4333-8444-555555555555", "10.0.0.5"
    forged = {"X-Forwarded-For": address, "X-Neutron-Network-ID": network, "X-Instance-ID": "i", "X-Tenant-ID": "t",
              "stratolith.trusted": "1", "Stratolith-Trusted": "True"}
    for headers in ({}, forged, {**forged, "X-Instance-ID-Signature": ""},
                    {**forged, "X-Instance-ID-Signature": "\xe9"}, signed(network, address, "guess"),
                    {**signed(network, address), "X-Forwarded-For": "10.0.0.6"},
                    {**signed(network, address), "X-Neutron-Network-ID": "other"}):
        for path in ("/metadata/latest/meta-data/", "/metadata/openstack/latest/user_data", "/metadata"):
            assert cloud.request("GET", path, as_=None, headers=headers).status == 403
    assert cloud.request("GET", "/metadata/latest/meta-data/", as_=None, headers=signed(network, address)).status == 404


def test_without_a_secret_metadata_answer_nobody_over_tcp(tmp_path):
    plain = InProcess(tmp_path).start()
    headers = signed("n", "10.0.0.5", "")
    assert plain.request("GET", "/metadata/latest/meta-data/", as_=None, headers=headers).status == 403
    plain.stop()


def lists(cloud):
    for application in cloud.cloud.applications:
        api = application.api
        for operation in api.operations:
            if operation.method == "GET" and not operation.public and "{" not in operation.path:
                query = operation.query
                known = query.known if hasattr(query, "known") else next(iter(query.values())).known
                microversions = api.microversions
                last = operation.until or microversions.last if microversions else ""
                version = f"{microversions.name} {last}" if last else ""
                yield api.prefix + operation.path, known, version


def test_a_parameter_many_times_over(cloud):
    """Neither the number of a database's variables nor the depth of its expressions ends in a 500."""
    faults = []
    for path, known, version in lists(cloud):
        for name in {*known, "id", "name", "status", "tags", "tags-any", "not-tags", "fields", "sort_key", "metadata"}:
            values = [f"v{number}" for number in range(VALUES)]
            for text in ("&".join(f"{name}={value}" for value in values[:500]), f"{name}=" + ",".join(values),
                         f"{name}=in:" + ",".join(values)):
                answer = cloud.request("GET", f"{path}?{text}", version=version)
                if answer.status >= 500 and answer.status != 501:
                    faults.append(f"{path} {text[:40]}: {answer}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(("count", "statuses"), [(500, (200, 400, 403, 404, 410)), (501, (400,)), (20_000, (400,))])
def test_many_parameters(cloud, count, statuses):
    text = "&".join(f"p{number}={number}" for number in range(count))
    for path, _, version in lists(cloud):
        assert cloud.request("GET", f"{path}?{text}", version=version).status in statuses, path


def test_a_long_query(cloud):
    for path, _, version in lists(cloud):
        assert cloud.request("GET", f"{path}?name=" + "x" * 16384, version=version).status == 400, path


@pytest.mark.parametrize("body", [
    b"[" * 400_000, b'{"a":' * 150_000, b'{"server":' + b"[" * 300_000 + b"]" * 300_000 + b"}",
    b'{"server": {"metadata": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}}"])
def test_deep_bodies(cloud, body):
    for path in ("/compute/v2.1/servers", "/identity/v3/users", "/network/v2.0/ports", "/volume/v3/volumes",
                 "/image/v2/images", "/placement/resource_providers"):
        assert cloud.request("POST", path, body).status == 400


@pytest.mark.parametrize("length", ["-1", "x", "", "1e3", " 5", "99999999999999999999", "+5", "0x10"])
def test_lengths_that_are_none(cloud, length):
    for method, path in (("POST", "/compute/v2.1/servers"), ("GET", "/compute/v2.1/servers"),
                         ("PUT", "/image/v2/images/11111111-2222-4333-8444-555555555555/file")):
        answer = cloud.request(method, path, b'{"a": 1}', headers={"Content-Length": length})
        assert answer.status < 500, answer
        assert isinstance(answer.json, dict)


def test_a_body_that_ends_early_makes_no_image(cloud):
    made = cloud.request("POST", "/image/v2/images", {"disk_format": "raw", "container_format": "bare"}).json["id"]
    answer = cloud.request("PUT", f"/image/v2/images/{made}/file", b"short",
                           headers={"Content-Type": "application/octet-stream", "Content-Length": "5000"})
    assert answer.status == 400
    assert cloud.request("GET", f"/image/v2/images/{made}").json["status"] == "queued"


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", "/etc/passwd", "a\r\nX-Injected: yes", "a\u2028b", "a/b"])
def test_names_stay_names(cloud, name):
    """What tenants call things is no path and no header."""
    made = cloud.request("POST", "/image/v2/images", {"name": name, "disk_format": "raw", "container_format": "bare"})
    assert made.status == 201 and "x-injected" not in made.headers
    path = f"/image/v2/images/{made.json['id']}"
    headers = {"Content-Type": "application/octet-stream"}
    assert cloud.request("PUT", path + "/file", b"x" * 512, headers=headers).status == 204
    answer = cloud.request("GET", path + "/file")
    assert answer.data == b"x" * 512 and "x-injected" not in answer.headers
    assert all("\r" not in value and "\n" not in value for value in answer.headers.values())


@pytest.mark.parametrize("given", ["../../x", "..", ".hidden", "a/b", "x" * 300, "", "\u00e9"])
def test_ids_of_images_are_uuids(cloud, given):
    assert cloud.request("POST", "/image/v2/images", {"id": given, "name": "x"}).status == 400


def test_no_operation_takes_a_url_to_fetch(cloud):
    """A service that fetches what it is told reaches what its caller cannot: none does."""
    answer = cloud.request("POST", "/image/v2/images", {"name": "x", "disk_format": "raw", "container_format": "bare"})
    path = f"/image/v2/images/{answer.json['id']}"
    for body in ({"method": {"name": "web-download", "uri": "http://169.254.169.254/"}},
                 {"method": {"name": "copy-image"}}, {"method": {"name": "glance-download"}}):
        assert cloud.request("POST", path + "/import", body).status in (400, 404, 409)
    patch = json.dumps([{"op": "add", "path": "/locations/-",
                         "value": {"url": "file:///etc/passwd", "metadata": {}}}]).encode()
    headers = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
    assert cloud.request("PATCH", path, patch, headers=headers).status in (400, 403)
    body = {"name": "x", "locations": [{"url": "file:///etc/passwd"}]}
    assert cloud.request("POST", "/image/v2/images", body).status in (400, 403)


def test_a_request_id_is_taken_only_in_its_form(cloud):
    for text in ("req-x", "x\r\ny", "req-" + "a" * 500, "<script>"):
        answer = cloud.request("GET", "/compute/v2.1/servers", headers={"X-OpenStack-Request-ID": text})
        assert re.fullmatch(r"req-[0-9a-f-]{36}", answer.headers["x-openstack-request-id"])


def test_faults_on_demand_are_for_test_clouds_only(cloud, monkeypatch):
    seen = []
    compute = next(one for one in cloud.cloud.applications if one.api.name == "compute")
    real = compute._context
    monkeypatch.setattr(compute, "_context", lambda *arguments: seen.append(real(*arguments)) or seen[-1])
    for ephemeral, faults in ((False, ()), (True, (("spawn", "fail"),))):
        monkeypatch.setattr(compute.edge, "ephemeral", ephemeral)
        cloud.request("GET", "/compute/v2.1/limits", headers={"X-Stratolith-Fault": "spawn=fail"})
        assert seen[-1].faults == faults
