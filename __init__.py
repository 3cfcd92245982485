"""Stratolith: an OpenStack-compatible cloud in one small, pluggable package."""

__version__ = "0.1.0"
