"""Nonsense sent to every operation of every table: 4xx in the service's own fault form, never 500."""

import json
import re

import pytest
from stratolith.core.http.table import version

HOSTILE = ["00000000-0000-0000-0000-000000000000", "x' OR '1'='1", "..%2F..%2Fetc%2Fpasswd", "%00", "%ff%fe", "a" * 300,
           "%0d%0aX-Injected:%20yes", "%F0%9F%92%A9", "-1", "null"]
BODIES = [b"", b"{", b"nonsense", b"[]", b"null", b"1", b'"text"', b'{"a": 1}', b"\xff\xfe\x00", b'{"a": "\\u0000"}',
          b"[" * 5000, b'{"' + b"k" * 3000 + b'": {}}']
VALUES = [None, True, -1, 10 ** 30, 1e400, "", "x" * 70000, "'; DROP TABLE servers; --", "\u0000", "\ud83d\ude00", [], [[]],
          [None], {}, {"": {}}, "a\r\nX-Injected: yes"]


def faces(cloud):
    return [application.api for application in cloud.cloud.applications]


def operations(cloud):
    for api in faces(cloud):
        for operation in api.operations:
            yield api, operation


def filled(api, operation, value):
    return api.prefix + re.sub(r"\{[^}]*\}", lambda match: value, operation.path)


def newest(api, operation):
    if api.microversions is None:
        return ""
    last = operation.until or api.microversions.last
    return f"{api.microversions.name} {last}"


class Findings:
    """What was answered wrongly; told all at once at the end of a test."""

    def __init__(self):
        self.faults = []

    def check(self, api, operation, answer, sent, expected=None):
        wrong = complaint(api, operation, answer) or expected is not None and answer.status not in expected
        if wrong:
            self.faults.append(f"{api.name} {operation.name} with {str(sent)[:200]}: {wrong} {answer}"[:600])


@pytest.fixture
def findings():
    found = Findings()
    yield found
    assert not found.faults, f"{len(found.faults)} faults\n" + "\n".join(found.faults[:100])


def complaint(api, operation, answer):
    if answer.status >= 500 and answer.status != 501:
        return "failed"
    if "x-injected" in answer.headers:
        return "a header got in"
    if answer.status >= 400 and operation.method != "HEAD":
        if b"Traceback" in answer.data:
            return "a stack trace got out"
        fault = answer.json
        if not isinstance(fault, dict) or len(fault) != len(api.fault(answer.status, _Known("x"))):
            return "not the form of the service's faults"
    return ""


class _Known(Exception):
    message, code, facts, retry = "x", "x", {}, False


def send(cloud, api, operation, path, body=None, **more):
    return cloud.request(operation.method, path, body, version=newest(api, operation), **more)


def test_every_operation_is_public_or_has_a_declared_rule(cloud):
    for api, operation in operations(cloud):
        assert operation.public or operation.rule in cloud.cloud.policy.rules, f"{api.name} {operation.name}"


def test_without_a_token(cloud, findings):
    for api, operation in operations(cloud):
        if not operation.public:
            answer = send(cloud, api, operation, filled(api, operation, "x"), as_=None)
            findings.check(api, operation, answer, "no token", (401,))


def test_with_a_forged_token(cloud, findings):
    for api, operation in operations(cloud):
        if not operation.public:
            for token in ("forged", "gAAAAA" + "A" * 180, "\xe9\xff" * 20):
                answer = send(cloud, api, operation, filled(api, operation, "x"), headers={"X-Auth-Token": token})
                findings.check(api, operation, answer, token, (401,))


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_ids(cloud, findings, value):
    for api, operation in operations(cloud):
        if "{" in operation.path:
            findings.check(api, operation, send(cloud, api, operation, filled(api, operation, value)), value)


@pytest.mark.parametrize("number", range(len(BODIES)))
def test_hostile_bodies(cloud, findings, number):
    for api, operation in operations(cloud):
        if operation.method in ("POST", "PUT", "PATCH"):
            findings.check(api, operation, send(cloud, api, operation, filled(api, operation, "x"), BODIES[number]), number)


def test_hostile_values_in_the_right_place(cloud, findings):
    """Each property that a schema names gets each hostile value, one at a time."""
    for api, operation in operations(cloud):
        schema = newest_schema(operation)
        for path in places(schema):
            for value in VALUES:
                body = wrapped(path, value)
                data = json.dumps(body).replace("Infinity", "1e400").encode()
                findings.check(api, operation, send(cloud, api, operation, filled(api, operation, "x"), data), body)


def newest_schema(operation):
    body = operation.body or {}
    if body and all(key[:1].isdigit() for key in body):
        return body[max(body, key=version)]
    return body


def places(schema, path=(), depth=0):
    """Paths of the properties of a JSON schema, two levels deep."""
    for name, inner in schema.get("properties", {}).items():
        yield (*path, name)
        if depth < 2 and isinstance(inner, dict):
            yield from places(inner, (*path, name), depth + 1)


def wrapped(path, value):
    for name in reversed(path):
        value = {name: value}
    return value


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "limit=99999999999999999999", "marker=%ff", "marker='",
                                   "sort_key=x%27&sort_dir=up", "%00=1", "name=%00", "a=" + "b" * 5000, "=&&==", "limit=",
                                   "changes-since=yesterday", "sort=name:sideways,;", "fields=%0d%0a", "status=%27"])
def test_hostile_queries(cloud, findings, query):
    for api, operation in operations(cloud):
        if operation.method == "GET":
            findings.check(api, operation, send(cloud, api, operation, filled(api, operation, "x") + "?" + query), query)


@pytest.mark.parametrize("text", ["9.99", "2", "2.x", "-1.0", "latest latest", "2." + "9" * 400, "\u0662.\u0661"])
def test_hostile_microversions(cloud, findings, text):
    for api in faces(cloud):
        if api.microversions is not None:
            operation = next(one for one in api.operations if one.method == "GET" and not one.public)
            answer = cloud.request("GET", filled(api, operation, "x"), version=f"{api.microversions.name} {text}")
            findings.check(api, operation, answer, text, (400, 404, 406))


def test_a_body_of_ten_megabytes(cloud, findings):
    body = b'{"a": "' + b"x" * (10 << 20) + b'"}'
    for api, operation in operations(cloud):
        if operation.method in ("POST", "PUT", "PATCH") and operation.body is not None and not operation.raw:
            answer = send(cloud, api, operation, filled(api, operation, "x"), body)
            findings.check(api, operation, answer, "ten megabytes", (413, 404, 403))


def test_unknown_paths_and_methods(cloud, findings):
    for api in faces(cloud):
        answer = cloud.request("GET", api.prefix + "/no/such/path/at/all")
        findings.check(api, api.operations[0], answer, "path", (404,))
        operation = next(one for one in api.operations if not one.public)
        answer = cloud.request("TRACE", filled(api, operation, "x"))
        assert answer.status in (404, 405), answer
