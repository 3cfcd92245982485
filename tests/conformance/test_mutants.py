"""The shipped suites find every driver of a set with one bug each."""

import ast
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest

MUTANTS = Path(__file__).parent / "mutants"
FILES = ("hypervisors", "fences")


def names(file):
    """The classes of a file, each a mutant."""
    return [node.name for node in ast.parse((MUTANTS / f"{file}.py").read_text()).body
            if isinstance(node, ast.ClassDef)]


@pytest.fixture(scope="module")
def failures(tmp_path_factory):
    """How many cases each mutant of a file fails, by the name of its class."""
    known = {}

    def of(file):
        if file not in known:
            known[file] = run(file, tmp_path_factory.mktemp("mutants") / "report.xml")
        return known[file]
    return of


def run(file, report):
    """Run the suites on the mutants of a file; several at once, as most of the time goes by in waiting for nothing."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    subprocess.run([sys.executable, "-m", "pytest", str(MUTANTS / f"{file}.py"), "-q", "-p", "no:cacheprovider",
                    "-n", "8", "--dist", "loadscope", f"--junitxml={report}"], env=outer, capture_output=True,
                   check=False)
    return Counter(case.get("classname", "").rpartition(".")[2].removeprefix("Test")
                   for case in ET.parse(report).iter("testcase")
                   if case.find("failure") is not None or case.find("error") is not None)


@pytest.mark.parametrize(("file", "name"), [(file, name) for file in FILES for name in names(file)])
def test_the_suite_finds(failures, file, name):
    assert failures(file)[name] > 0


def test_a_driver_without_a_bug_passes():
    """Else the mutants prove nothing: ``test_hypervisor.py`` and ``test_fence.py`` run the same suites on the drivers
    they are made of."""
    assert len(names("hypervisors")) >= 35
    assert len(names("fences")) >= 20
