"""The network suite on every installed driver that needs neither root nor a kernel."""

from stratolith.core.conformance.runner import applied

TestSimulated = applied("network", "simulated")
