"""Access rules: what a pattern means."""

import pytest
from stratolith.core.context import Context
from stratolith.core.errors import Unauthorized
from stratolith.core.http.access import check, matches


@pytest.mark.parametrize(("pattern", "path", "meant"), [
    ("/v2.1/servers", "/v2.1/servers", True), ("/v2.1/servers", "/v2.1/servers/x", False),
    ("/v2.1/servers", "/v2x1/servers", False), ("/v2.1/servers/*/ips", "/v2.1/servers/a-b/ips", True),
    ("/v2.1/servers/{server_id}/ips", "/v2.1/servers/a-b/ips", True),
    ("/v2.1/servers/*/ips", "/v2.1/servers//ips", False),
    ("/v2.1/servers/*", "/v2.1/servers/a/b", False), ("/v2.1/**", "/v2.1/servers/a/b", True), ("**", "/anything", True),
    ("/v2.1/**", "/v2.0/servers", False), ("/**/ips", "/v2.1/servers/x/ips", True), ("/**/ips", "/v2.1/servers", False),
    ("/a*b", "/axxb", True), ("/a*b", "/ab", False), ("/{x", "/{x", True), ("/a.c", "/abc", False),
    ("/(a+)+", "/aaaa", False)])
def test_patterns(pattern, path, meant):
    assert matches(pattern, path) is meant


def test_no_pattern_takes_long():
    assert not matches("/" + "*a" * 60, "/" + "a" * 8000 + "b")
    assert not matches("**a" * 40, "a" * 8000 + "b")


def test_a_rule_names_service_and_method():
    context = Context(request_id="r", access_rules=(("volumev3", "GET", "/v3/*/volumes"),))
    check(context, "block-storage", "GET", ["/v3/p/volumes"])
    for service, method, path in (("compute", "GET", "/v3/p/volumes"), ("block-storage", "POST", "/v3/p/volumes"),
                                  ("block-storage", "GET", "/v3/p/snapshots")):
        with pytest.raises(Unauthorized):
            check(context, service, method, [path])
