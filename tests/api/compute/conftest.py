"""A cloud with an image and a small flavor, and a demo user who asks it for servers."""

import pytest


class World:
    """Requests to compute as the demo user, in few words."""

    def __init__(self, cloud):
        self.cloud = cloud
        made = cloud.request("POST", "/image/v2/images", {"name": "disk", "disk_format": "raw",
                                                          "container_format": "bare"}, as_="demo")
        self.image = made.json["id"]
        cloud.request("PUT", f"/image/v2/images/{self.image}/file", bytes(65536), as_="demo",
                      headers={"Content-Type": "application/octet-stream"})
        self.flavor = self.flavor_of("small", 64, 1, 1)
        cloud.request("PUT", "/compute/v2.1/os-quota-sets/" + self.project(), {"quota_set": {
            "instances": -1, "cores": -1, "ram": -1}})

    def project(self):
        found = self.cloud.request("GET", "/identity/v3/projects?name=demo").json["projects"]
        return found[0]["id"]

    def flavor_of(self, name, ram, vcpus, disk, **more):
        body = {"flavor": {"name": name, "ram": ram, "vcpus": vcpus, "disk": disk, **more}}
        return self.cloud.request("POST", "/compute/v2.1/flavors", body).json["flavor"]["id"]

    def ask(self, method, path, body=None, version="", as_="demo"):
        return self.cloud.request(method, "/compute/v2.1" + path, body, as_=as_,
                                  version=f"compute {version}" if version else "")

    def post(self, version="2.79", hints=None, as_="demo", **fields):
        server = {"name": "one", "flavorRef": self.flavor, "imageRef": self.image, **fields}
        if int(version.partition(".")[2]) >= 37:
            server.setdefault("networks", "auto")
        body = {"server": server, **({"os:scheduler_hints": hints} if hints else {})}
        return self.ask("POST", "/servers", body, version, as_)

    def boot(self, version="2.79", run_s=5, **fields):
        answer = self.post(version, **fields)
        assert answer.status == 202, answer
        self.cloud.run(run_s)
        return answer.json["server"]["id"]

    def show(self, server_id, version="2.79", as_="demo"):
        answer = self.ask("GET", f"/servers/{server_id}", version=version, as_=as_)
        assert answer.status == 200, answer
        return answer.json["server"]

    def act(self, server_id, name, value=None, version="2.79", run_s=5, as_="demo"):
        answer = self.ask("POST", f"/servers/{server_id}/action", {name: value}, version, as_)
        self.cloud.run(run_s)
        return answer

    def delete(self, *ids):
        for server_id in ids:
            assert self.ask("DELETE", f"/servers/{server_id}").status == 204
        self.cloud.run(5)

    def driver(self):
        return self.cloud.cloud.agents["compute"].hosts[0].driver


@pytest.fixture(scope="module")
def world(cloud):
    """The module's cloud with what servers need."""
    return World(cloud)


@pytest.fixture(autouse=True)
def clean(request):
    """No server outlives its test."""
    yield
    if "world" in request.fixturenames:
        world = request.getfixturevalue("world")
        world.driver().heal()
        for one in world.ask("GET", "/servers?all_tenants=1", as_="admin").json["servers"]:
            world.ask("DELETE", f"/servers/{one['id']}", as_="admin")
        world.cloud.run(5)
        assert world.ask("GET", "/servers?all_tenants=1", as_="admin").json["servers"] == []
        assert list(world.driver().observe()) == []
