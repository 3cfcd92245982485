"""The shipped filter suite on our own filters."""

from stratolith.core.conformance.runner import applied

TestAggregateInstanceExtraSpecs = applied("filter", "AggregateInstanceExtraSpecsFilter")
TestAvailabilityZone = applied("filter", "AvailabilityZoneFilter")
TestComputeCapabilities = applied("filter", "ComputeCapabilitiesFilter")
TestCompute = applied("filter", "ComputeFilter")
TestDifferentHost = applied("filter", "DifferentHostFilter")
TestImageProperties = applied("filter", "ImagePropertiesFilter")
TestSameHost = applied("filter", "SameHostFilter")
TestServerGroupAffinity = applied("filter", "ServerGroupAffinityFilter")
TestServerGroupAntiAffinity = applied("filter", "ServerGroupAntiAffinityFilter")
