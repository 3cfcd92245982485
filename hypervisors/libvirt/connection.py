"""The connection to libvirt: opening, opening anew, and the translation of its errors."""

from __future__ import annotations

import contextlib
import errno
import threading
from collections.abc import Iterator

import libvirt

from ...core.errors import BackendBusy, BackendFailed, CloudError, NoSpace, NotFound, NotSupported, WrongState

KINDS: dict[int, type[CloudError]] = {
    libvirt.VIR_ERR_NO_DOMAIN: NotFound,
    libvirt.VIR_ERR_OPERATION_INVALID: WrongState,
    libvirt.VIR_ERR_OPERATION_TIMEOUT: BackendBusy,
    libvirt.VIR_ERR_AGENT_UNRESPONSIVE: BackendBusy,
    libvirt.VIR_ERR_RESOURCE_BUSY: BackendBusy,
    libvirt.VIR_ERR_NO_CONNECT: BackendBusy,
    libvirt.VIR_ERR_INVALID_CONN: BackendBusy,
    libvirt.VIR_ERR_RPC: BackendBusy,
    libvirt.VIR_ERR_NO_MEMORY: NoSpace,
    libvirt.VIR_ERR_CONFIG_UNSUPPORTED: NotSupported,
}
FULL = ("No space left on device", "Cannot allocate memory", "Disk quota exceeded")
SENTENCES = {
    NotFound: "there is no such guest on this host",
    WrongState: "the guest is in a state that does not allow this",
    BackendBusy: "the hypervisor cannot answer just now",
    NoSpace: "the host has no room left",
    NotSupported: "the hypervisor cannot give the guest what its image or flavor asks for",
}


def _be_quiet(context: object, error: object) -> None:
    """libvirt prints every error to stderr unless it has a handler; ours are raised."""


def translate(error: libvirt.libvirtError) -> CloudError:
    """The error of ours that says what ``error`` says; libvirt's own words go to its facts only."""
    kind = KINDS.get(error.get_error_code(), BackendFailed)
    text = str(error)
    if any(phrase in text for phrase in FULL):
        kind = NoSpace
    elif error.get_error_domain() == libvirt.VIR_FROM_RPC:
        kind = BackendBusy
    return kind(SENTENCES.get(kind, "the hypervisor failed"), detail=text)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Around every verb: errors of libvirt and of the file system leave as ours."""
    try:
        yield
    except libvirt.libvirtError as exc:
        raise translate(exc) from exc
    except OSError as exc:
        kind = NoSpace if exc.errno in (errno.ENOSPC, errno.EDQUOT) else BackendFailed
        raise kind(SENTENCES.get(kind, "the hypervisor failed"), detail=str(exc)) from exc


class Connection:
    """One connection to the libvirt daemon, opened when first needed and anew when it broke."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._lock = threading.Lock()
        self._handle: libvirt.virConnect | None = None
        libvirt.registerErrorHandler(_be_quiet, None)

    def handle(self) -> libvirt.virConnect:
        """libvirt's connection, alive. :raises BackendBusy: the daemon does not answer."""
        with self._lock:
            if self._handle is None or not self._alive(self._handle):
                with translated():
                    self._handle = libvirt.open(self._uri)
            return self._handle

    @staticmethod
    def _alive(handle: libvirt.virConnect) -> bool:
        try:
            return bool(handle.isAlive())
        except libvirt.libvirtError:
            return False

    def close(self) -> None:
        """Let go of the connection; guests go on."""
        with self._lock:
            handle, self._handle = self._handle, None
        if handle is not None:
            with translated():
                handle.close()
