"""Guests on QEMU through libvirt."""
