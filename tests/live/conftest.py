"""Fixtures of the live tests: the real parts they run against."""

from __future__ import annotations

from .libvirt_host import libvirt_host, libvirt_other

__all__ = ["libvirt_host", "libvirt_other"]
