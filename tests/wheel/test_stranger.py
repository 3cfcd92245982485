"""A stranger's wheel beside ours: its drivers pass our suites and boot a server, without the checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("wheel")
ROOT = Path(__file__).parents[2]
BOOT = """
import pathlib, sys
import stratolith
from stratolith.core.conformance.cloud import InProcess

assert not pathlib.Path(stratolith.__file__).is_relative_to(sys.argv[2]), stratolith.__file__
cloud = InProcess(pathlib.Path(sys.argv[1]), options={
    "compute": {"driver": "paper"}, "network": {"driver": "string"},
    "scheduler": {"filters": "ComputeFilter,EvenMemoryFilter"}}).start()
image = cloud.request("POST", "/image/v2/images", {"name": "i", "disk_format": "raw", "container_format": "bare"},
                      as_="demo").json["id"]
assert cloud.request("PUT", f"/image/v2/images/{image}/file", b"x" * 1024, as_="demo",
                     headers={"Content-Type": "application/octet-stream"}).status == 204
flavor = cloud.request("GET", "/compute/v2.1/flavors", as_="demo").json["flavors"][0]["id"]
made = cloud.request("POST", "/compute/v2.1/servers", {"server": {
    "name": "s", "imageRef": image, "flavorRef": flavor, "networks": "auto"}}, as_="demo", version="compute 2.37")
assert made.status == 202, made
cloud.run(5)
server = cloud.request("GET", "/compute/v2.1/servers/" + made.json["server"]["id"]).json["server"]
assert server["status"] == "ACTIVE", server
assert server["addresses"], server
print("ACTIVE on", server["OS-EXT-SRV-ATTR:host"])
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that holds both wheels, installed; what they need comes from this environment."""
    folder = tmp_path_factory.mktemp("wheels")
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    for name, source in (("ours", ROOT), ("theirs", ROOT / "tests" / "stranger")):
        # Built from a copy: setuptools builds inside the folder it is given, and others may do so at once.
        copy = shutil.copytree(source, folder / name, symlinks=True, ignore=shutil.ignore_patterns(
            ".*", "build", "*.egg-info", "__pycache__", "tests"))
        subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, copy], check=True)
    target = folder / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", target, *folder.glob("*.whl")], check=True)
    return target


def run(installed, folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run([sys.executable, *map(str, arguments)], env=environment, cwd=folder, capture_output=True,
                          text=True, check=False)


def test_the_wheel_holds_what_it_must(installed):
    for name in ("py.typed", "core/operations/migrations/0001_initial.py", "plugins/compute/migrations",
                 "core/conformance/hypervisor.py"):
        assert (installed / "stratolith" / name).exists(), name
    assert not (installed / "stratolith" / "tests").exists()


def test_its_plugins_are_listed(installed, tmp_path):
    found = run(installed, tmp_path, "-m", "stratolith.core.cli", "plugins")
    assert found.returncode == 0, found.stdout + found.stderr
    for name in ("EvenMemoryFilter", "paper", "string"):
        assert name in found.stdout


@pytest.mark.parametrize(("kind", "name"), [("hypervisor", "paper"), ("network", "string"),
                                            ("filter", "EvenMemoryFilter")])
def test_its_drivers_pass_our_suites(installed, tmp_path, kind, name):
    found = run(installed, tmp_path, "-m", "stratolith.core.cli", "conformance", kind, name)
    assert found.returncode == 0, found.stdout[-3000:] + found.stderr[-1000:]
    assert "passed" in found.stdout


def test_a_server_boots_through_them(installed, tmp_path):
    found = run(installed, tmp_path, "-c", BOOT, tmp_path, ROOT)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "ACTIVE" in found.stdout
