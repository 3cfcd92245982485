"""Volumes that are only remembered."""
