"""Hypervisor drivers: what runs the guests."""
