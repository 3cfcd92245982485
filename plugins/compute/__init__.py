"""Compute v2.1: servers and what surrounds them, over durable operations."""
