"""Scheduler filters: which hosts can take a server."""
