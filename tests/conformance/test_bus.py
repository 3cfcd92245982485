"""The bus suite on the buses that need no broker."""

from stratolith.core.config import Configuration
from stratolith.core.conformance.runner import applied

TestLocal = applied("bus", "local")
TestMemory = applied("bus", "kombu", Configuration({"bus.kombu": {"url": "memory://"}}))
