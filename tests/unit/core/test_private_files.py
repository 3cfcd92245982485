"""What a cloud keeps on the disk is its owner's alone, even where the folder around it is open."""

import os
import stat
import threading

import pytest
import yaml
from stratolith.core.clock import System
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.process.bootstrap import Secrets, write_clouds
from stratolith.core.process.unix import serve_on


@pytest.fixture(autouse=True)
def generous():
    """The umask that most systems have."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def shared(folder):
    """Files that others than their owner can read, with their modes; what is below a closed folder is not shared."""
    found = {}
    for place, folders, files in os.walk(folder):
        closed = [name for name in folders if not stat.S_IMODE(os.stat(os.path.join(place, name)).st_mode) & 0o077]
        folders[:] = [name for name in folders if name not in closed]
        for name in files:
            mode = stat.S_IMODE(os.stat(os.path.join(place, name)).st_mode)
            if mode & 0o077:
                found[os.path.join(place, name)] = oct(mode)
    return found


def test_passwords(tmp_path):
    made = Secrets.load(tmp_path / "secrets.json", System())
    write_clouds(tmp_path / "clouds.yaml", made, "http://x", "R")
    assert made.admin != made.demo and len(made.admin) == 20
    assert yaml.safe_load((tmp_path / "clouds.yaml").read_text())["clouds"]
    assert not shared(tmp_path)


def test_databases_and_keys(tmp_path):
    (tmp_path / "state").mkdir(mode=0o755)
    cloud = InProcess(tmp_path, persistent=True).start()
    cloud.token("demo", "demo")
    cloud.request("POST", "/identity/v3/credentials", {"credential": {"type": "cert", "blob": "x"}}, as_="demo")
    open_files = shared(tmp_path / "state")
    state = tmp_path / "state"
    private = [str(path) for path in state.rglob("*") if path.is_file()
               and (path.name.startswith("stratolith.db") or "key" in str(path.relative_to(state)))]
    cloud.stop()
    assert any("stratolith.db" in path for path in private) and len(private) >= 3, private
    assert not [path for path in private if path in open_files], open_files


def test_the_socket_of_trust(tmp_path):
    class Idle:
        def loop(self, name, work):
            self.work = work
    idle, ended = Idle(), threading.Event()
    serve_on(tmp_path / "run" / "metadata.sock", lambda environ, start: [], idle)
    assert stat.S_IMODE(os.stat(tmp_path / "run" / "metadata.sock").st_mode) == 0o600
    ended.set()
    idle.work(ended)
