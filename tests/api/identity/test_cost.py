"""What requests cost in queries: a constant number, whatever the size of the answer."""

import contextlib

import pytest
from sqlalchemy import event


@pytest.fixture
def queries(cloud):
    """Counts the statements of a block."""
    @contextlib.contextmanager
    def counted():
        statements = []

        def note(connection, cursor, statement, *rest):
            statements.append(statement)
        engine = cloud.cloud.kits["identity"].db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield statements
        finally:
            event.remove(engine, "before_cursor_execute", note)
    return counted


def test_validation_and_contexts_cost_no_query(api, queries):
    user, project = api.person()
    token = api.token(user, scope={"project": {"id": project["id"]}})
    api.validate(token)
    with queries() as statements:
        api.validate(token)
        api.ok("GET", "/auth/catalog", token=token)
    assert statements == []


def test_a_warm_login_costs_one_query(api, queries):
    user, project = api.person()
    scope = {"project": {"name": project["name"], "domain": {"name": "Default"}}}
    api.token(user["name"], scope=scope)
    with queries() as statements:
        api.token(user["name"], scope=scope)
    assert len(statements) == 1


def test_a_cold_login_costs_few(api, queries):
    user, project = api.person()
    with queries() as statements:
        api.token(user, scope={"project": {"id": project["id"]}})
    assert len(statements) <= 10


@pytest.mark.parametrize("path", ["/users", "/projects", "/domains", "/groups", "/roles", "/services", "/endpoints",
                                  "/role_assignments?include_names"])
def test_lists_cost_the_same_at_any_length(api, queries, path):
    noun = path.strip("/").rstrip("s")

    def cost():
        with queries() as statements:
            api.ok("GET", path)
        return len(statements)
    api.ok("GET", path)
    few = cost()
    for _ in range(10):
        if noun == "endpoint" or "?" in noun:
            api.person()
        else:
            api.make(noun, **({"type": "x"} if noun == "service" else {}))
    api.ok("GET", path)
    assert cost() == few <= 6
