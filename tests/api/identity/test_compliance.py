"""Rules for passwords and accounts, under Keystone's names; each test is a cloud with the options it needs."""

import contextlib

import pytest
from stratolith.core.conformance.cloud import InProcess

from .conftest import Api, scoped

DAY_S = 86400


@pytest.fixture
def ruled(tmp_path):
    """Makes clouds with options of the SQL directory."""
    with contextlib.ExitStack() as made:
        def make(**options):
            texts = {name: str(value) for name, value in options.items()}
            cloud = InProcess(tmp_path / str(len(texts)), services=["identity"],
                              options={"identity.sql": texts}).start()
            made.callback(cloud.stop)
            return Api(cloud)
        yield make


def change(api, user, original, password):
    """The status of a user's own change of its password."""
    body = {"user": {"original_password": original, "password": password}}
    return api.request("POST", f"/users/{user['id']}/password", body, as_=None).status


def later(api, seconds):
    api.cloud.clock.advance(seconds)
    api.cloud._tokens.clear()


def test_password_regex(ruled):
    api = ruled(password_regex=r"^(?=.*\d).{7,}$", password_regex_description="seven characters and a digit")
    for body in ({"name": "u", "password": "short1"}, {"name": "u", "password": "no digits at all"}):
        answer = api.request("POST", "/users", {"user": body})
        assert answer.status == 400 and "seven characters and a digit" in answer.json["error"]["message"]
    user = api.make("user", password="longer 1")
    assert api.request("PATCH", f"/users/{user['id']}", {"user": {"password": "bad"}}).status == 400
    assert change(api, user, "longer 1", "bad") == 400
    assert change(api, user, "wrong", "bad") == 401, "the rule is told to nobody who does not know the password"
    assert change(api, user, "longer 1", "longer 2") == 204
    assert api.login(user, "longer 2").status == 201


def test_a_regex_that_cannot_be_read_stops_the_start(ruled):
    with pytest.raises(Exception, match="password_regex"):
        ruled(password_regex="(")


def test_unique_last_passwords(ruled):
    api = ruled(unique_last_password_count=2)
    user = api.make("user", password="p0")
    assert change(api, user, "p0", "p1") == 204
    assert change(api, user, "p1", "p1") == 400
    assert change(api, user, "p1", "p0") == 400
    assert change(api, user, "p1", "p2") == 204
    assert change(api, user, "p2", "p0") == 204
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"password": "p2"}})
    api.ok("DELETE", f"/users/{user['id']}")


def test_minimum_age(ruled):
    api = ruled(minimum_password_age=1, password_expires_days=30)
    user = api.make("user", password="p0")
    assert change(api, user, "p0", "p1") == 204, "what an administrator set may be changed at once"
    assert change(api, user, "p1", "p2") == 400
    later(api, DAY_S)
    assert change(api, user, "p1", "p2") == 204
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"password": "p3"}})
    assert change(api, user, "p3", "p4") == 204


def test_expiry(ruled):
    api = ruled(password_expires_days=3)
    user, exempt = api.make("user", password="p0"), api.make("user", password="p0",
                                                             options={"ignore_password_expiry": True})
    assert user["password_expires_at"] and exempt["password_expires_at"] is None
    later(api, 3 * DAY_S)
    answer = api.login(user, "p0")
    assert answer.status == 401 and "expired" in answer.json["error"]["message"]
    assert "expired" not in api.login(user, "wrong").json["error"]["message"]
    assert api.login(exempt, "p0").status == 201
    assert change(api, user, "p0", "p1") == 204
    assert api.login(user, "p1").status == 201


def test_change_upon_first_use(ruled):
    api = ruled(change_password_upon_first_use=True)
    user = api.make("user", password="p0")
    exempt = api.make("user", password="p0", options={"ignore_change_password_upon_first_use": True})
    assert api.login(user, "p0").status == 401
    assert change(api, user, "p0", "p1") == 204
    assert api.login(user, "p1").status == 201
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"password": "p2"}})
    assert api.login(user, "p2").status == 401
    assert api.login(exempt, "p0").status == 201


def test_lockout(ruled):
    api = ruled(lockout_failure_attempts=3, lockout_duration=60)
    user, exempt = api.make("user", password="secret"), api.make("user", password="secret", options={
        "ignore_lockout_failure_attempts": True})
    for _ in range(2):
        assert api.login(user, "wrong").status == 401
    assert api.login(user).status == 201, "a good login begins the count anew"
    for _ in range(3):
        assert api.login(user, "wrong").status == 401
        assert api.login(exempt, "wrong").status == 401
    locked, wrong, nobody = api.login(user), api.login(user, "wrong"), api.login("nobody")
    assert {one.status for one in (locked, wrong, nobody)} == {401}
    assert len({one.data for one in (locked, wrong, nobody)}) == 1, "nobody is told that an account is locked"
    assert change(api, user, "secret", "new") == 401
    assert api.login(exempt).status == 201
    later(api, 61)
    assert api.login(user).status == 201


def test_lockout_until_an_administrator_comes(ruled):
    api = ruled(lockout_failure_attempts=2, lockout_duration=0)
    user = api.make("user", password="secret")
    for _ in range(2):
        api.login(user, "wrong")
    later(api, 30 * DAY_S)
    assert api.login(user).status == 401
    assert api.ok("GET", f"/users/{user['id']}")["user"]["enabled"] is False
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"enabled": True}})
    assert api.login(user).status == 201


def test_lockout_costs_the_same_work(ruled):
    api = ruled(lockout_failure_attempts=1, lockout_duration=600)
    user = api.make("user", password="secret")
    hasher = api.cloud.cloud.services["identity"].store.backend.common._passwords._hasher
    work, real = [], hasher.hash
    api.login(user, "wrong")
    hasher.hash = lambda *given: (work.append(1), real(*given))[1]
    api.login(user)
    assert work == [1]


def test_inactive_accounts(ruled):
    api = ruled(disable_user_account_days_inactive=10)
    user, project = api.person()
    exempt = api.make("user", password="secret", options={"ignore_user_inactivity": True})
    later(api, 9 * DAY_S)
    assert api.login(user).status == 201
    later(api, 9 * DAY_S)
    assert api.login(user, scope=scoped(project)).status == 201
    later(api, 11 * DAY_S)
    api.ok("PATCH", f"/users/{exempt['id']}", {"user": {"name": "renamed"}}, token=_admin(api))
    assert api.login(user).status == 401
    assert api.login(exempt).status == 201
    token = _admin(api)
    assert api.ok("GET", f"/users/{user['id']}", token=token)["user"]["enabled"] is False
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"enabled": True}}, token=token)
    assert api.login(user).status == 201


def _admin(api):
    """A token of an administrator, who may not have been here for as long as everybody else."""
    service = api.cloud.cloud.services["identity"]
    admin = service.store.backend.user_named("default", "admin")
    service.users.update(api.cloud.cloud.kits["identity"].context(), admin.id, {"enabled": True}, None)
    api.cloud._tokens.clear()
    return api.cloud.token()


def test_a_locked_password(ruled):
    api = ruled()
    user = api.make("user", password="secret", options={"lock_password": True})
    assert change(api, user, "secret", "new") == 400
    api.ok("PATCH", f"/users/{user['id']}", {"user": {"options": {"lock_password": None}}})
    assert change(api, user, "secret", "new") == 204


def test_the_first_users_need_not_change_their_passwords(ruled):
    api = ruled(change_password_upon_first_use=True, password_expires_days=1)
    later(api, 2 * DAY_S)
    assert api.cloud.token() and api.cloud.token("demo", "demo")


@pytest.mark.parametrize("algorithm", ["argon2id", "bcrypt", "scrypt", "pbkdf2_sha512"])
def test_hashes_follow_the_algorithm_at_the_next_login(ruled, algorithm):
    api = ruled(password_hash=algorithm, password_hash_rounds=5, password_hash_memory_kib=64,
                remember_verified_s=0)
    service = api.cloud.cloud.services["identity"]
    user = api.make("user", password="sesame")
    old = "$2b$04$S041mInvIs4MY4smgtxKJe5.p4UP8P1TxFo5EZ1L0LhznmtmgN7Ny"
    with service.store.db.write():
        service.store.users.set_password(user["id"], old)
    token = api.token(user, "sesame")
    passwords = service.store.backend.common._passwords
    with service.store.db.read() as tx:
        kept = tx.value(_hash_of(user["id"]))
    assert kept != old and passwords.is_current(kept)
    assert api.validate(token).status == 200, "the password is the same, so its tokens stay good"
    assert api.login(user, "sesame").status == 201 and api.login(user, "wrong").status == 401


def _hash_of(user_id):
    import sqlalchemy as sa
    from stratolith.auth.sql.tables import users
    return sa.select(users.c.password_hash).where(users.c.id == user_id)


def test_brute_force_is_slowed_down(ruled):
    """As many wrong guesses as the guard answers in a minute, and no more, wherever the user is named."""
    api = ruled()
    user = api.make("user", password="secret")
    answers = [api.login(user, f"guess {number}") for number in range(30)]
    assert [one.status for one in answers].count(401) == 20
    refused = answers[-1]
    assert refused.status == 429 and int(refused.headers["retry-after"]) >= 1
    assert api.login(user).status == 429
    unknown = [api.login("nobody", f"guess {number}").status for number in range(30)]
    assert unknown.count(401) == 20, "who does not exist is treated alike"
    assert change(api, user, "guess", "new") == 429
    later(api, 60)
    assert api.login(user).status == 201


def test_guesses_sent_all_at_once_do_not_outrun_the_lock(ruled):
    """The right guess among many that are verified at once is refused, if the others have locked the account."""
    api = ruled(lockout_failure_attempts=3, lockout_duration=600, remember_verified_s=0)
    user = api.make("user", password="secret")
    passwords = api.cloud.cloud.services["identity"].store.backend.common._passwords
    real = passwords.matches

    def slow(user_id, stored, password):
        if password == "secret":
            for number in range(3):
                assert api.login(user, f"guess {number}").status == 401
        return real(user_id, stored, password)
    passwords.matches = slow
    try:
        assert api.login(user).status == 401
    finally:
        passwords.matches = real
    later(api, 601)
    assert api.login(user).status == 201
