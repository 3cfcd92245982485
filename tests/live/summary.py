"""Counts what came of the groups of tests that `run` started, from the files that pytest left of each.

`summary.py FOLDER GROUP...`: the last line is the count. A test that failed at first and passed on the second try
counts as passed and is named; the exit status is 0 when nothing failed in the end.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

PASSED, SKIPPED, FAILED = "passed", "skipped", "failed"


def outcomes(file: Path) -> dict[str, str]:
    """What came of each test in a file of pytest's."""
    found: dict[str, str] = {}
    for case in ET.parse(file).getroot().iter("testcase"):
        kinds = {child.tag for child in case}
        state = FAILED if kinds & {"failure", "error"} else SKIPPED if "skipped" in kinds else PASSED
        name = f"{case.get('classname')}::{case.get('name')}"
        # A test that passed and could not be cleaned up behind is in the file twice.
        found[name] = FAILED if FAILED in (state, found.get(name)) else state
    return found


def group(folder: Path, name: str) -> tuple[dict[str, str], list[str]]:
    """What came of a group's tests in the end, and those that passed on the second try only."""
    status = int((folder / f"{name}.1.status").read_text())
    file = folder / f"{name}.1.xml"
    found = outcomes(file) if file.exists() else {}
    again = folder / f"{name}.2.xml"
    second = outcomes(again) if again.exists() else {}
    late = [test for test, state in found.items() if state == FAILED and second.get(test) == PASSED]
    for test in late:
        found[test] = PASSED
    if status and FAILED not in found.values() and not late:
        found[f"pytest ended with status {status}"] = FAILED
    return found, late


def main(folder: Path, groups: list[str]) -> int:
    """Print what came of all groups."""
    found: dict[str, str] = {}
    second = 0
    for name in groups:
        ended, late = group(folder, name)
        second += len(late)
        for test in late:
            print(f"failed at first, passed on the second try: {test}")
        # Two groups may hold tests of one name.
        found.update({f"{name}: {test}": state for test, state in ended.items()})
    for test in (test for test, state in found.items() if state == FAILED):
        print(f"failed: {test}")
    states = list(found.values())
    tried = f" ({second} of them on the second try)" if second else ""
    print(f"live: {states.count(PASSED)} passed{tried}, {states.count(FAILED)} failed, {states.count(SKIPPED)} skipped")
    return 1 if FAILED in states else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
