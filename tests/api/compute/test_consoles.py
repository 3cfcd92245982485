"""Remote consoles: what the API answers, and what their tokens open."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.errors import BackendBusy
from stratolith.plugins.compute.consoles.watch import EVERY_S, Watch

from .conftest import World

URL = "http://consoles.test:6080"
ACTIONS = [("os-getVNCConsole", "novnc"), ("os-getVNCConsole", "xvpvnc"), ("os-getSPICEConsole", "spice-html5"),
           ("os-getRDPConsole", "rdp-html5"), ("os-getSerialConsole", "serial")]
THERE = ("novnc", "serial")
LIFE_S = 3700
"""Longer than tokens live."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = InProcess(tmp_path_factory.mktemp("cloud"), options={"compute": {"console_url": URL}}).start()
    yield World(made)
    made.stop()


@pytest.fixture
def server(world):
    return world.boot()


def control(world):
    return world.cloud.cloud.services["compute"].control


def context(world):
    return world.cloud.cloud.kits["compute"].context()


def opened(world, server, protocol="vnc", kind="novnc", version="2.6", as_="demo", headers=None):
    return world.cloud.request("POST", f"/compute/v2.1/servers/{server}/remote-consoles",
                               {"remote_console": {"protocol": protocol, "type": kind}}, as_=as_, headers=headers,
                               version=f"compute {version}")


def token(world, server, **more):
    url = opened(world, server, **more).json["remote_console"]["url"]
    return unquote(url).rpartition("token=")[2]


@pytest.mark.parametrize(("action", "kind"), ACTIONS)
def test_actions(world, server, action, kind):
    answer = world.act(server, action, {"type": kind}, version="2.1", run_s=0)
    if kind in THERE:
        assert (answer.status, answer.json["console"]["type"]) == (200, kind)
        assert urlsplit(answer.json["console"]["url"]).netloc == "consoles.test:6080"
    else:
        assert answer.status == 400
        assert answer.json["badRequest"]["message"] == f"Unavailable console type {kind}."


def test_actions_end_with_2_5(world, server):
    assert world.act(server, "os-getVNCConsole", {"type": "novnc"}, version="2.5", run_s=0).status == 200
    assert world.act(server, "os-getVNCConsole", {"type": "novnc"}, version="2.6", run_s=0).status == 404
    assert opened(world, server, version="2.5").status == 404


def test_addresses(world, server):
    vnc = urlsplit(opened(world, server).json["remote_console"]["url"])
    assert (vnc.scheme, vnc.path) == ("http", "/vnc_lite.html")
    assert parse_qs(vnc.query)["path"][0].startswith("?token=")
    serial = urlsplit(opened(world, server, "serial", "serial").json["remote_console"]["url"])
    assert (serial.scheme, serial.path) == ("ws", "/")


@pytest.mark.parametrize(("protocol", "kind", "message"), [
    ("vnc", "serial", "Invalid console type serial"), ("serial", "novnc", "Invalid console type novnc"),
    ("spice", "spice-html5", "Unavailable console type spice-html5."),
    ("rdp", "rdp-html5", "Unavailable console type rdp-html5."), ("mks", "webmks", "Unavailable console type webmks.")])
def test_consoles_that_are_not_there(world, server, protocol, kind, message):
    answer = opened(world, server, protocol, kind, "2.8")
    assert (answer.status, answer.json["badRequest"]["message"]) == (400, message)


def test_improper_requests(world, server):
    assert opened(world, server, "mks", "webmks", "2.6").status == 400
    assert world.ask("POST", f"/servers/{server}/remote-consoles", {"remote_console": {"type": "novnc"}},
                     "2.6").status == 400
    assert world.act(server, "os-getVNCConsole", {"type": "other"}, version="2.1", run_s=0).status == 400
    assert opened(world, "8c3f8b1e-0d43-4a6e-9d3c-1f8f1f9f0000").status == 404


def test_admin_may(world, server):
    assert opened(world, server, as_="admin").status == 200


def test_states(world):
    server = world.boot()
    world.act(server, "os-stop")
    answer = opened(world, server)
    assert answer.status == 409
    assert answer.json["conflictingRequest"]["message"] == f"Instance {server} is not ready"
    building = world.post().json["server"]["id"]
    assert opened(world, building).status == 409
    world.cloud.run(5)
    world.delete(server, building)


def test_token_opens_once(world, server):
    given = token(world, server)
    grant = control(world).redeem_console(context(world), ["host1"], given)
    assert (grant.host, grant.guest, grant.kind.value) == ("host1", server, "vnc")
    assert refused(world, given)


def refused(world, given, host="host1"):
    try:
        control(world).redeem_console(context(world), [host], given)
    except Exception as error:
        return str(error) == "Token not found"
    return False


def test_tokens_that_open_nothing(world, server):
    given = token(world, server)
    assert refused(world, "bad" + given)
    assert refused(world, "")
    assert refused(world, given, "host2")
    world.cloud.run(601)
    assert refused(world, given)


def test_token_of_a_deleted_server(world):
    server = world.boot()
    given = token(world, server)
    world.delete(server)
    assert refused(world, given)


class Console:
    """An open console, as the proxy shows it to who looks after it."""

    def __init__(self, world, given):
        self.holder = control(world).redeem_console(context(world), ["host1"], given).holder
        self.open = True

    def leave(self):
        self.open = False


@pytest.fixture
def watched(world):
    """Consoles that are looked after as the agent does it, on the cloud's own time."""
    consoles = []
    watch = Watch(world.cloud.clock, lambda: [one for one in consoles if one.open],
                  lambda holders: control(world).open_consoles(context(world), holders))
    world.cloud.executor.every(EVERY_S, watch.look)
    yield consoles
    consoles.clear()


def test_an_open_console_ends_with_its_server(world, watched):
    first, second = world.boot(), world.boot()
    watched += [Console(world, token(world, one)) for one in (first, second)]
    world.cloud.run(20)
    assert [one.open for one in watched] == [True, True]
    world.ask("DELETE", f"/servers/{first}")
    world.cloud.run(10)
    assert [one.open for one in watched] == [False, True]
    world.act(second, "shelve", run_s=10)
    assert [one.open for one in watched] == [False, False]


def test_an_open_console_outlives_the_time_of_its_token_but_not_its_revocation(world, server, watched):
    for ended in (False, True):
        mine = user(world)
        watched.append(Console(world, token(world, server, headers=mine["headers"])))
        world.cloud.run(20)
        if ended:
            headers = {"X-Subject-Token": mine["headers"]["X-Auth-Token"]}
            assert world.cloud.request("DELETE", "/identity/v3/auth/tokens", headers=headers).status == 204
        else:
            world.cloud.run(LIFE_S)
            world.cloud._tokens.clear()
            assert world.cloud.request("GET", "/compute/v2.1/servers", headers=mine["headers"]).status == 401
            assert watched[-1].open
            path = f"/identity/v3/projects/{world.project()}/users/{mine['user']}/roles/{mine['role']}"
            assert world.cloud.request("DELETE", path).status == 204
        world.cloud.run(10)
        assert not watched[-1].open


def user(world):
    """A member of the demo project of the test's own, with a token."""
    made = world.cloud.request("POST", "/identity/v3/users", {"user": {
        "name": "watched-" + world.cloud.clock.hex_id(), "password": "a secret"}}).json["user"]
    role = world.cloud.request("GET", "/identity/v3/roles?name=member").json["roles"][0]["id"]
    world.cloud.request("PUT", f"/identity/v3/projects/{world.project()}/users/{made['id']}/roles/{role}")
    body = {"auth": {"identity": {"methods": ["password"], "password": {
        "user": {"id": made["id"], "password": "a secret"}}}, "scope": {"project": {"id": world.project()}}}}
    answer = world.cloud.request("POST", "/identity/v3/auth/tokens", body, as_=None)
    return {"user": made["id"], "role": role, "headers": {"X-Auth-Token": answer.headers["x-subject-token"]}}


def test_consoles_end_when_nobody_says_that_they_may_stay(world, server):
    console, answers = Console(world, token(world, server)), []

    def ask(holders):
        answers.append(world.cloud.clock.monotonic())
        raise BackendBusy()

    watch = Watch(world.cloud.clock, lambda: [console], ask)
    watch.look()
    assert console.open and answers
    world.cloud.run(61)
    watch.look()
    assert not console.open


def test_who_holds_a_console_is_sealed(world, server):
    given = token(world, server)
    holder = Console(world, given).holder
    assert server not in holder
    assert control(world).open_consoles(context(world), [holder, holder[:-4] + "AAAA", ""]) == [True, False, False]


def test_tokens_are_not_kept(world, server):
    given = token(world, server)
    with world.cloud.cloud.kits["compute"].db.read() as tx:
        from stratolith.plugins.compute.tables import console_tokens
        rows = tx.rows(console_tokens.select())
    assert rows
    assert not any(given in str(tuple(row)) for row in rows)


def test_details_of_a_token(world, server):
    given = token(world, server)
    path = f"/os-console-auth-tokens/{given}"
    assert world.ask("GET", path, version="2.31").status == 403
    assert world.ask("GET", path, version="2.30", as_="admin").status == 401
    found = world.ask("GET", path, version="2.31", as_="admin").json["console"]
    assert (found["instance_uuid"], found["host"], found["port"]) == (server, "host1", 0)
    assert found["internal_access_path"].endswith(f"{server}.vnc")
    missing = world.ask("GET", "/os-console-auth-tokens/none", version="2.31", as_="admin")
    assert (missing.status, missing.json["itemNotFound"]["message"]) == (404, "Token not found")


def test_no_proxy(cloud):
    world = World(cloud)
    server = world.boot()
    answer = opened(world, server)
    assert (answer.status, answer.json["badRequest"]["message"]) == (400, "Unavailable console type novnc.")
