"""The whole API suite on PostgreSQL and on MariaDB, both at once."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .backing import mariadb, postgresql

pytestmark = pytest.mark.live
ROOT = Path(__file__).parents[2]
LEAST = 500
PATIENCE_S = 3000
"""They yield to the other groups of `run` on a machine that may be busy with more."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The suite under way on each database, by name, with the file of its output."""
    folder = tmp_path_factory.mktemp("runs")
    with postgresql() as make_postgresql, mariadb() as make_mariadb:
        made = {}
        for name, url in (("postgresql", make_postgresql("suite")), ("mariadb", make_mariadb("suite"))):
            with open(folder / name, "wb") as output:
                made[name] = (subprocess.Popen(
                    [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "tests/api"],
                    cwd=ROOT, env={**os.environ, "STRATOLITH_TEST_DATABASE_URL": url}, stdin=subprocess.DEVNULL,
                    stdout=output, stderr=output), folder / name)
        try:
            yield made
        finally:
            for process, _ in made.values():
                process.kill()
                process.wait()


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_the_api_suite(runs, name):
    process, output = runs[name]
    status = process.wait(PATIENCE_S)
    # Counts of the inner runs must not look like counts of this one.
    text = output.read_text().replace("passed", "were well").replace("failed", "went wrong")
    assert status == 0, text[-6000:]
    found = re.search(r"(\d+) were well", text)
    assert found and int(found[1]) >= LEAST, text[-1000:]
    print(f"The API suite on {name}: {found[1]} cases were well")
