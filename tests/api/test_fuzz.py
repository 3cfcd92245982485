"""Nonsense sent to every operation of every table: 4xx in the service's own fault form, never 500."""

import json
import re

import jsonschema_rs
import pytest
from stratolith.core.http.table import Query, version
from stratolith.core.http.validation import FORMATS

HOSTILE = ["00000000-0000-0000-0000-000000000000", "x' OR '1'='1", "..%2F..%2Fetc%2Fpasswd", "%00", "%ff%fe", "a" * 300,
           "%0d%0aX-Injected:%20yes", "%F0%9F%92%A9", "-1", "null"]
BODIES = [b"", b"{", b"nonsense", b"[]", b"null", b"1", b'"text"', b'{"a": 1}', b"\xff\xfe\x00",
          b'{"a": "\\u0000"}', b"[" * 5000, b'{"' + b"k" * 3000 + b'": {}}']
VALUES = [None, True, -1, 10 ** 30, 1e400, "", "x" * 70000, "'; DROP TABLE servers; --", "\u0000", "\ud83d\ude00", [],
          [[]], [None], {}, {"": {}}, "a\r\nX-Injected: yes"]

NOBODY = "00000000-0000-4000-8000-000000000000"
TEMPTING = [None, True, 0, -1, 0.5, 2 ** 31, 2 ** 63 - 1, "", "0", "x" * 255, NOBODY, "\U0001f4a9", "9" * 18,
            "10.0.0.0/8", "::1", "2999-13-45", "%s%n{0}", "a\r\nX-Injected: yes", [], ["x"], [NOBODY], [{}],
            {}, {"x": "y"}, {"x": None}]
"""Values that one schema or another takes."""
TEXTS = ["fuzz", NOBODY, "10.0.0.0/24", "10.0.0.9", "::1", "1", "fa:16:3e:00:00:01", "http://x/", "/ff:1", "CUSTOM_A",
         "AAAA", "a" * 32, "enable", "/dev/vdb", "50%"]
"""Texts of which one fits most patterns and formats."""
PATCH = "application/openstack-images-v2.1-json-patch"


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
    if body:
        kind = PATCH if operation.method == "PATCH" and operation.raw else "application/json"
        more["headers"] = {"Content-Type": kind, **more.get("headers", {})}
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
            answer = send(cloud, api, operation, filled(api, operation, "x"), BODIES[number])
            findings.check(api, operation, answer, number)


QUERIES = ["", "x", "-1", "0", "1", "999999999999999999", NOBODY, "%F0%9F%92%A9", "%27", "in:", "in:%22", "gt:x",
           "0001-01-01", "9999-12-31T23:59:59-23:59", "name:asc,", "%7B", "%7B%7D", "[]", "x" * 300, "True", "%25",
           "1.5", "%D9%A1", "["]
NAMES = ["limit", "marker", "sort_key", "sort_dir", "sort", "fields", "name", "id", "status", "created_at",
         "changes-since", "all_tenants", "project_id", "tags", "with_count", "offset"]


def test_hostile_values_of_query_parameters(cloud, findings):
    """Before anything is made, as lists are short then."""
    for api, operation in operations(cloud):
        if operation.method == "GET":
            path = filled(api, operation, NOBODY)
            # Who shows one thing looks at no more than the parameters of its table.
            for name in sorted({*known_names(operation), *(() if path.endswith(NOBODY) else NAMES)}):
                for value in QUERIES:
                    answer = send(cloud, api, operation, f"{path}?{name}={value}")
                    findings.check(api, operation, answer, f"{name}={value}")


def known_names(operation):
    query = operation.query
    return query.known if isinstance(query, Query) else query[max(query, key=version)].known


def test_hostile_values_in_the_right_place(cloud, findings):
    """Each property that a schema names gets each hostile value, one at a time."""
    for api, operation in operations(cloud):
        for path in places(newest_schema(operation)):
            for value in VALUES:
                body = wrapped(path, value)
                answer = send(cloud, api, operation, filled(api, operation, "x"), encoded(body))
                findings.check(api, operation, answer, body)


@pytest.mark.parametrize("real", [False, True], ids=["made-up", "real"])
def test_one_hostile_value_in_an_otherwise_good_body(cloud, findings, real):
    """Bodies that are good but for one value, so that the services' own checks are reached too."""
    known = Samples(cloud) if real else None
    names = known.names if known else None
    for api, operation in operations(cloud):
        schema = newest_schema(operation)
        if schema:
            path = filled(api, operation, NOBODY) if known is None else known.path(api, operation)
            for place in places(schema):
                for value in TEMPTING:
                    body = put(schema, place, value, names)
                    findings.check(api, operation, send(cloud, api, operation, path, encoded(body)), body)


def test_hostile_patches_of_an_image(cloud, findings):
    api, operation = next(pair for pair in operations(cloud) if pair[1].method == "PATCH" and pair[1].raw)
    path = f"{api.prefix}/v2/images/{image_of(cloud)}"
    for name in ("name", "visibility", "min_disk", "protected", "tags", "disk_format", "owner", "other"):
        for value in (*VALUES, *TEMPTING):
            for change in ({"op": "add", "path": f"/{name}", "value": value}, {"op": value, "path": f"/{name}"},
                           {"op": "replace", "path": value, "value": value}, {"op": "remove", "path": value}, value):
                answer = send(cloud, api, operation, path, encoded([change]))
                findings.check(api, operation, answer, change)


def image_of(cloud):
    body = {"name": "fuzz", "disk_format": "raw", "container_format": "bare"}
    made = cloud.request("POST", "/image/v2/images", body).json["id"]
    cloud.request("PUT", f"/image/v2/images/{made}/file", bytes(512),
                  headers={"Content-Type": "application/octet-stream"})
    return made


class Samples:
    """A thing of each kind to try changes on."""

    BODIES = (
        ("/identity/v3/domains", {"domain": {"name": "fuzz"}}),
        ("/identity/v3/projects", {"project": {"name": "fuzz"}}),
        ("/identity/v3/users", {"user": {"name": "fuzz"}}), ("/identity/v3/groups", {"group": {"name": "fuzz"}}),
        ("/identity/v3/roles", {"role": {"name": "fuzz"}}), ("/network/v2.0/networks", {"network": {"name": "fuzz"}}),
        ("/network/v2.0/routers", {"router": {"name": "fuzz"}}), ("/volume/v3/volumes", {"volume": {"size": 1}}),
        ("/network/v2.0/security-groups", {"security_group": {"name": "fuzz"}}),
        ("/compute/v2.1/os-aggregates", {"aggregate": {"name": "fuzz"}}),
        ("/compute/v2.1/flavors", {"flavor": {"name": "fuzz", "ram": 64, "vcpus": 1, "disk": 1}}),
    )

    def __init__(self, cloud):
        self.cloud = cloud
        self.found = {}
        self.names = {}
        project = self.listed("/identity/v3/projects?name=admin")["id"]
        for path, names in (("/volume/v3", ("volumes", "snapshots", "gigabytes")),
                            ("/compute/v2.1", ("instances", "cores", "ram"))):
            answer = cloud.request("PUT", f"{path}/os-quota-sets/{project}", {"quota_set": dict.fromkeys(names, -1)})
            assert answer.status == 200, answer
        for path, body in self.BODIES:
            answer = cloud.request("POST", path, body)
            assert answer.status in (200, 201, 202, 409), answer
        network = self.listed("/network/v2.0/networks?name=fuzz")
        cloud.request("POST", "/network/v2.0/subnets", {"subnet": {"network_id": network["id"], "cidr": "10.9.0.0/24",
                                                                   "name": "fuzz", "ip_version": 4}})
        cloud.request("POST", "/network/v2.0/ports", {"port": {"network_id": network["id"], "name": "fuzz"}})
        flavor, image = self.listed("/compute/v2.1/flavors"), image_of(cloud)
        server = {"name": "fuzz", "flavorRef": flavor["id"], "imageRef": image, "networks": [{"uuid": network["id"]}]}
        answer = cloud.request("POST", "/compute/v2.1/servers", {"server": server})
        assert answer.status == 202, answer
        cloud.run(30)
        volume = self.listed("/volume/v3/volumes")["id"]
        cloud.request("POST", "/volume/v3/snapshots", {"snapshot": {"volume_id": volume, "name": "fuzz"}})
        cloud.run(30)
        self.names = {
            "network_id": network["id"], "flavorRef": flavor["id"], "imageRef": image, "image_id": image,
            "volume_id": volume, "volume_uuid": volume, "volumeId": volume, "ip_version": 4, "networks": "auto",
            "service_id": self.listed("/identity/v3/services")["id"], "region_id": "RegionOne",
            "router:external": False, "subnet_id": self.listed("/network/v2.0/subnets")["id"],
            "security_group_id": self.listed("/network/v2.0/security-groups")["id"], "binary": "nova-compute",
            "floating_network_id": self.listed("/network/v2.0/networks?router:external=True")["id"],
            "resource_provider_generation": 0, "generation": 0, "size": 1}

    def path(self, api, operation):
        """The operation's path with names of things that are there, as far as their collections list them."""
        made = api.prefix
        for part in operation.path.strip("/").split("/"):
            if part.startswith("{"):
                if made not in self.found:
                    one = self.listed(made, newest(api, operation))
                    self.found[made] = next((str(one[key]) for key in ("id", "uuid", "name") if key in one), "x")
                part = self.found[made]
            made += "/" + part
        return made

    def listed(self, path, version=""):
        answer = self.cloud.request("GET", path, version=version)
        found = answer.json if answer.status == 200 else {}
        items = next((value for value in found.values() if isinstance(value, list) and value), [{}])
        items = [one if isinstance(one, dict) else {"id": one} for one in items]
        items = [next(iter(one.values())) if len(one) == 1 and isinstance(next(iter(one.values())), dict) else one
                 for one in items]
        return next((one for one in items if one.get("name") == "fuzz"), items[-1])


def sample(schema, names=None):
    """A value that fits ``schema``, or nearly; ``names`` are values of properties wherever they are."""
    names = names or {}
    for word in ("oneOf", "anyOf"):
        if schema.get(word):
            schema = {**schema, **schema[word][0]}
    if "enum" in schema:
        return schema["enum"][0]
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    kind = next(one for one in ([kinds] if isinstance(kinds, str) else kinds) if one != "null" or kinds == "null")
    if kind == "object":
        inner = schema.get("properties", {})
        wanted = dict.fromkeys([*schema.get("required", ()), *list(inner)[:schema.get("minProperties", 0)],
                                *(name for name in names if name in inner)])
        return {name: names[name] if name in names else sample(inner.get(name, {}), names) for name in wanted}
    if kind == "array":
        return [sample(schema.get("items", {}), names) for _ in range(schema.get("minItems", 0))]
    if kind in ("integer", "number"):
        return schema.get("minimum", 1)
    return {"boolean": True, "null": None}[kind] if kind != "string" else text_of(schema)


def text_of(schema):
    validator = jsonschema_rs.validator_for(dict(schema), formats=dict(FORMATS), validate_formats=True)
    return next((text for text in TEXTS if validator.is_valid(text)), "x" * schema.get("minLength", 1))


def put(schema, place, value, names=None):
    """A good body with ``value`` at ``place``."""
    body = inner = sample(schema, names)
    for name in place[:-1]:
        schema = schema["properties"][name]
        if not isinstance(inner.get(name), dict):
            inner[name] = sample({"type": "object", "properties": schema["properties"],
                                  "required": schema.get("required", ())}, names)
        inner = inner[name]
    inner[place[-1]] = value
    return body


def encoded(body):
    return json.dumps(body).replace("Infinity", "1e400").encode()


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


@pytest.mark.parametrize("query", [
    "limit=-1", "limit=x", "limit=99999999999999999999", "marker=%ff", "marker='", "sort_key=x%27&sort_dir=up", "%00=1",
    "name=%00", "a=" + "b" * 5000, "=&&==", "limit=", "changes-since=yesterday", "sort=name:sideways,;",
    "fields=%0d%0a", "status=%27"])
def test_hostile_queries(cloud, findings, query):
    for api, operation in operations(cloud):
        if operation.method == "GET":
            path = filled(api, operation, "x") + "?" + query
            findings.check(api, operation, send(cloud, api, operation, path), query)


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
