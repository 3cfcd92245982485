"""The shipped image store suite on our own store."""

from stratolith.core.config import Configuration
from stratolith.core.conformance.runner import applied

TestFile = applied("image_store", "file")
TestFileUnsynced = applied("image_store", "file", Configuration({"image_stores.file": {"sync": "none"}}))
