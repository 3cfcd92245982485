"""Backups as files of one folder."""
