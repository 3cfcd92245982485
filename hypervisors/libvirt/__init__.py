"""Guests of QEMU and KVM through libvirt: the only code that knows libvirt."""
