"""Runs QEMU's tools: argument lists, explicit formats, limits of memory, processor time and duration."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import resource
import shutil
import subprocess
from collections.abc import Sequence

from ....core.errors import BackendFailed, BadConfiguration, CloudError, InUse, NoSpace
from ...streams import MIB


@dataclasses.dataclass(frozen=True)
class Limits:
    """What one run may use; 0 is no limit. A guest's data must never make a tool eat the host."""

    memory_mib: int
    cpu_s: int
    timeout_s: float


def found(program: str) -> str:
    """Where ``program`` is. :raises BadConfiguration: it is not installed."""
    path = shutil.which(program)
    if path is None:
        raise BadConfiguration(f"{program} is not installed; Debian has it in qemu-utils")
    return path


def run(arguments: Sequence[str], limits: Limits) -> None:
    """Run a tool to its end.

    :raises NoSpace: it found the disk full.
    :raises InUse: another process holds the image.
    :raises BackendFailed: anything else, a timeout included; the facts have what it said.
    """
    try:
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE,
                                   # Many threads, each with an arena of its own, would meet the limit by that alone.
                                   env={**os.environ, "LC_ALL": "C", "MALLOC_ARENA_MAX": "1"})
    except OSError as exc:
        raise BackendFailed("a storage tool cannot be started", tool=arguments[0], reason=str(exc)) from exc
    with process:
        _limit(process.pid, limits)
        try:
            said = process.communicate(timeout=limits.timeout_s)[1].decode(errors="replace").strip()
        except subprocess.TimeoutExpired as exc:
            process.kill()
            raise BackendFailed("a storage tool took too long", tool=arguments[0]) from exc
    if process.returncode:
        raise _error(arguments[0], process.returncode, said)


def _limit(pid: int, limits: Limits) -> None:
    with contextlib.suppress(ProcessLookupError):  # so quick that it is over already
        if limits.memory_mib:
            resource.prlimit(pid, resource.RLIMIT_AS, (limits.memory_mib * MIB,) * 2)
        if limits.cpu_s:
            resource.prlimit(pid, resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s))


def _error(tool: str, status: int, said: str) -> CloudError:
    if "No space left" in said or "Disk quota" in said or "File too large" in said:
        return NoSpace("the pool is full", tool=tool, said=said)
    if "Failed to get" in said and "lock" in said:
        return InUse("the volume is in use", tool=tool, said=said)
    return BackendFailed("a storage tool failed", tool=tool, status=status, said=said)
