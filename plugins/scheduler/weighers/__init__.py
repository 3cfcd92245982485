"""Scheduler weighers: which of the possible hosts is best."""
