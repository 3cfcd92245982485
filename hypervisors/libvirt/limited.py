"""Tools that look at files of strangers, run with limits."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from ...core.errors import BackendBusy, BackendFailed, NoSpace
from .options import LibvirtOptions

MIB = 1 << 20


class Limits:
    """What a tool may use, as the options named ``qemu_img_...`` say."""

    def __init__(self, options: LibvirtOptions) -> None:
        self.closed = True
        """Whether files that tools make are their owner's alone; else they are as this process makes its own."""
        self._wall_s = options.qemu_img_wall_s
        self._limits = []
        if options.qemu_img_memory_mib:
            self._limits.append(f"--as={options.qemu_img_memory_mib * MIB}")
        if options.qemu_img_cpu_s:
            self._limits.append(f"--cpu={options.qemu_img_cpu_s}")

    def run(self, command: Sequence[str], fine: Collection[int] = (0,), given: bytes = b"") -> bytes:
        """Run a command to its end; ``given`` is what it reads. Return what it says.

        :raises NoSpace: the disk is full. :raises BackendBusy: it did not end in time.
        :raises BackendFailed: its status is none of ``fine``, or it cannot be run.
        """
        # Many threads would each reserve an arena of 64 MiB and meet the limit by that alone.
        environment = {**os.environ, "LC_ALL": "C", "MALLOC_ARENA_MAX": "1"}
        try:
            done = subprocess.run(["prlimit", *self._limits, "--", *command], check=False, input=given,
                                  capture_output=True, timeout=self._wall_s or None, env=environment,
                                  umask=0o077 if self.closed else -1)
        except subprocess.TimeoutExpired as exc:
            raise BackendBusy("the disk was not made in time", command=list(command)) from exc
        except OSError as exc:
            raise BackendFailed(f"{command[0]} cannot be run", detail=str(exc)) from exc
        if done.returncode not in fine:
            text = (done.stderr or done.stdout).decode(errors="replace")
            kind = NoSpace if "No space left" in text else BackendFailed
            raise kind("the disk could not be made", detail=text, command=list(command))
        return done.stdout


@contextlib.contextmanager
def wholly(path: Path) -> Iterator[Path]:
    """A file beside ``path`` that takes its place when the block succeeds, and is gone when it fails."""
    part = path.with_name(path.name + ".part")
    try:
        yield part
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
