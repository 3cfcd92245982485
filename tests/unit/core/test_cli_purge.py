"""The end of a cloud: what it removes, what it asks, and what it leaves alone."""

import json
import os
import socket
import stat
import subprocess
import sys

import pytest
from stratolith.core.cli.main import main
from stratolith.core.cli.up import remembered
from stratolith.core.clock import System
from stratolith.core.config import Configuration
from stratolith.core.errors import BackendFailed
from stratolith.core.executor import Threads
from stratolith.core.process.cloud import Cloud, Place
from stratolith.core.process.purge import purge
from stratolith.core.process.server import running
from stratolith.hypervisors.simulated.driver import Simulated as Hypervisor
from stratolith.network.simulated.driver import Simulated as Network
from stratolith.plugins.image.tables import images
from stratolith.plugins.volume.tables import volumes


def stratolith(*words, **environment):
    return subprocess.run([sys.executable, "-m", "stratolith.core.cli", *words], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, env={**os.environ, **environment})


def run(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    printed = capsys.readouterr()
    return ended.value.code or 0, printed.out, printed.err


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_running_cloud_is_stopped_and_removed(tmp_path, port, capsys):
    state = tmp_path / "cloud"
    made = stratolith("up", "--detach", "--state", str(state), "--listen", f"127.0.0.1:{port}",
                      "--network-base-mac", "02:16:3e", STRATOLITH_CLOUD_REGION="Here")
    assert made.returncode == 0, made.stderr
    try:
        shared = [str(path) for path in state.iterdir() if path.is_file() and stat.S_IMODE(path.stat().st_mode) & 0o077]
        assert not shared
        kept = json.loads((state / "configuration.json").read_text())
        assert kept["flags"] == {"--network-base-mac": "02:16:3e"}
        assert kept["environment"]["STRATOLITH_CLOUD_REGION"] == "Here"
        assert running(state / "run", "cloud")
    finally:
        status, out, err = run(capsys, "purge", "--state", str(state), "--yes")
    assert (status, err) == (0, "") and str(state) in out
    assert not state.exists()


def test_it_asks_and_takes_only_yes(tmp_path, capsys, monkeypatch):
    (tmp_path / "secrets.json").write_text("{}")
    for answer in ("", "no\n", "y\n"):
        reader, writer = os.pipe()
        os.write(writer, answer.encode())
        os.close(writer)
        with os.fdopen(reader) as asked:
            monkeypatch.setattr(sys, "stdin", asked)
            status, out, _ = run(capsys, "purge", "--state", str(tmp_path))
        assert status == 1 and "Nothing was removed." in out
        assert (tmp_path / "secrets.json").exists()


def test_a_folder_that_is_no_clouds_stays(tmp_path, capsys):
    (tmp_path / "letter").write_text("dear")
    status, _, err = run(capsys, "purge", "--state", str(tmp_path), "--yes")
    assert status == 1 and "is not the folder of a cloud" in err
    assert (tmp_path / "letter").exists()


class World:
    """Drivers that have something of the cloud in the process that ends it, as real ones have."""

    def __init__(self, monkeypatch):
        self.guests, self.wires = ["g1", "g2"], {"routers": ["r"], "ports": ["p"], "networks": ["n"]}
        self.broken, self.order = set(), []
        monkeypatch.setattr(Hypervisor, "observe", lambda driver: [Guest(one) for one in self.guests])
        monkeypatch.setattr(Hypervisor, "destroy", lambda driver, guest: self.take(self.guests, guest))
        monkeypatch.setattr(Network, "observe", lambda driver: Wires(self.wires))
        for kind in ("router", "port", "network"):
            monkeypatch.setattr(Network, f"remove_{kind}",
                                lambda driver, id, kind=kind: self.take(self.wires[f"{kind}s"], id))

    def take(self, place, id):
        if id in self.broken:
            raise BackendFailed("it does not go")
        self.order.append(id)
        place.remove(id)


class Guest:
    """A guest as its host sees it."""

    def __init__(self, guest):
        self.guest = guest


class Wires:
    """What is wired."""

    def __init__(self, wires):
        for name, ids in wires.items():
            setattr(self, name, tuple(ids))


@pytest.fixture
def world(monkeypatch):
    return World(monkeypatch)


def test_all_that_drivers_have_is_removed_in_order(tmp_path, world, capsys):
    made(tmp_path)
    assert dict(purge(Configuration({}, {}), tmp_path)) == {"server": 2, "router": 1, "port": 1, "network": 1,
                                                           "image": 1, "volume": 1}
    assert world.order == ["g1", "g2", "r", "p", "n"]
    assert dict(purge(Configuration({}, {}), tmp_path)) == {}
    assert (tmp_path / "image_stores.file" / "foreign").exists()


def made(folder):
    """A cloud that has a volume and an image, and a file in its store that it knows nothing of."""
    cloud = Cloud(Configuration({}, {}), System(), Threads(System()), Place(folder, folder / "run", agents=[]))
    cloud.prepare()
    store = cloud.services["image"].data.store
    now = System().now()
    with cloud.kits["image"].db.write() as tx:
        tx.insert(images, row(images, id="i" * 32, now=now))
        tx.insert(volumes, row(volumes, id="v" * 32, now=now))
    for name in ("i" * 32, "foreign"):
        store.put(name, [b"data"])
    driver = next(iter(cloud.services["volume"].backends.drivers.values()))
    driver.create("v" * 32, 1)
    cloud.stop()


def row(table, id, now):
    """A row with something in each column that must have something."""
    fill = {"datetime": now, "int": 1, "bool": False, "float": 1.0, "dict": {}, "list": []}
    values = {}
    for column in table.columns:
        if not column.nullable and column.default is None:
            values[column.name] = fill.get(column.type.python_type.__name__, "x")
    return {**values, "id": id}


def test_what_fails_holds_back_nothing_else(tmp_path, world, capsys):
    (tmp_path / "secrets.json").write_text("{}")
    world.broken = {"g1"}
    status, _, err = run(capsys, "purge", "--state", str(tmp_path), "--yes")
    assert status == 1 and "server g1" in err and "stays" in err
    assert world.guests == ["g1"] and not any(world.wires.values())
    assert tmp_path.exists()
    world.broken = set()
    status, out, _ = run(capsys, "purge", "--state", str(tmp_path), "--yes")
    assert (status, out.strip()) == (0, f"Removed 1 server, {tmp_path}.")
    assert not tmp_path.exists()


def test_the_configuration_is_remembered(tmp_path):
    given = Configuration({"cloud": {"region": "File"}}, {"STRATOLITH_CLOUD_HOST": "h", "HOME": "/home/x"})
    given.add_flags(["--network-driver", "bridge"])
    (tmp_path / "configuration.json").write_text(json.dumps(given.given()))
    kept = remembered(tmp_path)
    assert kept.given() == given.given()
    assert "/home/x" not in json.dumps(kept.given())
