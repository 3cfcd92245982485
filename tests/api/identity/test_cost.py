"""What requests cost in queries: a constant number, whatever the size of the answer."""

import pytest
import sqlalchemy as sa
from stratolith.auth.sql.tables import users
from stratolith.core.conformance.cloud import InProcess
from stratolith.plugins.identity.tables import assignments, projects, roles

from tests.statements import counted

from .conftest import Api
from .delegates import by_credential, by_trust, make_credential, make_trust, member


@pytest.fixture
def queries(cloud):
    """Counts the statements of a block."""
    return lambda: counted(cloud.cloud.kits["identity"].db)


def test_validation_and_contexts_cost_no_query(api, queries):
    user, project = api.person()
    token = api.token(user, scope={"project": {"id": project["id"]}})
    api.validate(token)
    with queries() as statements:
        api.validate(token)
        api.ok("GET", "/auth/catalog", token=token)
    assert statements == []


def test_a_warm_login_costs_one_query(api, queries):
    user, project = api.person()
    scope = {"project": {"name": project["name"], "domain": {"name": "Default"}}}
    api.token(user["name"], scope=scope)
    with queries() as statements:
        api.token(user["name"], scope=scope)
    assert len(statements) == 1


def test_a_cold_login_costs_few(api, queries):
    user, project = api.person()
    with queries() as statements:
        api.token(user, scope={"project": {"id": project["id"]}})
    # Ten for who and where; one for filtered catalogs, three for federation.
    assert len(statements) <= 14


@pytest.mark.parametrize("path", ["/users", "/projects", "/domains", "/groups", "/roles", "/services", "/endpoints",
                                  "/role_assignments?include_names"])
def test_lists_cost_the_same_at_any_length(api, queries, path):
    noun = path.strip("/").rstrip("s")

    def cost():
        with queries() as statements:
            api.ok("GET", path)
        return len(statements)
    api.ok("GET", path)
    few = cost()
    for _ in range(10):
        if noun == "endpoint" or "?" in noun:
            api.person()
        else:
            api.make(noun, **({"type": "x"} if noun == "service" else {}))
    api.ok("GET", path)
    assert cost() == few <= 6


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """A cloud with thousands of users, projects and assignments, of which groups and a domain give some."""
    cloud = InProcess(tmp_path_factory.mktemp("crowd"), services=["identity"]).start()
    with cloud.cloud.kits["identity"].db.write() as tx:
        named = {row.name: row.id for row in tx.rows(sa.select(roles))}
        ids = [f"{number:032x}" for number in range(10_000)]
        tx.insert(users, [{"id": id, "domain_id": "default", "name": f"u{id}", "enabled": True,
                           "default_project_id": "", "options": {}, "extra": {}, "created_at": cloud.clock.now()}
                          for id in ids])
        tx.insert(projects, [{"id": "a" + id[1:], "domain_id": "default", "parent_id": "default", "name": f"p{id}",
                              "description": "", "enabled": True, "is_domain": False, "options": {}, "extra": {}}
                             for id in ids[:200]])
        tx.insert(assignments, [{"actor_id": id, "actor_kind": "user", "target_id": "a" + ids[number % 200][1:],
                                 "target_kind": "project", "inherited": False,
                                 "role_id": named[("admin", "member", "reader")[number % 3]]}
                                for number, id in enumerate(ids)])
    api = Api(cloud)
    group = api.make("group", domain_id="default")
    for id in ids[:20]:
        api.ok("PUT", f"/groups/{group['id']}/users/{id}")
    path = f"/OS-INHERIT/domains/default/groups/{group['id']}/roles/{named['member']}/inherited_to_projects"
    api.ok("PUT", path)
    yield cloud
    cloud.stop()


@pytest.mark.parametrize(("path", "noun", "key"), [
    ("/users", "users", "id"), ("/projects", "projects", "id"),
    ("/role_assignments?", "role_assignments", None), ("/role_assignments?include_names", "role_assignments", None),
    ("/role_assignments?effective", "role_assignments", None),
    ("/role_assignments?effective&include_names&role.id=%s", "role_assignments", None)])
def test_every_page_of_a_long_list_costs_the_same(crowd, path, noun, key):
    api, database = Api(crowd), crowd.cloud.kits["identity"].db
    if "%s" in path:
        path = path % api.role("reader")
    whole = api.ok("GET", path)[noun]
    api.ok("GET", path)
    joined = path + ("&" if "?" in path else "?") + "limit=500"
    seen, costs = [], set()
    while joined:
        with counted(database) as statements:
            page = api.ok("GET", joined)
        assert len(page[noun]) <= 500
        seen += page[noun]
        costs.add(len(statements))
        following = page["links"]["next"]
        joined = following.partition("/identity/v3")[2] if following else None
    assert [str(one) for one in seen] == [str(one) for one in whole]
    assert len(seen) == len({str(one) for one in seen}) > 200
    assert max(costs) <= 12, costs


def test_what_is_lent_costs_no_query_to_validate(api, queries):
    user, project, token = member(api)
    lent = by_credential(api, make_credential(api, user, token)).headers["x-subject-token"]
    trust = make_trust(api, token, user, user, project)
    trusted = by_trust(api, user, trust).headers["x-subject-token"]
    for text in (token, lent, trusted):
        api.validate(text)
        with queries() as statements:
            api.validate(text)
        assert statements == []


def test_a_warm_login_by_application_credential_costs_one_query(api, queries):
    user, _, token = member(api)
    made = make_credential(api, user, token)
    by_credential(api, made)
    with queries() as statements:
        by_credential(api, made)
    assert len(statements) == 1


@pytest.mark.parametrize("noun", ["application_credentials", "access_rules", "trusts", "credentials/OS-EC2",
                                  "consumers"])
def test_lists_of_what_is_lent_cost_the_same_at_any_length(api, queries, noun):
    user, project, token = member(api)

    def make(name):
        rule = {"service": "compute", "method": "GET", "path": f"/{name}"}
        make_credential(api, user, token, name=name, access_rules=[rule])
        make_trust(api, token, user, user, project)
        api.ok("POST", f"/users/{user['id']}/credentials/OS-EC2", {"tenant_id": project["id"]}, token=token)
        api.ok("POST", "/OS-OAUTH1/consumers", {"consumer": {}})

    def cost():
        path = {"trusts": f"/OS-TRUST/trusts?trustor_user_id={user['id']}", "consumers": "/OS-OAUTH1/consumers"}.get(
            noun, f"/users/{user['id']}/{noun}")
        whose = {} if noun == "consumers" else {"token": token}
        api.ok("GET", path, **whose)
        with queries() as statements:
            api.ok("GET", path, **whose)
        return len(statements)
    make("one")
    few = cost()
    for number in range(8):
        make(f"more-{number}")
    assert cost() == few <= 5
