"""Passcodes (TOTP), rules of several methods, and receipts."""

import base64
import itertools
import json

import pytest
from stratolith.plugins.identity.totp import passcode

from .delegates import SEED, by_credential, code, make_credential, scoped, totp


def seeded(api, **options):
    """A user with a TOTP secret, and its project."""
    user, project = api.person()
    if options:
        api.ok("PATCH", f"/users/{user['id']}", {"user": {"options": options}})
    api.ok("POST", "/credentials", {"credential": {"type": "totp", "blob": SEED, "user_id": user["id"]}})
    return user, project


def both(user, given, password="secret"):
    """Password and passcode in one body."""
    identity = totp(user, given)
    return {**identity, "methods": ["password", "totp"],
            "password": {"user": {"id": user["id"], "password": password}}}


@pytest.mark.parametrize(("time", "wanted"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"),
                                              (2000000000, "279037"), (20000000000, "353130")])
def test_passcodes_are_those_of_the_rfc(time, wanted):
    assert passcode(b"12345678901234567890", time // 30) == wanted


def test_login_by_passcode(api, cloud):
    user, project = seeded(api)
    answer = api.auth(totp(user, code(cloud)), scoped(project))
    assert answer.status == 201 and answer.json["token"]["methods"] == ["totp"]


def test_a_secret_that_is_none_stands_in_no_ones_way(api, cloud):
    user, _ = seeded(api)
    for blob in ("1", "no base32!", ""):
        api.ok("POST", "/credentials", {"credential": {"type": "totp", "blob": blob, "user_id": user["id"]}})
    assert api.auth(totp(user, code(cloud))).status == 201


def test_a_passcode_by_name_and_domain(api, cloud):
    user, _ = seeded(api)
    given = {"name": user["name"], "domain": {"name": "Default"}, "passcode": code(cloud)}
    assert api.auth({"methods": ["totp"], "totp": {"user": given}}).status == 201


@pytest.mark.parametrize(("steps", "status"), [(0, 201), (-1, 201), (-2, 401), (1, 401)])
def test_the_window(api, cloud, steps, status):
    user, _ = seeded(api)
    assert api.auth(totp(user, code(cloud, steps=steps))).status == status


def test_the_rules_ask_for_more(api, cloud):
    rules = [["password", "totp"]]
    user, project = seeded(api, multi_factor_auth_enabled=True, multi_factor_auth_rules=rules)
    answer = api.login(user, scope=scoped(project))
    assert answer.status == 401 and "x-subject-token" not in answer.headers
    assert answer.json["required_auth_methods"] == rules
    assert answer.json["receipt"]["methods"] == ["password"]
    assert answer.json["receipt"]["user"] == {"id": user["id"], "name": user["name"],
                                              "domain": {"id": "default", "name": "Default"}}
    receipt = {"Openstack-Auth-Receipt": answer.headers["openstack-auth-receipt"]}
    body = {"auth": {"identity": totp(user, code(cloud)), "scope": scoped(project)}}
    done = api.request("POST", "/auth/tokens", body, as_=None, headers=receipt)
    assert done.status == 201 and set(done.json["token"]["methods"]) == {"password", "totp"}
    again = api.rescope(done.headers["x-subject-token"], scoped(project))
    assert again.status == 201


def test_all_at_once(api, cloud):
    user, project = seeded(api, multi_factor_auth_enabled=True, multi_factor_auth_rules=[["password", "totp"]])
    assert api.auth(both(user, code(cloud)), scoped(project)).status == 201
    assert api.auth(totp(user, code(cloud, steps=0)), scoped(project)).status == 401


def test_one_of_several_rules_is_enough(api, cloud):
    user, _ = seeded(api, multi_factor_auth_enabled=True,
                     multi_factor_auth_rules=[["password", "totp"], ["password", "application_credential"], ["totp"]])
    assert api.login(user).status == 401
    assert api.auth(totp(user, code(cloud))).status == 201


@pytest.mark.parametrize("combination", list(itertools.chain.from_iterable(
    itertools.combinations(("password", "totp", "application_credential"), size) for size in (1, 2, 3))))
def test_all_combinations_of_methods(api, cloud, combination):
    user, project = seeded(api)
    made = make_credential(api, user, api.token(user, scope=scoped(project)))
    cloud.clock.advance(30)
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"options": {
        "multi_factor_auth_enabled": True, "multi_factor_auth_rules": [list(combination)]}}})
    identity = {"methods": list(combination), **{name: part for name, part in {
        "password": {"user": {"id": user["id"], "password": "secret"}},
        "totp": {"user": {"id": user["id"], "passcode": code(cloud)}},
        "application_credential": {"id": made["id"], "secret": made["secret"]}}.items() if name in combination}}
    answer = api.auth(identity)
    assert answer.status == 201 and set(answer.json["token"]["methods"]) == set(combination)
    for left_out in combination if len(combination) > 1 else ():
        less = {**identity, "methods": [name for name in combination if name != left_out]}
        if "totp" in less["methods"]:
            cloud.clock.advance(31)
            less["totp"] = {"user": {"id": user["id"], "passcode": code(cloud)}}
        assert "receipt" in api.auth(less).json


def test_rules_that_are_off_or_no_rules_ask_for_nothing(api):
    for options in ({"multi_factor_auth_enabled": False, "multi_factor_auth_rules": [["password", "totp"]]},
                    {"multi_factor_auth_enabled": True}):
        user, _ = api.person()
        api.ok("PATCH", f"/users/{user['id']}", {"user": {"options": options}})
        assert api.login(user).status == 201


# Attacks.

def test_totp_replay(api, cloud):
    user, _ = seeded(api)
    given = code(cloud)
    assert api.auth(totp(user, given)).status == 201
    assert api.auth(totp(user, given)).status == 401
    assert api.auth(totp(user, code(cloud, steps=-1))).status == 401, "an older one counts no more"
    cloud.clock.advance(30)
    assert api.auth(totp(user, code(cloud))).status == 201


def test_passcode_of_another_user(api, cloud):
    user, _ = seeded(api)
    other = api.make("user", password="secret")
    api.ok("POST", "/credentials", {"credential": {
        "type": "totp", "user_id": other["id"], "blob": base64.b32encode(b"another secret").decode()}})
    assert api.auth(totp(other, code(cloud))).status == 401
    assert api.auth(totp({"id": "0" * 32}, code(cloud))).status == 401
    mixed = {**both(user, code(cloud)), "password": {"user": {"id": other["id"], "password": "secret"}}}
    assert api.auth(mixed).status == 401


def test_a_wrong_password_spends_no_passcode(api, cloud):
    user, _ = seeded(api)
    identity = both(user, code(cloud), "wrong")
    assert api.auth({**identity, "methods": ["totp", "password"]}).status == 401
    assert api.auth(both(user, code(cloud))).status == 201


@pytest.mark.parametrize("given", ["", "0", "abcdef", "１２３４５６", "0" * 3000])
def test_nonsense_for_a_passcode(api, given):
    user, _ = seeded(api)
    assert api.auth(totp(user, given)).status == 401


def receipt_of(api, user):
    """What a user with two factors gets for its password."""
    return api.login(user).headers["openstack-auth-receipt"]


def go_on(api, identity, receipt):
    return api.request("POST", "/auth/tokens", {"auth": {"identity": identity}}, as_=None,
                       headers={"Openstack-Auth-Receipt": receipt})


@pytest.fixture
def careful(api):
    """A user of two factors."""
    return seeded(api, multi_factor_auth_enabled=True, multi_factor_auth_rules=[["password", "totp"]])[0]


def test_receipt_forgery(api, cloud, careful):
    receipt = receipt_of(api, careful)
    for place in (0, 20, len(receipt) // 2, len(receipt) - 5):
        changed = receipt[:place] + ("A" if receipt[place] != "A" else "B") + receipt[place + 1:]
        assert go_on(api, totp(careful, code(cloud)), changed).status == 401
    assert go_on(api, totp(careful, code(cloud)), "x").status == 401
    assert go_on(api, totp(careful, code(cloud)), receipt).status == 201


def test_receipt_made_of_another_secret(api, cloud, careful):
    """A credential's blob, sealed with the same keys, is no receipt."""
    seal = cloud.cloud.services["identity"].store.seal
    now = cloud.clock.time()
    blob = json.dumps({"user_id": careful["id"], "methods": ["password"], "issued_at": now, "expires_at": now + 300})
    assert go_on(api, totp(careful, code(cloud)), seal.close(blob)).status == 401


def test_receipt_of_another_user(api, cloud, careful):
    other, _ = seeded(api, multi_factor_auth_enabled=True, multi_factor_auth_rules=[["password", "totp"]])
    assert go_on(api, totp(careful, code(cloud)), receipt_of(api, other)).status == 401


def test_receipt_that_is_too_old(api, cloud, careful):
    receipt = receipt_of(api, careful)
    cloud.clock.advance(301)
    assert go_on(api, totp(careful, code(cloud)), receipt).status == 401


def test_receipt_from_before_a_new_password(api, cloud, careful):
    receipt = receipt_of(api, careful)
    cloud.clock.advance(1)
    api.ok("PATCH", f"/users/{careful['id']}", {"user": {"password": "another"}})
    assert go_on(api, totp(careful, code(cloud)), receipt).status == 401


def test_a_receipt_is_no_token(api, careful):
    receipt = receipt_of(api, careful)
    assert api.request("GET", "/auth/projects", token=receipt).status == 401
    assert api.rescope(receipt).status == 404


def test_a_token_of_one_factor_is_not_exchanged_for_one_of_two(api, careful):
    plain, project = api.person()
    token = api.token(plain)
    api.ok("PATCH", f"/users/{plain['id']}", {"user": {"options": {
        "multi_factor_auth_enabled": True, "multi_factor_auth_rules": [["password", "totp"]]}}})
    assert api.rescope(token, scoped(project)).status == 401


def test_a_lent_token_registers_no_second_factor(api, cloud):
    user, project = api.person()
    token = api.token(user, scope=scoped(project))
    lent = by_credential(api, make_credential(api, user, token)).headers["x-subject-token"]
    body = {"credential": {"type": "totp", "blob": SEED, "user_id": user["id"]}}
    assert api.request("POST", "/credentials", body, token=lent).status == 403


@pytest.mark.parametrize("options", [
    {"multi_factor_auth_enabled": "yes"}, {"multi_factor_auth_rules": ["password"]}, {"multi_factor_auth_rules": [[]]},
    {"multi_factor_auth_rules": [[1]]}, {"multi_factor_auth_rules": "password"},
    {"multi_factor_auth_rules": [["a"], ["a"]]}])
def test_rules_that_are_none_are_refused(api, options):
    user = api.make("user")
    assert api.request("PATCH", f"/users/{user['id']}", {"user": {"options": options}}).status == 400
