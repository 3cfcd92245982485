"""What libvirt itself is asked of a host or a guest before something is promised."""

from __future__ import annotations

from collections.abc import Callable

import libvirt

from ...core.errors import NotSupported
from .ability import Abilities
from .connection import translate
from .wish import Wishes


class AbilityCache:
    """The abilities of a host by machine type, asked of libvirt once each."""

    def __init__(self, handle: Callable[[], libvirt.virConnect], virt_type: str) -> None:
        self._handle = handle
        self._virt_type = virt_type
        self._known: dict[str, Abilities] = {}

    def of(self, machine: str) -> Abilities:
        """The abilities for ``machine``. :raises NotSupported: the host has no such machine."""
        if machine not in self._known:
            try:
                text = self._handle().getDomainCapabilities(None, "x86_64", machine, self._virt_type, 0)
            except libvirt.libvirtError as exc:
                if exc.get_error_code() in (libvirt.VIR_ERR_INVALID_ARG, libvirt.VIR_ERR_CONFIG_UNSUPPORTED):
                    raise NotSupported(f"this host has no machine type {machine[:30]}", detail=str(exc)) from exc
                raise translate(exc) from exc
            self._known[machine] = Abilities(text)
        return self._known[machine]


def prove_shares(domain: libvirt.virDomain, wishes: Wishes) -> None:
    """See that a guest that runs has the share it is to have: libvirt passes it over where it has no cgroups.

    :raises NotSupported: it has not.
    """
    if not wishes.flavor("quota:cpu_shares"):
        return
    try:
        domain.schedulerParameters()
    except libvirt.libvirtError as exc:
        if exc.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
            raise
        raise NotSupported("this host cannot keep quota:cpu_shares: it has no cgroup of processors",
                           detail=str(exc)) from exc
