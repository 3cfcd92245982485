"""What is generated is up to date, and the same whatever else is installed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HIDE = """
import importlib.machinery, runpy, sys
seek = importlib.machinery.PathFinder.find_spec
hidden = {"libvirt", "libvirtmod", "pycdlib", "pyroute2", "ldap"}
importlib.machinery.PathFinder.find_spec = classmethod(
    lambda cls, name, path=None, target=None: None if name.split(".")[0] in hidden else seek(name, path, target))
sys.argv[1:] = ["--check"]
runpy.run_path(FILE, run_name="__main__")
"""


def test_generated_pages_are_current():
    """Else: make docs."""
    shown = subprocess.run([sys.executable, str(ROOT / "docs" / "generate"), "--check"], capture_output=True, text=True)
    assert (shown.returncode, shown.stdout) == (0, "stale: nothing\n"), shown.stdout + shown.stderr


def test_extras_make_no_difference():
    """Without the libraries of the drivers the same pages come out."""
    script = HIDE.replace("FILE", repr(str(ROOT / "docs" / "generate")))
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (shown.returncode, shown.stdout) == (0, "stale: nothing\n"), shown.stdout + shown.stderr
