"""Stores of backups: where copies of volumes are kept."""
