"""Each operation, asked by those who may not: another project, readers, tokens for no project or for a domain.

The operations come from the tables of all services, so that a new one is asked too. It fails when a refusal is
anything but 403 or 404, when something of the project is seen, and when something has changed.
"""

import json

import pytest
from stratolith.core.conformance.cloud import InProcess
from stratolith.core.errors import NotFound

from .tenant_bodies import bodies, creations, foreign
from .tenants import MARK, OCTETS, Estate, People

PATCHED = "application/openstack-images-v2.1-json-patch"
OPEN = {"compute GET /v2.1/os-quota-sets/{project_id}/defaults", "identity GET /v3/domains/{domain_id}",
        "identity GET /v3/regions/{region_id}", "identity GET /v3/registered_limits/{registered_limit_id}",
        "image GET /v2/schemas/{name}",
        "network GET /v2.0/extensions/{alias}", "block-storage GET /v3/group_types/{group_type_id}"}
"""Reads with a name in their path that anybody may do: they tell nothing of a project's."""
KEYED = {"block-storage POST /v3/os-volume-transfer/{transfer_id}/accept",
         "block-storage POST /v3/volume-transfers/{transfer_id}/accept", "image DELETE /v2/stores/{store}/{image_id}"}
"""Anybody is answered 400: who guesses a transfer's key, and who deletes from the only store whatever image."""
PROXIES = ("v2.1/os-security-group", "v2.1/os-volumes", "v2.1/os-snapshots", "FloatingIp")
"""What compute hands on to other services, until a microversion of long ago."""
OWN_TOKEN = {f"identity {method} /v3/auth/tokens" for method in ("GET", "HEAD", "DELETE")}


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """A cloud with more users."""
    made = InProcess(tmp_path_factory.mktemp("tenants")).start()
    yield People(made)
    made.stop()


@pytest.fixture(scope="module")
def estate(people):
    """What project demo has."""
    return Estate(people)


class Walk:
    """Sends every operation of every table on what project demo has, and notes what surprises."""

    def __init__(self, estate, person):
        self.estate = estate
        self.person = person
        self.bodies = bodies(estate) | creations(estate)
        self.cloud = estate.people.cloud
        self.surprises = []

    def send(self, api, operation):
        body = self.bodies.get((api.name, operation.name))
        headers = {"X-Auth-Token": self.person.token}
        if isinstance(body, bytes):
            headers |= {"Content-Type": PATCHED} if operation.method == "PATCH" else OCTETS
        if operation.path == "/v3/auth/tokens":
            headers["X-Subject-Token"] = self.estate.demo.token
        microversions = api.microversions
        version = f"{microversions.name} {operation.until or microversions.last}" if microversions else ""
        answer = self.cloud.request(operation.method, self.estate.path(api, operation), body, as_=None,
                                    headers=headers, version=version)
        self.cloud.run()
        return answer

    def seen(self, answer, asked):
        """Whether the answer tells something of project demo that was not in the question."""
        return MARK.encode() in answer.data and MARK not in asked

    def go(self, fits, private=True):
        """Ask everything. ``fits`` takes the label, the operation and the status and tells what is expected."""
        before = self.estate.view()
        for application in self.cloud.cloud.applications:
            api = application.api
            for operation in api.operations:
                label = f"{api.name} {operation.name}"
                if operation.public:
                    continue
                answer = self.send(api, operation)
                if not fits(label, operation, answer.status):
                    self.surprises.append(f"{label}: {answer}")
                elif private and self.seen(answer, self.estate.path(api, operation)):
                    self.surprises.append(f"{label} shows what is not the asker's: {answer}")
        self.compare(before)

    def compare(self, before):
        for path, after in self.estate.view().items():
            if before[path] != after:
                self.surprises.append(f"{path} changed from {json.dumps(before[path])} to {json.dumps(after)}")

    def end(self):
        assert not self.surprises, "\n".join(self.surprises)


def reads(operation):
    return operation.method in ("GET", "HEAD")


def test_another_project_reaches_nothing(people, estate):
    walk = Walk(estate, people.member_of(people.new_project()))

    def fits(label, operation, status):
        if label in OPEN or reads(operation) and "{" not in operation.path and label not in OWN_TOKEN:
            return status in (200, 204, 403, 404, 400 if label.startswith("placement") else 404)
        if label in KEYED:
            return status == 400
        if "{" not in operation.path and label not in OWN_TOKEN:
            return status < 500  # It makes something of its own.
        return status in (403, 404)
    walk.go(fits)
    walk.end()


def test_another_project_cannot_name_what_it_may_not_see(people, estate):
    stranger = people.member_of(people.new_project())
    own = belongings(people.cloud, stranger)
    walk = Walk(estate, stranger)
    before = estate.view()
    for method, path, body in foreign(estate):
        path, text = filled(path, own), filled(json.dumps(body), own)
        old = {"version": "compute 2.35"} if any(word in path + text for word in PROXIES) else {}
        answer = stranger.ask(method, path, json.loads(text), **old)
        people.cloud.run()
        if path.endswith("/servers") and answer.status == 202:
            shown = stranger.ok("GET", f"{path}/{answer.json['server']['id']}")["server"]
            if shown["status"] != "ERROR" or shown["os-extended-volumes:volumes_attached"]:
                walk.surprises.append(f"{text} boots: {shown}")
        elif method == "GET" and answer.status == 200:
            if walk.seen(answer, path):
                walk.surprises.append(f"{path}: {answer.data}")
        elif answer.status not in (400, 403, 404, 409):
            walk.surprises.append(f"{method} {path} {text}: {answer}")
        elif walk.seen(answer, text):
            walk.surprises.append(f"{method} {path} {text} shows what is not the asker's: {answer}")
    walk.compare(before)
    walk.end()


def filled(text, own):
    for name, value in own.items():
        text = text.replace("{own_" + name + "}", value)
    return text


def belongings(cloud, person):
    """What a stranger needs to refer to things of others."""
    def net(noun, **values):
        return person.ok("POST", f"/network/v2.0/{noun.replace('_', '-')}s", {noun: values})[noun]["id"]
    body = {"name": "own", "disk_format": "raw", "container_format": "bare"}
    image = person.ok("POST", "/image/v2/images", body)["id"]
    person.ok("PUT", f"/image/v2/images/{image}/file", bytes(65536), headers=OCTETS)
    body = {"server": {"name": "own", "flavorRef": "1", "imageRef": image, "networks": "none"}}
    server = person.ok("POST", "/compute/v2.1/servers", body)["server"]["id"]
    volume = person.ok("POST", "/volume/v3/volumes", {"volume": {"size": 1}})["volume"]["id"]
    cloud.run(5)
    network = net("network", name="own")
    net("subnet", network_id=network, ip_version=4, cidr="10.1.0.0/24")
    public = person.ok("GET", "/network/v2.0/networks?router:external=true")["networks"][0]["id"]
    return {"image": image, "server": server, "volume": volume, "network": network, "router": net("router"),
            "port": net("port", network_id=network), "group": net("security_group", name="own"),
            "floating": net("floatingip", floating_network_id=public)}


def test_a_reader_reads_what_a_member_reads_and_writes_nothing(people, estate):
    walk = Walk(estate, people.member_of(people.project, "reader"))
    member = Walk(estate, people.member_of(people.project))
    allowed = {}
    for application in people.cloud.cloud.applications:
        for operation in application.api.operations:
            if reads(operation) and not operation.public:
                allowed[f"{application.api.name} {operation.name}"] = member.send(application.api, operation).status
    own = {"identity POST /v3/credentials", "compute POST /v2.1/os-keypairs",
           "compute DELETE /v2.1/os-keypairs/{keypair_name}", "identity DELETE /v3/auth/tokens"}
    hidden = {"identity DELETE /v3/groups/{group_id}"}

    def fits(label, operation, status):
        if label == "image GET /v2/images/{image_id}/file":
            return status == 403  # Downloads are for members.
        if reads(operation):
            return status == allowed[label]
        if label == "block-storage POST /v3/volumes/{volume_id}/action os-show_image_metadata":
            return status == 200  # A read by POST.
        return status in (400, 403, 404) if label in own | hidden else status == 403
    walk.go(fits, private=False)
    walk.end()


def scopes(people):
    project = people.new_project()
    domain = people.admin.ok("POST", "/identity/v3/domains", {"domain": {"name": "other"}})["domain"]["id"]
    yield "unscoped", people.login(people.new_user(project=(project, "member")), "unscoped")
    # One with admin administers identity, as in Keystone; test_administrators_of_a_domain_are_none_of_the_cloud.
    for role in ("manager", "member", "reader"):
        yield f"{role} of domain", people.login(people.new_user(domain=(domain, role)), {"domain": {"id": domain}})


def test_a_token_for_no_project_reaches_nothing_of_any(people, estate):
    for name, person in scopes(people):
        walk = Walk(estate, person)

        def fits(label, operation, status, name=name):
            if name != "unscoped" and not label.startswith("identity"):
                return status == 403
            if label in OPEN or reads(operation) and "{" not in operation.path and label not in OWN_TOKEN:
                return status in (200, 204, 401, 403, 404)
            if label == "identity GET /v3/roles/{role_id}":
                return status == (200 if name == "manager of domain" else 403)
            if "{" not in operation.path and label.startswith(("identity POST", "compute POST /v2.1/os-keypairs")):
                return status in (201, 400, 403, 409)
            return status in (403, 404)
        walk.go(fits)
        walk.surprises = [f"{name}: {one}" for one in walk.surprises]
        walk.end()


def test_administrators_of_a_domain_are_none_of_the_cloud(people, estate):
    """They hold the role admin, which means the whole cloud to services that know no domains."""
    boss = people.login(people.new_user(domain=("default", "admin")), {"domain": {"id": "default"}})
    for path in ("/compute/v2.1/servers/detail?all_tenants=1", "/network/v2.0/ports", "/volume/v3/volumes/detail",
                 "/image/v2/images", "/placement/resource_providers", "/compute/v2.1/os-hypervisors"):
        answer = boss.ask("GET", path)
        assert answer.status == 403 and MARK.encode() not in answer.data, (path, answer)
    assert boss.ask("DELETE", f"/compute/v2.1/servers/{estate.server}").status == 403


def test_a_port_that_names_the_server_of_another_gets_nothing_of_it(people, estate):
    """Metadata, addresses and wiring go by what compute bound, not by the device that a tenant writes."""
    stranger = people.member_of(people.new_project())
    own = belongings(people.cloud, stranger)
    body = {"port": {"network_id": own["network"], "device_id": estate.server, "device_owner": "compute:nova"}}
    port = stranger.ok("POST", "/network/v2.0/ports", body)["port"]
    network = people.cloud.cloud.services["network"]
    context = people.cloud.cloud.kits["network"].context()
    with pytest.raises(NotFound):
        network.owner_of_address(context, own["network"], port["fixed_ips"][0]["ip_address"])
    assert port["id"] not in [nic.port_id for nic in network.nics(context, [estate.server])[estate.server]]
    body = {"server": {"name": "own", "flavorRef": "1", "imageRef": own["image"],
                       "networks": [{"port": own["port"]}]}}
    server = stranger.ok("POST", "/compute/v2.1/servers", body)["server"]["id"]
    people.cloud.run(5)
    bound = stranger.ok("GET", f"/network/v2.0/ports/{own['port']}")["port"]
    assert bound["device_id"] == server
    answer = stranger.ask("PUT", f"/network/v2.0/ports/{own['port']}", {"port": {"device_id": estate.server}})
    assert answer.status == 409, answer
    address = bound["fixed_ips"][0]["ip_address"]
    assert network.owner_of_address(context, own["network"], address) == server


def test_a_port_cannot_be_put_on_the_router_of_another(people, estate):
    stranger = people.member_of(people.new_project())
    own = belongings(people.cloud, stranger)
    claim = {"device_id": estate.router, "device_owner": "network:router_interface"}
    answers = [stranger.ask("POST", "/network/v2.0/ports", {"port": {"network_id": own["network"], **claim}}),
               stranger.ask("PUT", f"/network/v2.0/ports/{own['port']}", {"port": claim})]
    assert [answer.status for answer in answers] == [409, 409], answers
    assert {answer.json["NeutronError"]["type"] for answer in answers} == {"DeviceIDNotOwnedByTenant"}
