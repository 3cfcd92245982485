"""The power state of a domain in our words."""

from __future__ import annotations

import libvirt

from ...core.drivers.hypervisor import Power

POWERS = {
    libvirt.VIR_DOMAIN_RUNNING: Power.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: Power.RUNNING,
    libvirt.VIR_DOMAIN_SHUTDOWN: Power.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: Power.PAUSED,
    libvirt.VIR_DOMAIN_CRASHED: Power.CRASHED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: Power.SUSPENDED,
}
FALLEN = (libvirt.VIR_DOMAIN_SHUTOFF_CRASHED, libvirt.VIR_DOMAIN_SHUTOFF_FAILED)
"""Reasons for which a domain is off without anybody having asked."""


def power_of(domain: libvirt.virDomain) -> Power:
    """What the domain is doing."""
    state, reason = domain.state()
    if state in POWERS:
        return POWERS[state]
    if domain.hasManagedSaveImage(0):
        return Power.SUSPENDED
    return Power.CRASHED if reason in FALLEN else Power.SHUTDOWN
