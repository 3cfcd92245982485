"""What ends an access ends it at once, at every service, also for tokens that were just good."""

import pytest
from stratolith.core.conformance.cloud import InProcess

from .tenants import NUMBERS, People, Person

DOORS = ("/compute/v2.1/servers", "/network/v2.0/networks", "/volume/v3/volumes", "/image/v2/images",
         "/identity/v3/auth/projects")


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A cloud with more users."""
    made = InProcess(tmp_path_factory.mktemp("ends")).start()
    yield People(made)
    made.stop()


class Member:
    """A user of a domain, with a project there and a token for it that every service has already seen."""

    def __init__(self, people):
        self.people, self.admin = people, people.admin
        self.domain = self.make("domains", "domain", name=f"d-{next(NUMBERS)}")
        self.project = self.make("projects", "project", name="p", domain_id=self.domain)
        self.user = self.make("users", "user", name="u", password="secret", domain_id=self.domain)
        self.grant = f"/identity/v3/projects/{self.project}/users/{self.user}/roles/{people.roles['member']}"
        self.admin.ok("PUT", self.grant)
        self.person = people.login(self.user, {"project": {"id": self.project}})
        people.cloud.clock.advance(2)
        assert self.statuses() == {200}

    def make(self, plural, noun, **values):
        return self.admin.ok("POST", f"/identity/v3/{plural}", {noun: values})[noun]["id"]

    def statuses(self):
        return {self.person.ask("GET", path).status for path in DOORS}


def revoke(member):
    member.admin.ok("DELETE", "/identity/v3/auth/tokens", headers={"X-Subject-Token": member.person.token})


def end_own(member):
    member.person.ok("DELETE", "/identity/v3/auth/tokens", headers={"X-Subject-Token": member.person.token})


def disable(plural, noun, which):
    def act(member):
        member.admin.ok("PATCH", f"/identity/v3/{plural}/{getattr(member, which)}", {noun: {"enabled": False}})
    act.__name__ = f"disable_{noun}"
    return act


def delete(plural, which):
    def act(member):
        member.admin.ok("DELETE", f"/identity/v3/{plural}/{getattr(member, which)}")
    act.__name__ = f"delete_{which}"
    return act


def withdraw(member):
    member.admin.ok("DELETE", member.grant)


def set_password(member):
    member.admin.ok("PATCH", f"/identity/v3/users/{member.user}", {"user": {"password": "other"}})


def change_password(member):
    body = {"user": {"original_password": "secret", "password": "other"}}
    member.person.ok("POST", f"/identity/v3/users/{member.user}/password", body)


def delete_domain(member):
    disable("domains", "domain", "domain")(member)
    delete("domains", "domain")(member)


ENDS = (revoke, end_own, disable("users", "user", "user"), disable("projects", "project", "project"),
        disable("domains", "domain", "domain"), delete("users", "user"), delete("projects", "project"), delete_domain,
        withdraw, set_password, change_password)


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_an_access_ends_at_once(people, end):
    member = Member(people)
    end(member)
    assert member.statuses() == {401}
    people.cloud.clock.advance(30)
    assert member.statuses() == {401}


def test_a_lesser_role_is_the_lesser_at_once(people):
    member = Member(people)
    network = {"network": {"name": "n"}}
    assert member.person.ask("POST", "/network/v2.0/networks", network).status == 201
    reader = member.grant.replace(people.roles["member"], people.roles["reader"])
    people.admin.ok("PUT", reader)
    people.admin.ok("DELETE", member.grant)
    old = member.person.ask("POST", "/network/v2.0/networks", network).status
    assert old in (401, 403)
    people.cloud.clock.advance(2)
    fresh = people.login(member.user, {"project": {"id": member.project}})
    assert fresh.ask("POST", "/network/v2.0/networks", network).status == 403
    assert fresh.ask("GET", "/network/v2.0/networks").status == 200


def test_a_project_that_came_back_takes_no_old_token(people):
    member = Member(people)
    path = f"/identity/v3/projects/{member.project}"
    people.admin.ok("PATCH", path, {"project": {"enabled": False}})
    people.admin.ok("PATCH", path, {"project": {"enabled": True}})
    assert member.statuses() == {401}


def test_the_scope_of_a_token_cannot_be_widened(people):
    """By its own token nobody gets to a project, domain or system where it has no role."""
    member = Member(people)
    identity = {"methods": ["token"], "token": {"id": member.person.token}}
    for scope in ({"project": {"id": people.project}}, {"domain": {"id": "default"}}, {"system": {"all": True}},
                  {"domain": {"id": member.domain}}):
        answer = people.cloud.request("POST", "/identity/v3/auth/tokens",
                                      {"auth": {"identity": identity, "scope": scope}}, as_=None)
        assert answer.status == 401, (scope, answer)
    assert Person(people.cloud, member.person.token + "A").ask("GET", DOORS[0]).status == 401
