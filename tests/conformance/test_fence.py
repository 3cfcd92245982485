"""The shipped fence suite on our own fences that need no controller; those that do are in tests/live."""

from stratolith.core.conformance.runner import applied
from stratolith.hypervisors.fences.lease import Lease
from stratolith.hypervisors.fences.simulated import SimulatedFence

from .fences import on_virtual_time

TestSimulated = applied("fence", "simulated")
TestSimulatedSlow = on_virtual_time(SimulatedFence, "fences.simulated", takes_s=20)
TestNone = applied("fence", "none")
TestLease = on_virtual_time(Lease, "fences.lease", folder=True)
TestLeaseTight = on_virtual_time(Lease, "fences.lease", folder=True, lease_s=9, margin_s=3)
