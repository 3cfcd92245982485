"""A watchdog device of Linux: resets the machine when it was not told in time that all is well.

As the kernel's Documentation/watchdog/watchdog-api describes it.
"""

from __future__ import annotations

import fcntl
import os
import struct

from ...core.errors import BadConfiguration

SET_TIMEOUT = 0xC0045706
"""``WDIOC_SETTIMEOUT`` of linux/watchdog.h."""


class Watchdog:
    """A device that is armed as soon as it is open, and stays so when this process ends."""

    def __init__(self, device: str, timeout_s: int) -> None:
        """Arm it. :raises BadConfiguration: it is no watchdog, another process has it, or it takes longer."""
        try:
            self._descriptor = os.open(device, os.O_WRONLY | os.O_CLOEXEC)
        except OSError as exc:
            raise BadConfiguration(f"the watchdog {device} cannot be used: {exc.strerror}") from exc
        try:
            # The first byte arms devices that wait for it, so that what follows is never skipped.
            self.pat()
            given = fcntl.ioctl(self._descriptor, SET_TIMEOUT, struct.pack("i", timeout_s))
        except OSError as exc:
            raise BadConfiguration(f"{device} is no watchdog: {exc.strerror}") from exc
        if struct.unpack("i", given)[0] > timeout_s:
            raise BadConfiguration(f"the watchdog {device} takes longer than {timeout_s} s")

    def pat(self) -> None:
        """All is well."""
        os.write(self._descriptor, b"\0")

    def disarm(self) -> None:
        """It is needed no more."""
        os.write(self._descriptor, b"V")
        os.close(self._descriptor)
