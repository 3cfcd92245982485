"""The shipped volume suite on the drivers that need no other program."""

from stratolith.core.config import Configuration
from stratolith.core.conformance.runner import applied

TestSimulated = applied("volume", "simulated")
TestFile = applied("volume", "file", Configuration({"volumes.file": {"sync": "none"}}))
