"""Remote consoles: what the API answers, and what their tokens open."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from stratolith.core.conformance.cloud import InProcess

from .conftest import World

URL = "http://consoles.test:6080"
ACTIONS = [("os-getVNCConsole", "novnc"), ("os-getVNCConsole", "xvpvnc"), ("os-getSPICEConsole", "spice-html5"),
           ("os-getRDPConsole", "rdp-html5"), ("os-getSerialConsole", "serial")]
THERE = ("novnc", "serial")


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


def opened(world, server, protocol="vnc", kind="novnc", version="2.6", as_="demo"):
    return world.ask("POST", f"/servers/{server}/remote-consoles",
                     {"remote_console": {"protocol": protocol, "type": kind}}, version, as_)


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
    assert world.act(server, "os-getVNCConsole", {"type": "novnc"}, version="2.6", run_s=0).status == 400
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
