"""The distribution's kernel: downloaded and unpacked, never installed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from ....core.errors import BackendFailed
from .tools import run

META = "linux-image-cloud-amd64"
"""The package that depends on the newest kernel for guests."""
INDEXES = ("modules.builtin", "modules.builtin.modinfo", "modules.order")


class Kernel:
    """A kernel unpacked in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.version = next((folder / "lib" / "modules").iterdir()).name
        self.image = folder / "boot" / f"vmlinuz-{self.version}"
        self._modules = folder / "lib" / "modules" / self.version

    def copy_modules(self, names: tuple[str, ...], root: Path) -> None:
        """Copy the modules and all they depend on into the tree ``root``; built-in ones are left out."""
        target = root / "lib" / "modules" / self.version
        target.mkdir(parents=True)
        needs = self._dependencies()
        wanted = {path for name in names for path in needs.get(name, ())}
        for path in sorted(wanted):
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._modules / path, target / path)
        for index in INDEXES:
            shutil.copyfile(self._modules / index, target / index)
        run("depmod", "-b", root, self.version)

    def _dependencies(self) -> dict[str, list[str]]:
        """Paths of each module and of what it needs, by the module's name."""
        needs = {}
        for line in (self._modules / "modules.dep").read_text().splitlines():
            path, _, others = line.partition(":")
            name = Path(path).name.split(".ko")[0].replace("-", "_")
            needs[name] = [path, *others.split()]
        return needs


def fetch_kernel(folder: Path) -> Kernel:
    """Download and unpack the kernel into ``folder``. :raises BackendFailed: apt does not have it."""
    found = re.search(r"^\s*(?:Pre)?Depends: (linux-image-\S+)", run("apt-cache", "depends", META), re.MULTILINE)
    if found is None:
        raise BackendFailed(f"apt knows no {META}; run: apt-get update")
    package = found.group(1)
    folder.mkdir(parents=True, exist_ok=True)
    # apt's sandbox user cannot write here; the download is checked by its hash all the same.
    run("apt-get", "download", "-o", "APT::Sandbox::User=root", package, folder=folder)
    archive = next(folder.glob(f"{package}_*.deb"))
    run("dpkg", "-x", archive, folder / "tree")
    archive.unlink()
    run("depmod", "-b", folder / "tree", next((folder / "tree" / "lib" / "modules").iterdir()).name)
    return Kernel(folder / "tree")
