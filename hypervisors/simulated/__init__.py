"""A hypervisor that only remembers: guests without a machine, with delays and faults on demand."""
