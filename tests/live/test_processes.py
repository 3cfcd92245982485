"""A cloud of several processes: what travels between them, and what a lost process or broker does."""

import hashlib
import json
import os
import signal
import socket
import threading
import time
import urllib.request
from urllib.parse import unquote

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from .backing import broker, postgresql, until
from .region import Region

pytestmark = pytest.mark.live
DATA = os.urandom(1 << 20) * 3 + b"end"


@pytest.fixture(scope="module")
def bus():
    with broker() as made:
        yield made


@pytest.fixture(scope="module")
def region(bus, tmp_path_factory):
    with postgresql() as make:
        made = Region(tmp_path_factory.mktemp("region"), bus.url, make("region"))
        assert "compute: revision" in made.command("db", "upgrade", "--config", str(made.folder / "control.ini"))
        try:
            for name in ("front", "control", "host"):
                made.start(name, wait=False)
            for name in ("front", "control", "host"):
                made.ready(name)
            made.log_in()
            until(lambda: made.get("compute", "/v2.1/flavors")["flavors"], "flavors")
            yield made
        finally:
            made.stop()


@pytest.fixture(scope="module")
def image(region):
    return region.image(DATA)


def test_each_process_says_what_it_runs(region):
    assert region.ready("front")["services"] == ["identity", "image"]
    assert region.ready("host") == {"ready": True, "services": [], "agents": ["compute", "consoles", "network"]}
    with urllib.request.urlopen(region.base("control") + "/metrics") as answer:
        assert b"stratolith_request_seconds" in answer.read()
    lines = (region.folder / "control.log").read_text().splitlines()
    assert all("message" in json.loads(line) for line in lines if line.startswith("{"))


def test_the_catalog_leads_to_every_process(region):
    found = region.get("identity", "/v3/auth/catalog")["catalog"]
    urls = {one["type"]: one["endpoints"][0]["url"] for one in found}
    assert urls["compute"].startswith(region.base("control")) and urls["image"].startswith(region.base("front"))


def test_a_server_from_boot_to_deletion(region, image):
    server = region.boot(image)
    found = region.until(lambda: region.server(server), "active")
    assert any(found["addresses"].values())
    region.post("compute", f"/v2.1/servers/{server}/action", {"reboot": {"type": "HARD"}})
    region.until(lambda: region.server(server), "active")
    assert region.request("DELETE", "compute", f"/v2.1/servers/{server}")[0] == 204
    region.gone(server)


def test_a_console_is_reached_through_its_host(region, image):
    server = region.boot(image)
    region.until(lambda: region.server(server), "active")
    asked = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    url = region.post("compute", f"/v2.1/servers/{server}/remote-consoles", asked)["remote_console"]["url"]
    address = unquote(url).replace("http://", "ws://").replace("vnc_lite.html?path=", "")
    with connect(address, proxy=None) as line:
        assert line.recv(timeout=60) == b"RFB 003.008\n"
    with pytest.raises(InvalidStatus), connect(address, proxy=None):
        raise AssertionError
    assert region.request("DELETE", "compute", f"/v2.1/servers/{server}")[0] == 204
    region.gone(server)


def test_data_of_images_crosses_processes(region, image):
    server = region.boot(image)
    region.until(lambda: region.server(server), "active")
    status, headers, body = region.request("POST", "compute", f"/v2.1/servers/{server}/action",
                                           {"createImage": {"name": "copy"}})
    assert status == 202, body
    copy = headers["Location"].rpartition("/")[2]
    shown = region.until(lambda: region.get("image", f"/v2/images/{copy}"), "active")
    data = region.request("GET", "image", f"/v2/images/{copy}/file")[2]
    assert hashlib.sha512(data).hexdigest() == shown["os_hash_value"] and len(data) == shown["size"] > 0
    volume = region.post("volume", "/v3/volumes", {"volume": {"size": 1, "imageRef": image}})["volume"]["id"]
    region.until(lambda: region.get("volume", f"/v3/volumes/{volume}")["volume"], "available")
    region.post("volume", f"/v3/volumes/{volume}/action", {"os-volume_upload_image": {
        "image_name": "from volume", "disk_format": "qcow2", "container_format": "bare"}})
    region.until(lambda: region.get("volume", f"/v3/volumes/{volume}")["volume"], "available")
    found = region.until(lambda: next(iter(region.get("image", "/v2/images?name=from%20volume")["images"]), None),
                         "active")
    assert found["size"] > 1 << 20
    region.request("DELETE", "compute", f"/v2.1/servers/{server}")
    region.gone(server)


def test_a_lost_broker_only_delays(region, bus, image):
    servers = [region.boot(image, f"broker{number}") for number in range(4)]
    time.sleep(0.3)
    flavor = region.get("compute", "/v2.1/flavors")["flavors"][0]["id"]
    bus.kill()
    status, headers, _ = region.request("POST", "compute", "/v2.1/servers", {"server": {
        "name": "away", "flavorRef": flavor, "imageRef": image, "networks": "auto"}})
    assert (status, headers["Retry-After"]) == (503, "5")
    time.sleep(10)
    bus.start()
    for server in servers:
        region.until(lambda server=server: region.server(server), "active")
    for server in servers:
        region.request("DELETE", "compute", f"/v2.1/servers/{server}")
    for server in servers:
        region.gone(server)


def test_a_killed_control_process_goes_on_where_it_was(region, image):
    region.counts_on_its_host()
    servers = [region.boot(image, f"killed{number}") for number in range(4)]
    time.sleep(0.2)
    region.kill("control")
    region.start("control")
    for server in servers:
        region.until(lambda server=server: region.server(server), "active")
    for server in servers:
        region.request("DELETE", "compute", f"/v2.1/servers/{server}")
    for server in servers:
        region.gone(server)


def test_a_killed_host_process_keeps_its_servers(region, image):
    region.counts_on_its_host()
    server = region.boot(image, "stays")
    region.until(lambda: region.server(server), "active")
    region.kill("host")
    region.start("host")
    region.post("compute", f"/v2.1/servers/{server}/action", {"reboot": {"type": "HARD"}})
    region.until(lambda: region.server(server), "active")
    region.request("DELETE", "compute", f"/v2.1/servers/{server}")
    region.gone(server)


def test_the_end_signal_lets_requests_finish(region):
    """An upload that has begun is answered before the process ends, and the process ends by itself."""
    made = region.post("image", "/v2/images", {"name": "slow", "disk_format": "raw", "container_format": "bare"})
    head = (f"PUT /image/v2/images/{made['id']}/file HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {region.token}\r\n"
            f"Content-Type: application/octet-stream\r\nContent-Length: {len(DATA)}\r\nConnection: close\r\n\r\n")
    with socket.create_connection(("127.0.0.1", region.ports["front"]), timeout=120) as client:
        client.sendall(head.encode() + DATA[:1000])
        region.until(lambda: region.get("image", f"/v2/images/{made['id']}"), "saving")
        os.kill(region.processes["front"].pid, signal.SIGTERM)
        sender = threading.Timer(1.5, lambda: client.sendall(DATA[1000:]))
        sender.start()
        answer = client.recv(4096)
        sender.join()
    assert answer.startswith(b"HTTP/1.1 204")
    assert region.processes["front"].wait(120) == 0
    region.start("front")
    assert region.get("image", f"/v2/images/{made['id']}")["status"] == "active"
