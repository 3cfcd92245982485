"""``stratolith db``: upgrade and check."""

import sqlite3

import pytest
from stratolith.core.config import Configuration
from stratolith.core.process.slice import SERVICES


def test_upgrade_then_check(run, tmp_path):
    status, _, err = run("db", "check", "--state", tmp_path / "none")
    assert status == 1
    assert "upgrade" in err
    status, out, _ = run("db", "upgrade", "--state", tmp_path)
    assert status == 0
    first = dict(line.split(": revision ") for line in out.splitlines())
    assert {"core", "compute", "identity"} <= set(first)
    schemas = [schema for name in SERVICES.names() for schema in SERVICES.load(name)().schemas(Configuration())]
    assert set(first) - {"core"} == {schema.name for schema in schemas}
    for action in ("upgrade", "check"):
        status, again, _ = run("db", action, "--state", tmp_path)
        assert (status, dict(line.split(": revision ") for line in again.splitlines())) == (0, first)


def test_check_tells_what_is_missing(run, tmp_path):
    run("db", "upgrade", "--state", tmp_path)
    connection = sqlite3.connect(tmp_path / "stratolith.db")
    connection.execute("delete from revision_compute")
    connection.commit()
    connection.close()
    status, _, err = run("db", "check", "--state", tmp_path)
    assert status == 1
    assert "compute" in err


def test_revision_refuses_nonsense(run):
    for words in (("nothing", "a_slug"), ("compute", "no slug")):
        status, _, err = run("db", "revision", *words)
        assert status == 1
        assert "revision needs one of" in err


@pytest.mark.parametrize("url", ["nonsense://u:hidden@h/d", "no url with hidden words"])
def test_a_database_that_cannot_be(run, tmp_path, url):
    status, _, err = run("db", "check", "--state", tmp_path, "--database-url", url)
    assert status == 1
    assert err.count("\n") == 1
    assert "hidden" not in err
