"""Encrypted files, made by qemu-img."""

import subprocess
from pathlib import Path

INACCURATE = b"Unable to get accurate CPU usage"
"""What QEMU says when the clock ticks too coarsely for it to measure how dear a key is on this machine: by chance."""
TRIES = 100


def qemu_img(passphrase: str, command: str, *arguments: str) -> None:
    """Run qemu-img; the passphrase comes from its input and is never seen among processes."""
    for _ in range(TRIES):
        done = subprocess.run(["qemu-img", command, "--object", "secret,id=key,file=/dev/stdin", *arguments],
                              check=False, input=passphrase.encode(), capture_output=True)
        if INACCURATE not in done.stderr:
            break
    assert done.returncode == 0, done.stderr


def create(path: Path, passphrase: str, size: str = "16M") -> None:
    """A raw encrypted file; guessing its key is cheap, as it need not be dear for a test."""
    qemu_img(passphrase, "create", "-q", "-f", "luks", "-o", "key-secret=key,iter-time=10", str(path), size)


def create_qcow2(path: Path, passphrase: str, size: str = "16M") -> None:
    """An encrypted qcow2 file."""
    qemu_img(passphrase, "create", "-q", "-f", "qcow2", "-o",
             "encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10", str(path), size)
