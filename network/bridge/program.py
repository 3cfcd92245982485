"""Starting other programs, by argument list only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def run(arguments: Sequence[str], timeout_s: float, stdin: str = "") -> str:
    """The output of a program.

    :raises subprocess.CalledProcessError: it failed.
    :raises subprocess.TimeoutExpired: it took longer than ``timeout_s``.
    :raises OSError: it is not installed.
    """
    done = subprocess.run(list(arguments), input=stdin, capture_output=True, text=True,
                          timeout=timeout_s, check=True, env={**os.environ, "PATH": PATH, "LC_ALL": "C"})
    return done.stdout
