"""The console proxy, asked by a real client, before the consoles of a simulated host."""

import contextlib
import http.client
import logging
import struct
import time

import pytest
from stratolith.core.clock import System
from stratolith.core.drivers.base import Surroundings
from stratolith.core.drivers.hypervisor import ConsoleKind, Disk, GuestSpec
from stratolith.core.errors import BackendBusy, NotFound
from stratolith.core.executor import Threads
from stratolith.hypervisors.simulated.driver import Simulated, SimulatedOptions
from stratolith.plugins.compute.consoles.address import console_address, may_open, token_of
from stratolith.plugins.compute.consoles.pages import Pages
from stratolith.plugins.compute.consoles.proxy import Proxy
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import connect

GUEST = "5f0c6d7e-0000-4000-8000-000000000001"
OUTER = "https://consoles.example.org/one"


class Rig:
    """A host with a guest, its proxy, and the tokens that it takes."""

    def __init__(self, folder):
        clock = System()
        self.executor = Threads(clock)
        self.driver = Simulated(SimulatedOptions(persist=False), Surroundings(
            clock=clock, log=logging.getLogger("test"), state_dir=folder / "state", run_dir=folder / ("r" * 90),
            executor=self.executor))
        self.driver.open()
        self.spawn()
        self.tokens = {}
        novnc = folder / "novnc"
        (novnc / "core").mkdir(parents=True)
        (novnc / "core" / "rfb.js").write_text("export default 1;")
        (novnc / "secret.txt").write_text("no")
        (folder / "outside.html").write_text("no")
        (novnc / "link.html").symlink_to(folder / "outside.html")
        self.proxy = Proxy(clock, self.executor, Pages((str(novnc), "", "/nowhere")), self.find, 4, OUTER,
                           ("https://friend.example.org",))
        self.port = self.proxy.listen("127.0.0.1", 0)

    def spawn(self):
        self.driver.spawn(GuestSpec(GUEST, "web", 1, 64, [Disk("vda", 1)]))

    def find(self, token):
        kind = self.tokens.pop(token, None)
        if kind == "busy":
            raise BackendBusy()
        if kind is None:
            raise NotFound()
        return self.driver.console(GUEST, kind), f"holder of {token}"

    def open(self, token="t", kind=ConsoleKind.VNC, path="/?token={}", **more):
        if kind is not None:
            self.tokens[token] = kind
        more.setdefault("origin", f"http://127.0.0.1:{self.port}")
        more.setdefault("subprotocols", ["binary"])
        return connect(f"ws://127.0.0.1:{self.port}{path.format(token)}", proxy=None, **more)

    def ask(self, path):
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        line.request("GET", path)
        answer = line.getresponse()
        return answer.status, answer.read().decode(), answer.headers

    def stop(self):
        self.proxy.close()
        self.executor.stop()


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    made = Rig(tmp_path_factory.mktemp("rig"))
    yield made
    made.stop()


class Stream:
    """The bytes of a websocket, as many as one wants."""

    def __init__(self, socket):
        self.socket, self.held = socket, b""

    def take(self, count):
        while len(self.held) < count:
            self.held += self.socket.recv(timeout=5)
        piece, self.held = self.held[:count], self.held[count:]
        return piece


def shake(socket):
    """An RFB handshake; the size of the screen and the name of the server."""
    stream = Stream(socket)
    assert stream.take(12) == b"RFB 003.008\n"
    socket.send(b"RFB 003.008\n")
    assert stream.take(2) == b"\x01\x01"
    socket.send(b"\x01")
    assert stream.take(4) == bytes(4)
    socket.send(b"\x01")
    head = stream.take(24)
    return stream, struct.unpack(">HH", head[:4]), stream.take(struct.unpack(">I", head[20:])[0]).decode()


def test_screen(rig):
    with rig.open() as socket:
        assert socket.subprotocol == "binary"
        stream, size, name = shake(socket)
        assert (size, name) == ((320, 200), "web")
        socket.send(struct.pack(">BxHi", 2, 1, 0) + struct.pack(">BBHHHH", 3, 0, 0, 0, *size))
        kind, count = struct.unpack(">BxH", stream.take(4))
        assert (kind, count) == (0, 1)
        assert struct.unpack(">HHHHi", stream.take(12)) == (0, 0, 320, 200, 0)
        picture = stream.take(320 * 200 * 4)
        assert len(set(struct.iter_unpack("<I", picture))) == 8


def test_serial_line(rig):
    with rig.open(kind=ConsoleKind.SERIAL) as socket:
        stream, prompt = Stream(socket), b"\r\nweb login: "
        assert stream.take(len(prompt)) == prompt
        socket.send(b"roott\x7f\r")
        assert stream.take(8 + len(prompt)) == b"roott\b \b" + prompt


def test_text_frames_are_typed_too(rig):
    with rig.open(kind=ConsoleKind.SERIAL) as socket:
        assert socket.recv(timeout=5).endswith(b"login: ")
        socket.send("ls")
        assert socket.recv(timeout=5) == b"ls"


def test_token_opens_once(rig):
    with rig.open() as socket:
        shake(socket)
    assert status(rig, kind=None) == 403


def status(rig, **more):
    with pytest.raises(InvalidStatus) as refused, rig.open(**more):
        raise AssertionError
    assert refused.value.response.body in (b"", None)
    return refused.value.response.status_code


def test_tokens_that_open_nothing(rig):
    assert status(rig, token="none", kind=None) == 403
    assert status(rig, path="/websockify") == 401
    assert status(rig, kind="busy") == 503


@pytest.mark.parametrize("origin", ["http://evil.example.org", "http://127.0.0.1:1", "null", "https://consoles.example.org.evil"])
def test_forged_origin(rig, origin):
    assert status(rig, origin=origin) == 403
    assert rig.tokens.pop("t") is ConsoleKind.VNC


@pytest.mark.parametrize("origin", ["https://consoles.example.org", "https://friend.example.org", None])
def test_proper_origin(rig, origin):
    with rig.open(origin=origin) as socket:
        shake(socket)


@pytest.mark.parametrize("offered", [None, ["base64"]])
def test_pages_that_do_not_offer_the_subprotocol(rig, offered):
    with rig.open(subprotocols=offered) as socket:
        assert socket.subprotocol is None
        shake(socket)


def test_cookie(rig):
    rig.tokens["c"] = ConsoleKind.VNC
    with rig.open(kind=None, path="/websockify", additional_headers={"Cookie": "a=b; token=c"}) as socket:
        shake(socket)


def test_stopped_guest_ends_its_consoles(rig):
    with rig.open() as socket:
        shake(socket)
        rig.driver.stop(GUEST, 0)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=5)
        assert closed.value.rcvd.reason == "The console has ended."
    rig.spawn()


def test_consoles_that_may_not_stay_are_closed(rig):
    with rig.open("leaving") as socket:
        shake(socket)
        (console,) = rig.proxy.opened()
        assert console.holder == "holder of leaving"
        console.leave()
        with pytest.raises(ConnectionClosed) as ended:
            while True:
                socket.recv(timeout=5)
        assert ended.value.rcvd.code == 1008
    console.leave()


def test_slow_browser_holds_the_guest_back(rig):
    with rig.open(max_queue=1) as socket:
        stream, size, _ = shake(socket)
        for _ in range(60):
            socket.send(struct.pack(">BBHHHH", 3, 0, 0, 0, *size))
        time.sleep(0.5)
        held = rig.proxy._sessions[-1]
        assert len(held._to_browser) < 1 << 20
        for _ in range(60):
            stream.take(16 + 320 * 200 * 4)


def test_connections_are_counted(rig):
    with contextlib.ExitStack() as sockets:
        for number in range(4):
            sockets.enter_context(rig.open(token=str(number)))
        refused = (OSError, EOFError, InvalidHandshake, ConnectionClosed)
        with pytest.raises(refused), rig.open(token="five", open_timeout=5):
            raise AssertionError
    time.sleep(1.5)
    with rig.open() as socket:
        shake(socket)


def test_pages(rig):
    kind, text, headers = rig.ask("/vnc_lite.html?path=%3Ftoken%3Dx")
    assert (kind, headers["Cache-Control"], headers["Referrer-Policy"]) == (200, "no-store", "no-referrer")
    assert "noVNC" in text
    assert "<script" in text
    assert "Serial console" in rig.ask("/?token=x")[1]
    assert rig.ask("/core/rfb.js")[1] == "export default 1;"


@pytest.mark.parametrize("path", ["/secret.txt", "/../outside.html", "/..%2foutside.html", "/link.html", "/core",
                                  "/x%00.js", "//etc/passwd", "/none.html"])
def test_pages_that_are_not_there(rig, path):
    assert rig.ask(path)[0] == 404


def test_addresses():
    assert (console_address("https://a.org/c/h1", ConsoleKind.VNC, "t")
            == "https://a.org/c/h1/vnc_lite.html?path=c%2Fh1%2F%3Ftoken%3Dt")
    assert console_address("https://a.org/", ConsoleKind.SERIAL, "t") == "wss://a.org/?token=t"
    assert console_address("http://a.org", ConsoleKind.SPICE, "t") == "http://a.org/spice_auto.html?token=t"
    assert console_address("http://a.org/h", ConsoleKind.SPICE, "t").endswith("?token=t&path=h%2Fwebsockify")
    assert token_of("/c/?token=a", "token=b") == "a"
    assert token_of("/websockify", "x=y; token=b") == "b"
    assert token_of("/", "") == ""
    assert may_open("", "h", "", ())
    assert not may_open("http://x", "h", "", ())
