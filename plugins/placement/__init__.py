"""Placement: resource providers, inventories, traits, allocations and candidates."""
