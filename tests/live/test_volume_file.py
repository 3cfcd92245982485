"""The file pool with real programs and file systems: NBD servers, locks, reflinks, a full disk."""

import logging
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from stratolith.core.clock import System
from stratolith.core.drivers.base import Surroundings
from stratolith.core.drivers.volume import Connection, Connector
from stratolith.core.errors import InUse, NoSpace, NotSupported
from stratolith.storage.images.file.driver import File as ImageFile
from stratolith.storage.images.file.driver import FileOptions as ImageOptions
from stratolith.storage.volumes.file.driver import File, FileOptions

pytestmark = pytest.mark.live
HERE = Connector("here")
AWAY = Connector("away")
MIB = 1 << 20


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[Path]:
    """A folder for the pid files; every server that has one there is ended."""
    folder = tmp_path / "run"
    folder.mkdir()
    yield folder
    for file in folder.glob("*.pid"):
        os.kill(int(file.read_text()), signal.SIGKILL)


def pool(path: Path, run_dir: Path, **given: object) -> File:
    """An open pool in ``path``."""
    options = FileOptions(path=str(path), **given)  # type: ignore[arg-type]
    driver = File(options, Surroundings(System(), logging.getLogger("test"), path, run_dir, "here"))
    driver.open()
    return driver


def uri(connection: Connection) -> str:
    """How NBD programs write the connection."""
    details = connection.details
    if "socket" in details:
        return f"nbd+unix:///{details['export']}?socket={details['socket']}"
    return f"nbd://{details['host']}:{details['port']}/{details['export']}"


def qemu_io(target: str, *commands: str) -> str:
    """What qemu-io says to ``commands`` on the raw bytes of ``target``."""
    arguments = [part for command in commands for part in ("-c", command)]
    said = subprocess.run(["qemu-io", "-f", "raw", *arguments, target], check=True, capture_output=True, text=True,
                          timeout=60).stdout
    assert "verification failed" not in said
    return said


def head(driver: File, volume: str, size: int) -> bytes:
    """The first bytes of the volume."""
    return next(iter(driver.read(volume)))[:size]


def servers(run_dir: Path) -> list[int]:
    """Numbers of the living servers whose pid files lie in the folder."""
    alive = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.fsencode(run_dir) in (folder / "cmdline").read_bytes():
                alive.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return alive


@pytest.mark.parametrize("form", ["raw", "qcow2"])
@pytest.mark.parametrize("connector", [HERE, AWAY], ids=["socket", "tcp"])
def test_reading_and_writing_over_nbd(tmp_path: Path, run_dir: Path, form: str, connector: Connector) -> None:
    driver = pool(tmp_path, run_dir, format=form, export="nbd", nbd_address="127.0.0.1", nbd_first_port=23_100)
    driver.create("v", 1)
    driver.write("v", [b"\x5a" * 8192])
    connection = driver.connect("v", connector)
    assert connection.protocol == "nbd"
    assert subprocess.run(["nbdinfo", "--size", uri(connection)], check=True, capture_output=True, text=True,
                          timeout=60).stdout.strip() == str(1 << 30)
    qemu_io(uri(connection), "read -P 0x5a 0 8192", "write -P 0x33 4096 4096", "flush")
    driver.disconnect("v", connector)
    assert head(driver, "v", 8193) == b"\x5a" * 4096 + b"\x33" * 4096 + b"\0"
    assert not servers(run_dir) and not list(run_dir.iterdir())


def test_copy_of_all_over_nbd(tmp_path: Path, run_dir: Path) -> None:
    driver = pool(tmp_path, run_dir, format="qcow2", export="nbd")
    driver.create("v", 1)
    data = os.urandom(MIB)
    driver.write("v", [data])
    copy = tmp_path / "copy"
    subprocess.run(["nbdcopy", uri(driver.connect("v", HERE)), str(copy)], check=True, timeout=60)
    driver.disconnect("v", HERE)
    assert copy.stat().st_size == 1 << 30
    with copy.open("rb") as file:
        assert file.read(MIB) == data


def test_server_that_died_comes_back_at_its_place(tmp_path: Path, run_dir: Path) -> None:
    driver = pool(tmp_path, run_dir, nbd_address="127.0.0.1", nbd_first_port=23_200)
    for name in ("v", "w"):
        driver.create(name, 1)
    first, second = driver.connect("v", AWAY), driver.connect("w", AWAY)
    assert first.details["port"] != second.details["port"]
    for pid in servers(run_dir):
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while servers(run_dir) and time.monotonic() < deadline:
        time.sleep(0.02)
    again = pool(tmp_path, run_dir, nbd_address="127.0.0.1", nbd_first_port=23_200)
    assert again.connect("w", AWAY) == second
    assert again.connect("v", AWAY) == first
    qemu_io(uri(first), "read -P 0 0 4096")
    again.delete("v")
    again.delete("w")
    assert not servers(run_dir)


@pytest.mark.parametrize("verb", ["connect", "delete"])
def test_server_that_a_crash_left_unnoted_is_ended(tmp_path: Path, run_dir: Path, verb: str) -> None:
    driver = pool(tmp_path, run_dir, export="nbd")
    driver.create("v", 1)
    driver.connect("v", HERE)
    (served,) = servers(run_dir)
    for file in run_dir.glob("*.json"):
        file.unlink()
    if verb == "connect":
        qemu_io(uri(driver.connect("v", HERE)), "read -P 0 0 512")
    else:
        driver.delete("v")
    assert served not in servers(run_dir)
    driver.delete("v")
    assert not servers(run_dir) and not list(run_dir.iterdir())


def test_port_of_a_stranger_is_passed_over(tmp_path: Path, run_dir: Path) -> None:
    one = pool(tmp_path / "one", run_dir, nbd_address="127.0.0.1", nbd_first_port=23_300)
    (tmp_path / "other").mkdir()
    other = pool(tmp_path / "two", tmp_path / "other", nbd_address="127.0.0.1", nbd_first_port=23_300)
    one.create("v", 1)
    other.create("v", 1)
    ports = [driver.connect("v", AWAY).details["port"] for driver in (one, other)]
    assert len(set(ports)) == 2
    one.delete("v")
    other.delete("v")


def test_pid_file_of_another_process_harms_nobody(tmp_path: Path, run_dir: Path) -> None:
    driver = pool(tmp_path, run_dir, export="nbd")
    driver.create("v", 1)
    driver.connect("v", HERE)
    served = servers(run_dir)
    (file,) = run_dir.glob("*.pid")
    bystander = subprocess.Popen(["sleep", "60"])
    file.write_text(str(bystander.pid))
    driver.disconnect("v", HERE)
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()
    for pid in served:
        os.kill(pid, signal.SIGKILL)


def test_hosts_outside_need_an_address(tmp_path: Path, run_dir: Path) -> None:
    driver = pool(tmp_path, run_dir)
    driver.create("v", 1)
    with pytest.raises(NotSupported):
        driver.connect("v", AWAY)
    shared = pool(tmp_path, run_dir, shared=True)
    assert shared.connect("v", AWAY).protocol == "file"


def test_second_host_finds_a_qcow2_volume_in_use(tmp_path: Path, run_dir: Path) -> None:
    driver = pool(tmp_path, run_dir, nbd_address="127.0.0.1", nbd_first_port=23_400, export="nbd", format="qcow2")
    assert not driver.facts().multiattach
    driver.create("v", 1)
    driver.connect("v", HERE)
    with pytest.raises(InUse):
        driver.connect("v", AWAY)
    driver.delete("v")
    assert not servers(run_dir)


def test_second_host_sees_what_the_first_wrote_to_a_raw_volume(tmp_path: Path, run_dir: Path) -> None:
    driver = pool(tmp_path, run_dir, nbd_address="127.0.0.1", nbd_first_port=23_500, export="nbd")
    assert driver.facts().multiattach
    driver.create("v", 1)
    here, away = driver.connect("v", HERE), driver.connect("v", AWAY)
    qemu_io(uri(here), "write -P 0x41 0 4096")
    qemu_io(uri(away), "read -P 0x41 0 4096")
    driver.disconnect("v", HERE)
    assert len(servers(run_dir)) == 1
    driver.disconnect("v", AWAY)
    assert not servers(run_dir)


@pytest.mark.parametrize("form", ["raw", "qcow2"])
def test_volume_that_a_guest_writes_is_not_copied_piecemeal(tmp_path: Path, run_dir: Path, form: str) -> None:
    driver = pool(tmp_path, run_dir, export="nbd", format=form)
    driver.create("v", 1)
    driver.connect("v", HERE)
    with pytest.raises(InUse):
        driver.write("v", [b"x"])
    with pytest.raises(InUse):
        driver.clone("w", 1, "v")
    assert list(driver.observe().volumes) == ["v"]
    driver.disconnect("v", HERE)
    driver.clone("w", 1, "v")


@pytest.fixture
def reflinking(tmp_path: Path) -> Iterator[Path]:
    """A small xfs of its own, on a loop device."""
    if shutil.which("mkfs.xfs") is None:
        pytest.fail("mkfs.xfs is needed (Debian: xfsprogs)")
    image, folder = tmp_path / "disk", tmp_path / "xfs"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(320 * MIB)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", str(image)], check=True, capture_output=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("form", ["raw", "qcow2"])
def test_copies_share_blocks(reflinking: Path, run_dir: Path, form: str) -> None:
    driver = pool(reflinking, run_dir, format=form, reserved_gib=0, over_subscription=1000.0)
    driver.create("v", 1)
    driver.write("v", (os.urandom(MIB) for _ in range(40)))
    before = os.statvfs(reflinking)
    driver.snapshot("v", "s")
    for number in range(20):
        driver.clone(f"c{number}", 1, "v")
    after = os.statvfs(reflinking)
    assert (before.f_bfree - after.f_bfree) * before.f_frsize < 20 * MIB
    driver.write("v", [b"new"])
    assert head(driver, "c7", 64) != head(driver, "v", 64)
    driver.create_from_snapshot("w", 2, "v", "s")
    assert head(driver, "w", 64) == head(driver, "c7", 64)


def test_raw_volume_in_use_is_frozen_by_reflink(reflinking: Path, run_dir: Path) -> None:
    driver = pool(reflinking, run_dir, export="nbd", reserved_gib=0, over_subscription=1000.0)
    driver.create("v", 1)
    qemu_io(uri(driver.connect("v", HERE)), "write -P 0x41 0 4096", "flush")
    driver.snapshot("v", "s")
    driver.create_from_snapshot("w", 1, "v", "s")
    assert head(driver, "w", 4096) == b"A" * 4096
    driver.disconnect("v", HERE)


@pytest.mark.parametrize("form", ["raw", "qcow2"])
def test_full_disk_leaves_the_volume_as_it_was(reflinking: Path, run_dir: Path, form: str) -> None:
    driver = pool(reflinking, run_dir, format=form, reserved_gib=0, over_subscription=1000.0)
    driver.create("v", 1)
    driver.write("v", [b"before"])
    with pytest.raises(NoSpace):
        driver.write("v", (os.urandom(4 * MIB) for _ in range(150)))
    assert head(driver, "v", 8) == b"before\0\0"
    assert [file.name for file in (reflinking / "volumes").iterdir()] == [f"v.{form}"]


def test_full_disk_leaves_no_image(reflinking: Path, tmp_path: Path) -> None:
    store = ImageFile(ImageOptions(str(reflinking), reserved_mib=0),
                      Surroundings(System(), logging.getLogger("test"), tmp_path, tmp_path))
    store.open()
    with pytest.raises(NoSpace):
        store.put("i", (os.urandom(MIB) for _ in range(400)))
    assert store.observe() == [] and not list(reflinking.iterdir())
