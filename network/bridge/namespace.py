"""Network namespaces: making, removing, listing, and working inside one."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

from pyroute2 import netns  # type: ignore[import-untyped]

from .process import stop
from .program import run

FOLDER = Path("/run/netns")
SYSCTL = Path("/proc/sys/net")
PROMPT = {"ipv6/conf/default/accept_dad": 0, "ipv6/conf/default/accept_ra": 0}
"""Settings with which devices made later have their IPv6 address at once, and learn none from others."""


def names() -> list[str]:
    """All named namespaces of this machine."""
    return sorted(entry.name for entry in FOLDER.iterdir()) if FOLDER.is_dir() else []


def exists(name: str) -> bool:
    """Whether the namespace is there and alive."""
    return os.path.ismount(FOLDER / name)


def create(name: str, timeout_s: float) -> None:
    """Make the namespace with its loopback up; nothing if it is there."""
    if not exists(name):
        if (FOLDER / name).exists():
            (FOLDER / name).unlink()
        run(["ip", "netns", "add", name], timeout_s)
    run(["ip", "-n", name, "link", "set", "lo", "up"], timeout_s)


def remove(name: str, timeout_s: float) -> None:
    """End every process inside, then remove the namespace; nothing if it is not there."""
    if not (FOLDER / name).exists():
        return
    if exists(name):
        for pid in run(["ip", "netns", "pids", name], timeout_s).split():
            stop(int(pid), signal.SIGTERM)
    run(["ip", "netns", "del", name], timeout_s)


@contextlib.contextmanager
def entered(name: str) -> Iterator[None]:
    """Let the calling thread, and programs it starts, work inside the namespace.

    Other threads stay where they are. Sockets made inside stay inside. An empty name is no
    namespace: the thread stays.
    """
    if not name:
        yield
        return
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.open(FOLDER / name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            netns.setns(there)
        finally:
            os.close(there)
        try:
            yield
        finally:
            netns.setns(here)
    finally:
        os.close(here)


def set_kernel(values: Mapping[str, int]) -> None:
    """Write kernel settings of the present namespace, named below ``net`` (``ipv4/ip_forward``).

    Those of IPv6 are left out on a kernel without it.
    """
    for key, value in values.items():
        if not key.startswith("ipv6/") or (SYSCTL / "ipv6").is_dir():
            (SYSCTL / key).write_text(f"{value}\n")
