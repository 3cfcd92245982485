"""What is lent, in each format of tokens; and rescoping that is forbidden."""

import pytest
from stratolith.core.conformance.cloud import InProcess

from .conftest import Api
from .delegates import OAuth, by_credential, by_trust, form, make_credential, make_trust, member, scoped

RULE = {"path": "/v3/**", "method": "GET", "service": "identity"}


@pytest.fixture(params=["fernet", "jws"])
def each(request, tmp_path):
    """A cloud with tokens of one format in which no token with a scope is exchanged."""
    options = {"identity": {"tokens": request.param, "allow_rescope_scoped_token": "false"}}
    cloud = InProcess(tmp_path, services=["identity"], options=options).start()
    yield Api(cloud)
    cloud.stop()


def lent(api):
    """What tokens say of a delegation, and a login by it."""
    user, project, token = member(api, "admin")
    consumer = OAuth(api, api.ok("POST", "/OS-OAUTH1/consumers", {"consumer": {}})["consumer"])
    request = consumer.request_token(project)
    verifier = api.ok("PUT", f"/OS-OAUTH1/authorize/{request['oauth_token']}",
                      {"roles": [{"name": "member"}]}, token=token)["token"]["oauth_verifier"]
    access = form(consumer.access_token(request, verifier))
    trust = make_trust(api, token, user, user, project)
    yield "OS-OAUTH1", lambda: consumer.login(access)
    yield "OS-TRUST:trust", lambda: by_trust(api, user, trust)


def test_what_is_lent_is_in_the_token(each):
    service = each.cloud.cloud.services["identity"]
    user, project, token = member(each, "admin")
    for key, login in lent(each):
        text = login().headers["x-subject-token"]
        service.tokens._known.clear()
        assert key in each.validate(text).json["token"]
    made = make_credential(each, user, token, access_rules=[RULE])
    text = by_credential(each, made).headers["x-subject-token"]
    service.tokens._known.clear()
    assert each.request("GET", "/auth/projects", token=text).status == 200
    assert each.request("POST", f"/users/{user['id']}/credentials/OS-EC2", {"tenant_id": project["id"]},
                        token=text).status == 401


def test_scoped_tokens_are_not_exchanged_where_that_is_forbidden(each):
    user, project, token = member(each)
    assert each.rescope(token, scoped(project)).status == 403
    unscoped = each.token(user, scope={"unscoped": {}})
    assert each.rescope(unscoped, scoped(project)).status == 201
