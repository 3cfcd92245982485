"""The shipped suites find every driver of a set with one bug each."""

import ast
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import pytest

MUTANTS = Path(__file__).parent / "mutants" / "hypervisors.py"
NAMES = [node.name for node in ast.parse(MUTANTS.read_text()).body if isinstance(node, ast.ClassDef)]


@pytest.fixture(scope="module")
def failures(tmp_path_factory):
    """How many cases each mutant fails, by the name of its class."""
    report = tmp_path_factory.mktemp("mutants") / "report.xml"
    subprocess.run([sys.executable, "-m", "pytest", str(MUTANTS), "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
                    f"--junitxml={report}"], capture_output=True, check=False)
    return Counter(case.get("classname", "").rpartition(".")[2].removeprefix("Test")
                   for case in ET.parse(report).iter("testcase")
                   if case.find("failure") is not None or case.find("error") is not None)


@pytest.mark.parametrize("name", NAMES)
def test_the_suite_finds(failures, name):
    assert failures[name] > 0


def test_a_driver_without_a_bug_passes():
    """Else the mutants prove nothing: ``test_hypervisor.py`` runs the same suite on the driver they are made of."""
    assert len(NAMES) >= 35
