"""Block storage and images alone: a cloud of two slices, with an identity that believes what a token says."""

import pytest

from tests.api.alone import Alone


@pytest.fixture(scope="module")
def alone():
    """The class of clouds that have block storage and images only."""
    return Alone


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """Makes clouds with both services, and stops them at the end."""
    made = []

    def build(**options):
        cloud = Alone(tmp_path_factory.mktemp("volume"), services=["image", "volume"], options=options).start()
        made.append(cloud)
        return cloud
    yield build
    for cloud in made:
        cloud.stop()


@pytest.fixture(scope="module")
def make_options():
    """The options of the module's cloud; a module may say its own."""
    return {}


@pytest.fixture(scope="module")
def cloud(make, make_options):
    """One cloud for the whole module."""
    return make(**make_options)


class Storage:
    """Short words for what most tests do."""

    def __init__(self, cloud):
        self.cloud = cloud

    def call(self, method, path, body=None, status=None, as_="alpha:member", version="3.71", **more):
        answer = self.cloud.request(method, "/volume/v3" + path, body, as_=as_, version=f"volume {version}", **more)
        if status is not None:
            assert answer.status == status, answer
        return answer

    def volume(self, as_="alpha:member", run=True, **body):
        made = self.call("POST", "/volumes", {"volume": {"size": 1, **body}}, 202, as_).json["volume"]
        if run:
            self.cloud.run()
        return made["id"]

    def show(self, volume_id, as_="alpha:member", **more):
        return self.call("GET", f"/volumes/{volume_id}", None, 200, as_, **more).json["volume"]

    def status(self, volume_id):
        return self.show(volume_id, "op:admin")["status"]

    def act(self, volume_id, action, value=None, status=202, as_="alpha:member", **more):
        answer = self.call("POST", f"/volumes/{volume_id}/action", {action: value}, status, as_, **more)
        self.cloud.run()
        return answer

    def snapshot(self, volume_id, **body):
        body = {"volume_id": volume_id, **body}
        made = self.call("POST", "/snapshots", {"snapshot": body}, 202).json["snapshot"]["id"]
        self.cloud.run()
        return made

    def image(self, data, **body):
        body = {"name": "source", "disk_format": "raw", "container_format": "bare", **body}
        made = self.cloud.request("POST", "/image/v2/images", body).json["id"]
        stored = self.cloud.request("PUT", f"/image/v2/images/{made}/file", data,
                                    headers={"Content-Type": "application/octet-stream"})
        assert stored.status == 204, stored
        return made

    def content(self, volume_id, length, backend="simulated"):
        chunks = self.cloud.cloud.services["volume"].backends.driver(backend).read(volume_id)
        return next(iter(chunks))[:length]


@pytest.fixture(scope="module")
def storage(cloud):
    """Block storage of the module's cloud."""
    return Storage(cloud)
