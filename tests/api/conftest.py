"""A whole cloud for each module of API tests."""

import pytest
from stratolith.core.conformance.cloud import InProcess


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    """A started cloud with simulated drivers and virtual time."""
    made = InProcess(tmp_path_factory.mktemp("cloud")).start()
    yield made
    made.stop()
