"""The runner of the suites: what it counts, what it refuses, how it is told options."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
from stratolith.core.conformance.runner import ABSENT, Count, registry, run
from stratolith.core.errors import BadConfiguration, NoSuchDriver

MODULE = "stratolith.core.conformance.runner"


def report(outcome: str, when: str = "call", reason: str = "") -> SimpleNamespace:
    return SimpleNamespace(skipped=outcome == "skipped", failed=outcome == "failed", when=when, nodeid="a case",
                           longrepr=("file", 1, reason))


def test_only_an_absent_facet_is_a_legal_skip() -> None:
    count = Count()
    for one in (report("passed"), report("passed", "setup"), report("skipped", reason=f"Skipped: X {ABSENT} Y")):
        count.pytest_runtest_logreport(one)
    assert count.summary() == "1 passed, 1 facets absent"
    count.pytest_runtest_logreport(report("skipped", reason="Skipped: today is Sunday"))
    count.pytest_runtest_logreport(report("failed", "setup"))
    assert count.summary() == "1 passed, 1 facets absent, 2 failed"


def test_run_by_entry_point_with_options() -> None:
    command = [sys.executable, "-m", MODULE, "hypervisor", "simulated", "--set", "vcpus=3", "-k", "pause"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].endswith(" passed, 0 facets absent")


@pytest.mark.parametrize(("kind", "name"), [("fence", "none"), ("assertion", "proxy")])
def test_the_command_runs_the_suite(kind: str, name: str) -> None:
    done = subprocess.run([sys.executable, "-m", "stratolith.core.cli", "conformance", kind, name], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"{kind} {name}: ")


def test_a_driver_that_breaks_its_promise_fails() -> None:
    command = [sys.executable, "-m", MODULE, "hypervisor", "simulated", "--set", "memory_mib=1", "-k", "spawn_runs"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "1 failed" in done.stdout.splitlines()[-1]


def test_what_is_refused() -> None:
    with pytest.raises(NoSuchDriver):
        run("hypervisor", "no-such-driver")
    with pytest.raises(BadConfiguration):
        registry("teapot")
    with pytest.raises(BadConfiguration):
        run("hypervisor", "simulated", ["--set", "vcpus"])
