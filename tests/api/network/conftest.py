"""A cloud of identity and network, and short words for its requests."""

import pytest
from stratolith.core.conformance.cloud import InProcess

from tests.statements import counted


class Net:
    """Requests to the Networking API, as the demo user unless said otherwise."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.service = cloud.cloud.services["network"]
        self.kit = cloud.cloud.kits["network"]

    def request(self, method, path, body=None, as_="demo", **more):
        return self.cloud.request(method, "/network/v2.0" + path, body, as_=as_, **more)

    def get(self, path, status=200, as_="demo"):
        answer = self.request("GET", path, as_=as_)
        assert answer.status == status, answer
        return answer.json

    def make(self, noun, path, status=201, as_="demo", **attributes):
        answer = self.request("POST", path, {noun: attributes}, as_)
        assert answer.status == status, answer
        return answer.json[noun] if status == 201 else answer.json["NeutronError"]

    def put(self, noun, path, status=200, as_="demo", **attributes):
        answer = self.request("PUT", path, {noun: attributes}, as_)
        assert answer.status == status, answer
        return answer.json[noun] if status == 200 else answer.json["NeutronError"]

    def delete(self, path, status=204, as_="demo"):
        answer = self.request("DELETE", path, as_=as_)
        assert answer.status == status, answer
        return answer.json["NeutronError"] if status != 204 else None

    def network(self, **attributes):
        return self.make("network", "/networks", **attributes)

    def subnet(self, network, cidr="10.9.0.0/24", **attributes):
        attributes.setdefault("ip_version", 6 if ":" in cidr else 4)
        return self.make("subnet", "/subnets", network_id=network["id"], cidr=cidr, **attributes)

    def port(self, network, **attributes):
        return self.make("port", "/ports", network_id=network["id"], **attributes)

    def router(self, **attributes):
        return self.make("router", "/routers", **attributes)

    def interface(self, router, verb="add", **body):
        return self.request("PUT", f"/routers/{router['id']}/{verb}_router_interface", body)

    def queries(self, work):
        """How many statements ``work`` sends to the database, a request's authentication included."""
        with counted(self.kit.db) as seen:
            work()
        return len(seen)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """A started cloud of identity and network."""
    made = InProcess(tmp_path_factory.mktemp("cloud"), services=["identity", "network"]).start()
    yield made
    made.stop()


@pytest.fixture
def net(cloud):
    """The Networking API of the cloud."""
    return Net(cloud)
