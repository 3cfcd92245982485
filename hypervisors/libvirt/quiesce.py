"""Asking a guest's agent to write everything out before its disk is copied."""

from __future__ import annotations

import contextlib

import libvirt

from ...core.errors import NotSupported
from .wish import Wishes, truth

AGENT_S = 5


def quiesce(domain: libvirt.virDomain, wishes: Wishes, thaw: contextlib.ExitStack) -> None:
    """Freeze the guest's file systems until ``thaw`` ends, if its image says that it has an agent.

    :raises NotSupported: the image requires it (``os_require_quiesce``), and the agent does not do it.
    """
    required = truth("os_require_quiesce", wishes.image("os_require_quiesce"))
    if not required and not truth("hw_qemu_guest_agent", wishes.image("hw_qemu_guest_agent")):
        return
    try:
        domain.agentSetResponseTimeout(AGENT_S)
        domain.fsFreeze()
    except libvirt.libvirtError as exc:
        if required:
            raise NotSupported("the guest's file systems cannot be frozen, which its image requires",
                               detail=str(exc)) from exc
        return
    thaw.callback(domain.fsThaw)
