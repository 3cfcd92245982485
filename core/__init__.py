"""The kernel: it hosts services and drivers and knows none of them by name."""
