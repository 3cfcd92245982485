"""Translation of the errors of libraries and programs into the core's."""

from __future__ import annotations

import contextlib
import errno
import subprocess
from collections.abc import Iterator

from pyroute2.netlink.exceptions import NetlinkError  # type: ignore[import-untyped]

from ...core.errors import BackendBusy, BackendFailed, NoSpace

FULL = {errno.ENOSPC, errno.ENOBUFS, errno.ENOMEM, errno.EMFILE, errno.ENFILE}
BUSY = {errno.EBUSY, errno.EAGAIN}


@contextlib.contextmanager
def translated(doing: str) -> Iterator[None]:
    """Raise the core's error for whatever the block's libraries raise.

    ``doing`` is the tenant's part of the message; the host's part goes into the facts.

    :raises BackendFailed: the kernel or a program refused.
    :raises BackendBusy: a retry may help.
    :raises NoSpace: the host has no room left.
    """
    try:
        yield
    except subprocess.TimeoutExpired as exc:
        raise BackendBusy(f"{doing} takes too long", detail=str(exc)) from exc
    except subprocess.CalledProcessError as exc:
        raise BackendFailed(f"{doing} failed", detail=f"{exc}: {exc.stderr}") from exc
    except NetlinkError as exc:
        raise _of_number(doing, exc.code, exc) from exc
    except OSError as exc:
        raise _of_number(doing, exc.errno or 0, exc) from exc


def _of_number(doing: str, number: int, cause: Exception) -> BackendFailed | BackendBusy:
    if number in FULL:
        return NoSpace(f"{doing} failed: no room on the host", detail=str(cause))
    if number in BUSY:
        return BackendBusy(f"{doing} failed for now", detail=str(cause))
    return BackendFailed(f"{doing} failed", detail=str(cause))
