"""The shipped volume suite on the drivers that need no other program."""

from stratolith.core.conformance.runner import applied
from stratolith.core.config import Configuration

TestSimulated = applied("volume", "simulated")
TestFile = applied("volume", "file", Configuration({"volume.file": {"sync": "none"}}))
