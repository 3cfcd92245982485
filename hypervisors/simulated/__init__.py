"""A hypervisor that only remembers: guests in memory, with faults and delays on demand."""
