"""Runs a suite on a driver named by its entry point, from a checkout or an installed wheel.

A kind of driver joins by one line in :data:`KINDS`. Its suite is a plain pytest class in a
module of this package whose cases take a fixture ``driver``; the suite itself must not define
that fixture. :func:`applied` makes the class that pytest collects: the suite plus a
class-scoped ``driver``, opened before the first case and closed after the last, in folders
of its own, with the options of the section ``<group>.<name>``.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import importlib.util
import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..clock import System
from ..config import Configuration
from ..drivers.base import Driver, Surroundings, make
from ..errors import BadConfiguration
from ..executor import Threads
from ..plugins import Registry

ABSENT = "declares no"


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of driver: its entry-point group, its interface and its suite.

    ``interface`` is ``module:Class`` in ``core.drivers``, ``suite`` likewise in this package.
    """

    group: str
    interface: str
    suite: str


KINDS = {
    "hypervisor": Kind("hypervisors", "hypervisor:Hypervisor", "hypervisor:HypervisorSuite"),
    "network": Kind("networks", "network:Network", "network:NetworkSuite"),
    "volume": Kind("volumes", "volume:VolumeDriver", "volume:VolumeSuite"),
    "backup": Kind("backups", "backup:BackupDriver", "backup:BackupSuite"),
    "identity": Kind("identity", "identity:Identity", "identity:IdentitySuite"),
    "token": Kind("tokens", "token:TokenFormat", "token:TokenSuite"),
    "image_store": Kind("image_stores", "image_store:ImageStore", "image_store:ImageStoreSuite"),
    "filter": Kind("filters", "filter:Filter", "filter:FilterSuite"),
    "weigher": Kind("weighers", "weigher:Weigher", "weigher:WeigherSuite"),
    "fence": Kind("fences", "fence:Fence", "fence:FenceSuite"),
    "assertion": Kind("assertions", "assertion:AssertionSource", "assertion:AssertionSuite"),
    "bus": Kind("bus", "bus:Bus", "bus:BusSuite"),
}


def registry(kind: str) -> Registry[Driver]:
    """The registry of the drivers of ``kind``. :raises BadConfiguration: there is no such kind."""
    if kind not in KINDS:
        raise BadConfiguration(f"there is no suite for {kind!r}; there are {', '.join(KINDS)}")
    interface: type[Driver] = _named("..drivers", KINDS[kind].interface)
    return Registry(KINDS[kind].group, interface)


def section(kind: str, name: str) -> str:
    """The section of a driver's options: the same as in a cloud, ``hypervisors.libvirt``."""
    return f"{KINDS[kind].group}.{name}"


def suite(kind: str) -> type:
    """The suite class of ``kind``; needs pytest."""
    found: type = _named(".", KINDS[kind].suite)
    return found


def _named(package: str, name: str) -> Any:
    module, _, attribute = name.partition(":")
    separator = "" if package.endswith(".") else "."
    return getattr(importlib.import_module(f"{package}{separator}{module}", __package__), attribute)


def applied(kind: str, name: str, configuration: Configuration | None = None) -> type:
    """The suite of ``kind`` as a test class for the installed driver ``name``.

    :raises NoSuchDriver: there is no such driver, or it cannot be loaded.
    """
    return applied_to(kind, registry(kind).load(name), section(kind, name), configuration)


def applied_to(kind: str, subject: type[Driver], section: str, configuration: Configuration | None = None) -> type:
    """The suite of ``kind`` as a test class for the driver class ``subject``, installed or not."""
    import pytest

    options = configuration or Configuration()

    @pytest.fixture(scope="class")  # type: ignore[misc]
    @classmethod
    def driver(cls: type, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
        yield from opened(subject, section, options, tmp_path_factory.mktemp("driver"))

    return type(f"Test{subject.__name__}", (suite(kind),), {"driver": driver})


def opened(subject: type[Driver], section: str, configuration: Configuration, folder: Path) -> Iterator[Driver]:
    """A driver of the class ``subject``, ready; closed when the iterator goes on."""
    clock = System()
    executor = Threads(clock)
    surroundings = Surroundings(clock, logging.getLogger(f"conformance.{section}"),
                                state_dir=folder / "state", run_dir=folder / "run", host="conformance",
                                executor=executor)
    instance = make(subject, section, configuration, surroundings)
    instance.open()
    try:
        yield instance
    finally:
        instance.close()
        executor.stop()


class Count:
    """A pytest plugin that counts the cases' ends, and knows a legal skip from an illegal one."""

    def __init__(self) -> None:
        self.passed = 0
        self.absent: list[str] = []
        self.failed: list[str] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Called by pytest after each phase of each case."""
        if report.skipped:
            reason = str(report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr)
            (self.absent if ABSENT in reason else self.failed).append(report.nodeid)
        elif report.failed:
            self.failed.append(report.nodeid)
        elif report.when == "call":
            self.passed += 1

    def summary(self) -> str:
        """One line, e.g. ``41 passed, 6 facets absent``."""
        parts = [f"{self.passed} passed", f"{len(self.absent)} facets absent"]
        return ", ".join(parts + ([f"{len(self.failed)} failed"] if self.failed else []))


def run(kind: str, name: str, arguments: Sequence[str] = ()) -> int:
    """Run the suite of ``kind`` on the installed driver ``name``; 0 when nothing failed.

    ``arguments``: ``--config FILE`` and ``--set KEY=VALUE`` give the driver's options
    (section ``<group>.<name>``); what is left goes to pytest.

    :raises NoSuchDriver: there is no such driver.
    :raises BadConfiguration: there is no such kind, pytest is not installed, or an option is wrong.
    """
    subject = registry(kind).load(name)
    configuration, rest = _configured(section(kind, name), arguments)
    if importlib.util.find_spec("pytest") is None:
        raise BadConfiguration("the suites need pytest; try: pip install 'stratolith[conformance]'")
    count, status = prove(applied_to(kind, subject, section(kind, name), configuration), rest)
    print(f"{kind} {name}: {count.summary()}")
    return 1 if count.failed else status


def prove(test_class: type, arguments: Sequence[str] = ()) -> tuple[Count, int]:
    """Let pytest run ``test_class`` with ``arguments``; the counts, and pytest's own exit status."""
    import pytest

    count = Count()
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        # Each run's module has a name of its own: pytest keeps the modules of earlier runs in this process.
        file = Path(folder, f"test_{Path(folder).name.replace('-', '_')}.py")
        file.write_text(f"from {__name__} import collected\n\n{test_class.__name__} = collected[-1]\n")
        collected.append(test_class)
        try:
            status = pytest.main([*_settings(folder), *arguments, str(file)], plugins=[count])
        finally:
            collected.pop()
    return count, int(status)


collected: list[type] = []
"""The test class of the run that is going on; the file that pytest collects takes it from here."""


def _settings(folder: str) -> list[str]:
    """Flags that keep a checkout's or a user's own pytest settings out of the run."""
    return ["-q", "-c", "/dev/null", "--rootdir", folder, "-p", "no:cacheprovider", "--import-mode=importlib",
            "--basetemp", str(Path(folder, "work"))]


def _configured(section: str, arguments: Sequence[str]) -> tuple[Configuration, list[str]]:
    parser = argparse.ArgumentParser(prog="conformance", add_help=False, allow_abbrev=False)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    known, rest = parser.parse_known_args(list(arguments))
    overrides: dict[str, str] = {}
    for pair in known.set:
        key, equals, value = pair.partition("=")
        if not equals:
            raise BadConfiguration(f"--set {pair}: KEY=VALUE is wanted")
        overrides[key] = value
    return Configuration.read(known.config, overrides={section: overrides} if overrides else {}), rest


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], sys.argv[2], sys.argv[3:]))
