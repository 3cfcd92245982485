"""The middleware with what it shares and hears over: a real memcached, and identity's news on a real RabbitMQ."""

import pytest
from pymemcache.client.base import Client
from stratolith.auth.middleware.settings import Settings
from stratolith.auth.middleware.wsgi import Middleware

from .backing import memcached, postgresql, rabbitmq, until
from .identity_processes import Processes

pytestmark = pytest.mark.live
NEVER_S = 1e9


@pytest.fixture(scope="module")
def broker():
    with rabbitmq() as url:
        yield url


@pytest.fixture(scope="module")
def two(broker, tmp_path_factory):
    """Two identity processes that tell one another, and whoever listens, what changes."""
    with postgresql() as database, Processes(
            tmp_path_factory.mktemp("told"), database("told"), cloud={"bus": "kombu"},
            **{"bus.kombu": {"url": broker}}) as made:
        user = made.make("user", password="for the service")
        project = made.make("project", name="services")
        made.all[0].ok("PUT", f"/projects/{project['id']}/users/{user['id']}/roles/{made.role('service')}",
                       token=made.admin)
        made.service_name = user["name"]
        yield made


def settings(two, **more):
    return Settings(auth_url=f"http://127.0.0.1:{two.all[0].port}/identity/v3", username=two.service_name,
                    password="for the service", project_name="services", **more)


def status(middleware, token):
    """What a program behind the middleware, or the middleware itself, answers."""
    said = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SCRIPT_NAME": "", "HTTP_X_AUTH_TOKEN": token}
    list(middleware(environ, lambda line, headers: said.append(int(line.split()[0]))))
    return said[0]


def program(environ, start_response):
    start_response("200 OK", [])
    return [b""]


def test_news_of_the_bus_end_a_token(two, broker):
    """The list is fetched once and never again: what ends the token is what the other process told the broker."""
    door = Middleware(program, settings(two, bus_url=broker, revocation_interval_s=NEVER_S,
                                        revocation_patience_s=NEVER_S))
    until(lambda: door._door.bus.consuming.is_set(), "listening")
    user, project = two.person()
    other, elsewhere = two.person()
    token, kept = two.all[0].token(user, "secret", project), two.all[0].token(other, "secret", elsewhere)
    assert (status(door, token), status(door, kept)) == (200, 200)
    two.all[1].ok("PATCH", f"/users/{user['id']}", {"user": {"enabled": False}}, two.admin)
    until(lambda: status(door, token) == 401, "the end of the token")
    assert status(door, kept) == 200
    door.close()


def test_processes_share_what_they_found_in_memcached(two):
    with memcached() as port:
        shared = settings(two, memcached_servers=(f"127.0.0.1:{port}",), memcache_secret_key="0123456789abcdef")
        doors = first, second, third = [Middleware(program, shared) for _ in range(3)]
        asked = []
        identity = second._door.judge._identity
        validate = identity.validate
        identity.validate = lambda *words, **named: asked.append(words) or validate(*words, **named)
        user, project = two.person()
        token = two.all[0].token(user, "secret", project)
        assert status(first, token) == 200
        assert status(second, token) == 200
        assert asked == [], "the second process asked memcached, not identity"
        client = Client(("127.0.0.1", port))
        assert int(client.stats()[b"curr_items"]) == 1
        client.flush_all()
        client.close()
        assert status(third, token) == 200
        two.all[1].ok("PATCH", f"/users/{user['id']}", {"user": {"enabled": False}}, two.admin)
        until(lambda: status(first, token) == status(second, token) == 401, "the end of what was shared")
    fresh = two.person()
    assert status(first, two.all[0].token(fresh[0], "secret", fresh[1])) == 200, "without memcached it goes on"
    for one in doors:
        one.close()
