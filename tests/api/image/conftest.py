"""The image service alone: a cloud of one slice, with an identity that believes what a token says."""

import pytest

from tests.api.alone import Alone


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """Makes clouds with the image service alone, and stops them at the end."""
    made = []

    def build(**options):
        cloud = Alone(tmp_path_factory.mktemp("image"), services=["image"], options={"image": options}).start()
        made.append(cloud)
        return cloud
    yield build
    for cloud in made:
        cloud.stop()


@pytest.fixture(scope="module")
def cloud(make):
    """One cloud for the whole module."""
    return make()


OCTETS = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def image(cloud):
    """Makes an image and gives its body; ``data`` is uploaded when given."""
    def build(data=None, as_="alpha:member", **body):
        body = {"disk_format": "raw", "container_format": "bare", **body}
        made = cloud.request("POST", "/image/v2/images", body, as_=as_)
        assert made.status == 201, made
        if data is not None:
            stored = cloud.request("PUT", f"/image/v2/images/{made.json['id']}/file", data, as_=as_, headers=OCTETS)
            assert stored.status == 204, stored
        return cloud.request("GET", f"/image/v2/images/{made.json['id']}", as_=as_).json
    return build
