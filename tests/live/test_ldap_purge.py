"""``stratolith identity purge-mappings``, and a login with python-openstackclient, against a cloud of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .cloud_process import CloudProcess, Refused
from .directory import ADMIN, SUFFIX, entry, slapd, tree

pytestmark = pytest.mark.live
BIN = Path(sys.executable).parent
PEOPLE = f"ou=people,{SUFFIX}"


def person(name):
    return entry(f"uid={name},{PEOPLE}", objectClass=["inetOrgPerson"], uid=name, cn=name, sn=name,
                 userPassword="secret")


@pytest.fixture(scope="module")
def directory():
    with slapd(tree("ou=people", "ou=groups") + "".join(person(f"u{number}") for number in range(30))) as made:
        yield made


@pytest.fixture(scope="module")
def cloud(directory, tmp_path_factory):
    """A cloud with the domain corp on the directory."""
    state = tmp_path_factory.mktemp("cloud")
    (state / "domains").mkdir()
    file = state / "domains" / "corp.ini"
    file.write_text(f"[identity]\nbackend = ldap\n[identity.ldap]\nurl = {directory.url}\nuser = {ADMIN}\n"
                    f"password = {directory.password}\nsuffix = {SUFFIX}\nremember_s = 0\n")
    file.chmod(0o600)
    made = CloudProcess(state, "--hypervisor", "simulated", "--network", "simulated", "--volume-backends", "simulated",
                        "--identity-domain-config-dir", str(state / "domains"))
    made.up()
    try:
        yield made
    finally:
        made.down()


def ask(cloud, method, path, body=None):
    return cloud.call(method, "identity", path, body, as_="stratolith-admin")


def openstack(cloud, user, *words):
    """What the unmodified client says to a user of the directory."""
    return subprocess.run(
        [BIN / "openstack", "--os-auth-url", f"{cloud.base}/identity/v3", "--os-identity-api-version", "3",
         "--os-username", user, "--os-password", "secret", "--os-user-domain-name", "corp",
         "--os-project-name", "shared", "--os-project-domain-name", "corp", *words, "-f", "json"],
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"}, capture_output=True, text=True, timeout=60,
        check=False)


def command(cloud, *words):
    return subprocess.run([BIN / "stratolith", *words, "--state", str(cloud.state), *cloud.flags[-2:]],
                          capture_output=True, text=True, timeout=60, check=False)


def test_a_user_of_a_directory_comes_and_goes(cloud, directory):
    corp = ask(cloud, "POST", "/domains", {"domain": {"name": "corp"}})["domain"]["id"]
    users = {one["name"]: one["id"] for one in ask(cloud, "GET", f"/users?domain_id={corp}")["users"]}
    assert len(users) == 30
    project = ask(cloud, "POST", "/projects", {"project": {"name": "shared", "domain_id": corp}})["project"]["id"]
    role = ask(cloud, "GET", "/roles?name=member")["roles"][0]["id"]
    ask(cloud, "PUT", f"/projects/{project}/users/{users['u1']}/roles/{role}")
    done = openstack(cloud, "u1", "token", "issue")
    assert json.loads(done.stdout)["user_id"] == users["u1"], done.stderr
    assert openstack(cloud, "u2", "token", "issue").returncode == 1

    directory.modify(f"dn: uid=u1,{PEOPLE}\nchangetype: delete\n\n")
    done = command(cloud, "identity", "purge-mappings", "--domain", "corp", "--rights")
    assert done.returncode == 0 and ": 1 forgotten" in done.stdout, done
    assert ask(cloud, "GET", f"/role_assignments?scope.project.id={project}")["role_assignments"] == []
    assert ": 0 forgotten" in command(cloud, "identity", "purge-mappings").stdout
    assert command(cloud, "identity", "purge-mappings", "--domain", "nowhere").returncode != 0
    assert len(ask(cloud, "GET", f"/users?domain_id={corp}")["users"]) == 29
    assert ": 29 forgotten" in command(cloud, "identity", "purge-mappings", "--all").stdout


def test_the_way_back_in(cloud):
    done = subprocess.run([BIN / "stratolith", "identity", "reset-password", "--user", "demo", "--state",
                           str(cloud.state)], input="quite another\n", capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0 and "demo: enabled" in done.stdout, done
    # The client's file still has the old one.
    with pytest.raises(Refused, match="401"):
        cloud.call("GET", "identity", "/auth/projects", as_="stratolith")


def test_what_is_kept_of_users_is_seen_by_the_commands_of_databases(cloud):
    done = command(cloud, "db", "check")
    assert "directory: revision" in done.stdout and "identity: revision" in done.stdout, done
