"""Containers of libvirt (``lxc:///``)."""
