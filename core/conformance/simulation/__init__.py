"""Seeded lives of a whole cloud on virtual time: tenants at random, hosts that die, messages that get lost, kills.

Everything is the real code but for the simulated drivers. One number makes the whole life: the same seed is the same
life again. After each event, and once all has calmed down at the end, what must always hold is checked.
"""
