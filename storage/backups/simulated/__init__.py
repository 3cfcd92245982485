"""Backups that can be told to be slow or to fail."""
