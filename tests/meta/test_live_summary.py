"""The count that `make live` ends with."""

import runpy
from pathlib import Path

import pytest

MAIN = runpy.run_path(str(Path(__file__).parents[1] / "live" / "summary.py"))["main"]
FAILURE = '<testcase classname="a" name="{}"><failure/></testcase>'
GOOD = '<testcase classname="a" name="{}"/>'
SKIP = '<testcase classname="a" name="{}"><skipped/></testcase>'


def left(folder, name, status, first, second=""):
    (folder / f"{name}.1.status").write_text(f"{status}\n")
    for number, cases in enumerate((first, second), 1):
        if cases:
            (folder / f"{name}.{number}.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")


@pytest.mark.parametrize(("second", "count", "status"), [
    (GOOD.format("late"), "live: 3 passed (1 of them on the second try), 0 failed, 1 skipped", 0),
    (FAILURE.format("late"), "live: 2 passed, 1 failed, 1 skipped", 1)])
def test_what_failed_at_first(tmp_path, capsys, second, count, status):
    left(tmp_path, "one", 1, GOOD.format("good") + FAILURE.format("late") + SKIP.format("skipped"), second)
    left(tmp_path, "two", 0, GOOD.format("good"))
    assert MAIN(tmp_path, ["one", "two"]) == status
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == count
    assert said[0] == ("failed: one: a::late" if status else "failed at first, passed on the second try: a::late")


def test_a_group_that_died(tmp_path, capsys):
    left(tmp_path, "one", 139, "")
    assert MAIN(tmp_path, ["one"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "live: 0 passed, 1 failed, 0 skipped"


def test_what_failed_after_it_had_passed(tmp_path, capsys):
    left(tmp_path, "one", 1, GOOD.format("torn") + '<testcase classname="a" name="torn"><error/></testcase>')
    assert MAIN(tmp_path, ["one"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "live: 0 passed, 1 failed, 0 skipped"
