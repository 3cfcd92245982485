"""The hypervisor suite on every installed driver that needs neither root nor a machine."""

from stratolith.core.conformance.runner import applied

TestSimulated = applied("hypervisor", "simulated")
