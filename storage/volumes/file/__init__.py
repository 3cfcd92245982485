"""Volumes as files, raw or qcow2."""
