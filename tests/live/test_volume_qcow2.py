"""The shipped volume suite on qcow2 files and over NBD, with QEMU's own tools."""

import pytest
from stratolith.core.config import Configuration
from stratolith.core.conformance.runner import applied

pytestmark = pytest.mark.live


def options(**given: str) -> Configuration:
    """The section of the driver."""
    return Configuration({"volumes.file": {"sync": "none", **given}})


TestQcow2 = applied("volume", "file", options(format="qcow2"))
TestRawOverNbd = applied("volume", "file", options(export="nbd", nbd_address="127.0.0.1", nbd_first_port="23600"))
TestQcow2OverNbd = applied("volume", "file", options(format="qcow2", export="nbd"))
