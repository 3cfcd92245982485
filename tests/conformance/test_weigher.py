"""The shipped weigher suite on our own weighers."""

from stratolith.core.conformance.runner import applied

TestBuildFailure = applied("weigher", "BuildFailureWeigher")
TestCpu = applied("weigher", "CPUWeigher")
TestDisk = applied("weigher", "DiskWeigher")
TestImageProperties = applied("weigher", "ImagePropertiesWeigher")
TestIoOps = applied("weigher", "IoOpsWeigher")
TestRam = applied("weigher", "RAMWeigher")
TestSoftAffinity = applied("weigher", "ServerGroupSoftAffinityWeigher")
TestSoftAntiAffinity = applied("weigher", "ServerGroupSoftAntiAffinityWeigher")
TestHypervisorVersion = applied("weigher", "HypervisorVersionWeigher")
TestMetrics = applied("weigher", "MetricsWeigher")
TestNumInstances = applied("weigher", "NumInstancesWeigher")
