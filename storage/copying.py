"""Copies of sparse files: shared blocks where the file system can, holes kept everywhere."""

from __future__ import annotations

import errno
import fcntl
import os
import struct

from .partial import backend_errors
from .streams import MIB, next_data, write_all

FICLONE = 0x40049409
"""ioctl_ficlone(2): share all blocks of one file with another."""
_CANNOT_CLONE = (errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.EPERM)
_PIECE_BYTES = 64 * MIB
_FLOCK = "hhqqi4x"
_WRITER_BYTE = 101
"""QEMU's block/file-posix.c: byte 100 + n is share-locked by who uses permission n, and 1 is to write."""


def clone(source: int, target: int) -> bool:
    """Let the empty file ``target`` share all blocks of ``source``; False when the file system cannot."""
    with backend_errors("copying"):
        try:
            fcntl.ioctl(target, FICLONE, source)
        except OSError as exc:
            if exc.errno in _CANNOT_CLONE:
                return False
            raise
    return True


def copy(source: int, target: int) -> None:
    """Copy the data, but not the holes, of ``source`` to the same places of the empty file ``target``."""
    with backend_errors("copying"):
        size = os.fstat(source).st_size
        os.ftruncate(target, size)
        position = next_data(source, 0)
        while position < size:
            end = os.lseek(source, position, os.SEEK_HOLE)
            _copy_range(source, target, position, end)
            position = next_data(source, end)


def clone_or_copy(source: int, target: int) -> None:
    """:func:`clone` when that works, else :func:`copy`."""
    if not clone(source, target):
        copy(source, target)


def _copy_range(source: int, target: int, position: int, end: int) -> None:
    while position < end:
        wanted = min(_PIECE_BYTES, end - position)
        try:
            done = os.copy_file_range(source, target, wanted, position, position)
        except OSError as exc:
            if exc.errno not in _CANNOT_CLONE:
                raise
            done = 0
        if not done:
            piece = os.pread(source, min(wanted, MIB), position)
            if not piece:
                return
            write_all(target, piece, position)
            done = len(piece)
        position += done


def has_writer(descriptor: int) -> bool:
    """Whether a QEMU process has the file open for writing, by the locks that QEMU puts on its images."""
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, _WRITER_BYTE, 1, 0)
    answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked)
    return bool(struct.unpack(_FLOCK, answer)[0] != fcntl.F_UNLCK)
