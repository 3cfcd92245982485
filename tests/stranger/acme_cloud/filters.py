"""A filter that keeps hosts with an even amount of free memory."""

from stratolith.core.drivers.filter import FilterFacts, HostFilter


class EvenMemory(HostFilter):
    """Hosts whose free memory is an even number of MiB."""

    def facts(self):
        return FilterFacts("Hosts whose free memory is an even number of MiB.")

    def passes(self, host, request):
        return host.free("MEMORY_MB") % 2 == 0

    def complaint(self, host, request):
        return "an odd amount of memory is free"
