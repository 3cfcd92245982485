"""Domains whose people are in a directory, through the API: logins, roles of groups, lists, what is refused."""

import hashlib
import os

import pytest
from stratolith.core.conformance.cloud import InProcess

from .directory import ADMIN, SUFFIX, entry, slapd, tree

pytestmark = pytest.mark.live
PEOPLE, GROUPS = f"ou=people,{SUFFIX}", f"ou=groups,{SUFFIX}"


def person(name, password="secret", **more):
    return entry(f"uid={name},{PEOPLE}", objectClass=["inetOrgPerson"], uid=name, cn=name, sn=name,
                 userPassword=password, mail=f"{name}@example.org", **more)


def circle(name, *members):
    return entry(f"cn={name},{GROUPS}", objectClass=["groupOfNames"], cn=name, member=list(members) or ["cn=nobody"])


def uid(name):
    return f"uid={name},{PEOPLE}"


LDIF = (tree("ou=people", "ou=groups")
        + "".join(person(f"user{number:02d}") for number in range(25)) + person("alice") + person("bob")
        + person("renamed") + person("o'brien (x)*")
        + circle("inner", uid("alice")) + circle("outer", f"cn=inner,{GROUPS}", uid("bob"))
        + circle("all", *(uid(f"user{number:02d}") for number in range(25))))


@pytest.fixture(scope="module")
def directory():
    with slapd(LDIF) as made:
        yield made


def ini(directory, **more):
    values = {"url": directory.url, "user": ADMIN, "password": directory.password, "suffix": SUFFIX,
              "remember_s": "0", **more}
    return "[identity]\nbackend = ldap\n[identity.ldap]\n" + "".join(f"{key} = {value}\n"
                                                                     for key, value in values.items())


@pytest.fixture(scope="module")
def cloud(directory, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cloud")
    (folder / "domains").mkdir()
    (folder / "domains" / "corp.ini").write_text(ini(directory))
    (folder / "domains" / "open.ini").write_text(ini(directory, writable="true"))
    (folder / "domains" / "keystone.old.conf").write_text(
        f"[identity]\ndriver = ldap\n[ldap]\nurl = {directory.url}\nuser = {ADMIN}\npassword = {directory.password}\n"
        f"suffix = {SUFFIX}\nuser_tree_dn = {PEOPLE}\nuser_id_attribute = uid\nuser_name_attribute = uid\n"
        f"group_tree_dn = {GROUPS}\ngroup_name_attribute = cn\nuse_pool = True\npage_size = 0\n")
    (folder / "domains" / "dead.ini").write_text(ini(directory, url="ldap://127.0.0.1:1"))
    (folder / "domains" / "wrong.ini").write_text("[identity]\nbackend = ldap\n[identity.ldap]\nlayuot = freeipa\n")
    for file in (folder / "domains").iterdir():
        os.chmod(file, 0o600)
    options = {"identity": {"domain_config_dir": str(folder / "domains")}}
    made = InProcess(folder, services=["identity"], options=options).start()
    made.domains = {name: made.request("POST", "/identity/v3/domains", {"domain": {"name": name}}).json["domain"]["id"]
                    for name in ("corp", "open", "old", "dead", "wrong", "told")}
    yield made
    made.stop()


def login(cloud, name, password="secret", domain="corp", **scope):
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": {
        "name": name, "domain": {"name": domain}, "password": password}}}}}
    if scope:
        body["auth"]["scope"] = scope
    return cloud.request("POST", "/identity/v3/auth/tokens", body, as_=None)


def users(cloud, query):
    return cloud.request("GET", f"/identity/v3/users?{query}").json["users"]


def test_a_login_and_what_the_cloud_calls_the_user(cloud, directory):
    answer = login(cloud, "alice")
    assert answer.status == 201, answer
    user = answer.json["token"]["user"]
    assert (user["name"], user["domain"]["name"]) == ("alice", "corp")
    shown = cloud.request("GET", f"/identity/v3/users/{user['id']}").json["user"]
    assert (shown["email"], shown["enabled"], shown["domain_id"]) == ("alice@example.org", True, cloud.domains["corp"])
    local = cloud.cloud.services["identity"].store.backend.ids.local(user["id"], "user")
    assert user["id"] == hashlib.sha256(f"{cloud.domains['corp']}user{local.id}".encode()).hexdigest()
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": {
        "id": user["id"], "password": "secret"}}}}}
    assert cloud.request("POST", "/identity/v3/auth/tokens", body, as_=None).status == 201


@pytest.mark.parametrize(("name", "password"), [
    ("alice", "wrong"), ("alice", ""), ("alice", "secret\0"), ("nobody", "secret"), ("*", "secret"), ("ali*", "secret"),
    ("alice)(uid=*", "secret"), ("alice\0", "secret"), ("x" * 255, "secret"), ("admin", "admin-secret")])
def test_who_is_not_let_in(cloud, name, password):
    answer = login(cloud, name, password)
    assert answer.status in (400, 401), answer
    if answer.status == 401:
        assert answer.json["error"]["message"] == login(cloud, "alice", "wrong").json["error"]["message"]


def test_a_name_full_of_syntax_is_a_name(cloud):
    assert login(cloud, "o'brien (x)*").json["token"]["user"]["name"] == "o'brien (x)*"
    assert [one["name"] for one in users(cloud, f"domain_id={cloud.domains['corp']}&name=o%27brien%20(x)*")] == [
        "o'brien (x)*"]


def test_roles_of_groups_and_of_groups_around_them(cloud):
    corp = cloud.domains["corp"]
    groups = {one["name"]: one["id"]
              for one in cloud.request("GET", f"/identity/v3/groups?domain_id={corp}").json["groups"]}
    assert set(groups) == {"inner", "outer", "all"} and all(len(id) == 64 for id in groups.values())
    role = cloud.request("GET", "/identity/v3/roles?name=member").json["roles"][0]["id"]
    project = cloud.request("POST", "/identity/v3/projects",
                            {"project": {"name": "shared", "domain_id": corp}}).json["project"]["id"]
    assert login(cloud, "alice", project={"id": project}).status == 401
    path = f"/identity/v3/projects/{project}/groups/{groups['outer']}/roles/{role}"
    assert cloud.request("PUT", path).status == 204
    for name in ("alice", "bob"):
        answer = login(cloud, name, project={"id": project})
        assert "member" in {one["name"] for one in answer.json["token"]["roles"]}
    assert login(cloud, "user01", project={"id": project}).status == 401
    found = cloud.request("GET", f"/identity/v3/role_assignments?effective&include_names&scope.project.id={project}")
    told = {(one["user"]["name"], one["role"]["name"]) for one in found.json["role_assignments"]}
    assert {("alice", "member"), ("bob", "member")} <= told and not any(name == "user01" for name, _ in told)
    members = cloud.request("GET", f"/identity/v3/groups/{groups['inner']}/users").json["users"]
    assert [one["name"] for one in members] == ["alice"]
    of = cloud.request("GET", f"/identity/v3/users/{members[0]['id']}/groups").json["groups"]
    assert {one["name"] for one in of} == {"inner", "outer"}
    path = f"/identity/v3/groups/{groups['outer']}/users/{members[0]['id']}"
    assert cloud.request("HEAD", path).status == 204


def test_lists_with_filters_and_pages(cloud):
    corp = cloud.domains["corp"]
    whole = users(cloud, f"domain_id={corp}")
    assert len(whole) == 29 and len({one["id"] for one in whole}) == 29
    assert len(users(cloud, f"domain_id={corp}&name__startswith=user")) == 25
    assert [one["name"] for one in users(cloud, f"domain_id={corp}&name=alice")] == ["alice"]
    assert users(cloud, f"domain_id={corp}&enabled=false") == []
    paged, path = [], f"/identity/v3/users?domain_id={corp}&limit=10"
    while path:
        answer = cloud.request("GET", path).json
        paged += answer["users"]
        path = answer["links"]["next"]
    assert paged == whole
    assert cloud.request("GET", f"/identity/v3/users?domain_id={corp}&marker={'0' * 64}&limit=5").status == 400
    assert {one["name"] for one in users(cloud, "limit=1000")} >= {"admin", "demo"}


def test_what_is_only_read_is_not_written(cloud):
    corp, alice = cloud.domains["corp"], login(cloud, "alice").json["token"]["user"]["id"]
    group = cloud.request("GET", f"/identity/v3/groups?domain_id={corp}&name=inner").json["groups"][0]["id"]
    admin = users(cloud, "name=admin")[0]["id"]
    for method, path, body in (
            ("POST", "/users", {"user": {"name": "new", "domain_id": corp, "password": "x"}}),
            ("PATCH", f"/users/{alice}", {"user": {"enabled": False}}),
            ("PATCH", f"/users/{alice}", {"user": {"password": "x"}}),
            ("DELETE", f"/users/{alice}", None),
            ("POST", "/groups", {"group": {"name": "new", "domain_id": corp}}),
            ("PATCH", f"/groups/{group}", {"group": {"name": "new"}}), ("DELETE", f"/groups/{group}", None),
            ("DELETE", f"/groups/{group}/users/{alice}", None), ("PUT", f"/groups/{group}/users/{admin}", None)):
        answer = cloud.request(method, f"/identity/v3{path}", body)
        assert answer.status == 403, (method, path, answer)
    answer = cloud.request("POST", f"/identity/v3/users/{alice}/password",
                           {"user": {"original_password": "secret", "password": "other"}}, as_=None)
    assert answer.status == 403 and "does not support write operations" in answer.json["error"]["message"]
    assert login(cloud, "alice").status == 201


def test_a_directory_that_may_be_written(cloud):
    domain = cloud.domains["open"]
    made = cloud.request("POST", "/identity/v3/users", {"user": {
        "name": "carol", "domain_id": domain, "password": "first", "email": "c@d"}})
    assert made.status == 201, made
    carol = made.json["user"]
    assert (carol["email"], len(carol["id"])) == ("c@d", 64)
    again = cloud.request("POST", "/identity/v3/users", {"user": {"name": "carol", "domain_id": domain}})
    assert again.status == 409
    token = login(cloud, "carol", "first", "open").headers["x-subject-token"]
    cloud.run(for_s=2)
    answer = cloud.request("POST", f"/identity/v3/users/{carol['id']}/password",
                           {"user": {"original_password": "first", "password": "second"}}, as_=None)
    assert answer.status == 204, answer
    assert cloud.request("GET", "/identity/v3/auth/tokens",
                         headers={"X-Subject-Token": token}).status == 404
    assert login(cloud, "carol", "first", "open").status == 401
    changed = cloud.request("PATCH", f"/identity/v3/users/{carol['id']}", {"user": {"name": "caroline"}})
    assert changed.json["user"]["id"] == carol["id"]
    group = cloud.request("POST", "/identity/v3/groups", {"group": {"name": "crew", "domain_id": domain}}).json["group"]
    path = f"/identity/v3/groups/{group['id']}/users/{carol['id']}"
    assert [cloud.request(verb, path).status for verb in ("PUT", "HEAD", "DELETE", "HEAD")] == [204, 204, 204, 404]
    assert cloud.request("DELETE", f"/identity/v3/groups/{group['id']}").status == 204
    assert cloud.request("DELETE", f"/identity/v3/users/{carol['id']}").status == 204
    assert login(cloud, "caroline", "second", "open").status == 401


def test_ids_survive_renames_and_a_lost_table(cloud, directory):
    before = login(cloud, "renamed").json["token"]["user"]["id"]
    directory.modify(f"dn: {uid('renamed')}\nchangetype: modrdn\nnewrdn: uid=married\ndeleteoldrdn: 1\n")
    assert login(cloud, "renamed").status == 401
    assert login(cloud, "married").json["token"]["user"]["id"] == before
    backend = cloud.cloud.services["identity"].store.backend
    with backend.ids._db.write() as tx:
        backend.purge(tx, cloud.domains["corp"], [before], rights=False)
    assert cloud.request("GET", f"/identity/v3/users/{before}").status == 404
    assert login(cloud, "married").json["token"]["user"]["id"] == before
    assert cloud.request("GET", f"/identity/v3/users/{before}").status == 200


def test_a_keystone_file_gives_keystones_ids(cloud):
    user = login(cloud, "alice", domain="old").json["token"]["user"]["id"]
    assert user == hashlib.sha256(f"{cloud.domains['old']}useralice".encode()).hexdigest()


def test_a_domain_told_by_api(cloud, directory):
    told = cloud.domains["told"]
    assert login(cloud, "alice", domain="told").status == 401
    config = {"identity": {"driver": "ldap"}, "ldap": {
        "url": directory.url, "user": ADMIN, "password": directory.password, "suffix": SUFFIX, "user_tree_dn": PEOPLE,
        "user_id_attribute": "uid", "user_name_attribute": "uid", "group_tree_dn": GROUPS,
        "group_name_attribute": "cn", "query_scope": "sub"}}
    answer = cloud.request("PUT", f"/identity/v3/domains/{told}/config", {"config": config})
    assert answer.status == 201 and directory.password not in answer.data.decode()
    assert login(cloud, "alice", domain="told").status == 201
    change = {"config": {"ldap": {"user_filter": "(uid=bob)"}}}
    assert cloud.request("PATCH", f"/identity/v3/domains/{told}/config", change).status == 200
    assert login(cloud, "alice", domain="told").status == 401
    assert login(cloud, "bob", domain="told").status == 201
    assert cloud.request("DELETE", f"/identity/v3/domains/{told}/config").status == 204
    assert login(cloud, "bob", domain="told").status == 401


def test_a_directory_that_is_gone_or_wrong_harms_no_other_domain(cloud):
    for _ in range(3):
        assert login(cloud, "alice", domain="dead").status == 503
    answer = login(cloud, "alice", domain="wrong")
    assert answer.status == 500 and "layuot" not in answer.data.decode()
    assert login(cloud, "alice").status == 201
    assert cloud.request("GET", "/identity/v3/users?name=admin").status == 200


def test_who_leaves_the_directory_is_let_in_no_more(cloud, directory):
    directory.modify(f"dn: {uid('user24')}\nchangetype: delete\n\n")
    assert login(cloud, "user24").status == 401


def test_a_domain_goes_and_its_people_stay(cloud):
    old = cloud.domains["old"]
    user = login(cloud, "alice", domain="old").json["token"]["user"]["id"]
    role = cloud.request("GET", "/identity/v3/roles?name=reader").json["roles"][0]["id"]
    assert cloud.request("PUT", f"/identity/v3/domains/{old}/users/{user}/roles/{role}").status == 204
    assert cloud.request("PATCH", f"/identity/v3/domains/{old}", {"domain": {"enabled": False}}).status == 200
    assert cloud.request("DELETE", f"/identity/v3/domains/{old}").status == 204
    assert cloud.request("GET", f"/identity/v3/users/{user}").status == 404
    found = cloud.request("GET", f"/identity/v3/role_assignments?user.id={user}")
    assert found.status == 404 or not found.json["role_assignments"]
    assert login(cloud, "alice").status == 201
