"""Access rules of application credentials, at every service."""

import pytest

RULES = [("compute", "GET", "/v2.1/servers"), ("compute", "GET", "/v2.1/servers/*"),
         ("volumev3", "GET", "/v3/*/volumes"), ("image", "GET", "/image/v2/images"), ("network", "GET", "/v2.0/**")]


@pytest.fixture(scope="module")
def lent(cloud):
    """A token of user demo that is bound by the rules, and project demo."""
    token = cloud.token("demo", "demo")
    shown = cloud.request("GET", "/identity/v3/auth/tokens", headers={"X-Subject-Token": token}).json["token"]
    rules = [{"service": service, "method": method, "path": path} for service, method, path in RULES]
    path = f"/identity/v3/users/{shown['user']['id']}/application_credentials"
    made = cloud.request("POST", path, {"application_credential": {"name": "bound", "access_rules": rules}}, as_="demo")
    credential = made.json["application_credential"]
    given = {"id": credential["id"], "secret": credential["secret"]}
    answer = cloud.request("POST", "/identity/v3/auth/tokens", {"auth": {"identity": {
        "methods": ["application_credential"], "application_credential": given}}}, as_=None)
    return answer.headers["x-subject-token"], shown["project"]["id"]


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/compute/v2.1/servers", 200), ("GET", "/compute/v2.1/servers/", 200),
    ("GET", "/compute/v2.1/servers/detail", 200), ("GET", "/compute/v2.1/servers?limit=1", 200),
    ("GET", "/compute/v2.1/servers/detail/x", 401), ("GET", "/compute/v2.1/flavors", 401),
    ("POST", "/compute/v2.1/servers", 401), ("HEAD", "/compute/v2.1/servers", 401),
    ("GET", "/volume/v3/{project}/volumes", 200), ("GET", "/volume/v3/{project}/volumes/detail", 401),
    ("GET", "/volume/v3/volumes", 401), ("GET", "/image/v2/images", 200), ("GET", "/image/v2/schemas/image", 401),
    ("GET", "/network/v2.0/ports", 200), ("DELETE", "/network/v2.0/ports/x", 401), ("GET", "/identity/v3/regions", 401),
    ("GET", "/compute/v2.1/../v2.1/flavors", 401), ("GET", "/compute/v2.1//servers", 404),
    ("GET", "/compute/v2.1/servers%2f..%2fflavors", 401)])
def test_a_bound_token_is_good_for_what_its_rules_say(cloud, lent, method, path, status):
    token, project = lent
    answer = cloud.request(method, path.format(project=project), as_=None, headers={"X-Auth-Token": token})
    assert answer.status == status or (status == 401 and answer.status == 404), answer


def test_what_a_request_causes_within_the_cloud_is_not_bound(cloud, lent):
    """A server's addresses come from the network service, which the rules do not name for it."""
    answer = cloud.request("GET", "/compute/v2.1/servers/detail", as_=None, headers={"X-Auth-Token": lent[0]})
    assert answer.status == 200
