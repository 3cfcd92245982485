"""Durable operations: persisted steps with undo, leases, deadlines and resume."""
