"""Errors of libraries as the core's, and small frames and tables."""

import errno
import fcntl
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from pyroute2.netlink.exceptions import NetlinkError
from stratolith.core.errors import BackendBusy, BackendFailed, CloudError, NoSpace, NotFound
from stratolith.network.bridge import announcement
from stratolith.network.bridge.error import translated
from stratolith.network.bridge.process import ended, running, stop


@pytest.mark.parametrize(("raised", "kind"), [
    (subprocess.TimeoutExpired(["nft"], 3), BackendBusy),
    (subprocess.CalledProcessError(1, ["nft"], stderr="secret host detail"), BackendFailed),
    (NetlinkError(errno.EBUSY, "busy"), BackendBusy), (NetlinkError(errno.EINVAL, "wrong"), BackendFailed),
    (OSError(errno.ENOSPC, "full"), NoSpace), (FileNotFoundError(errno.ENOENT, "none"), BackendFailed),
])
def test_errors_are_translated(raised: Exception, kind: type[CloudError]) -> None:
    with pytest.raises(kind) as caught, translated("wiring the port"):
        raise raised
    assert type(caught.value) is kind
    assert caught.value.message.startswith("wiring the port") and "detail" in caught.value.facts
    assert "secret" not in caught.value.message and caught.value.__cause__ is raised


def test_own_errors_pass() -> None:
    with pytest.raises(NotFound), translated("wiring the port"):
        raise NotFound("network is not on this host")


def test_announcement() -> None:
    text = announcement.frame("fa:16:3e:00:00:01", "10.0.0.5")
    assert text[:14].hex() == "fffffffffffffa163e0000010806"
    assert text[28:32] == text[38:42] == bytes((10, 0, 0, 5))


def test_processes_are_told_from_strangers(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "print(flush=True); input()", "mark"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    process.stdout.readline()
    file = tmp_path / "pid"
    file.write_text(f"{process.pid}\n")
    assert running(file, "mark") == process.pid
    assert running(file, "another") == 0
    stop(process.pid)
    assert process.wait() != 0
    process.stdin.close()
    process.stdout.close()
    stop(process.pid)
    assert running(file, "mark") == 0
    file.write_text("nonsense")
    assert running(file, "mark") == 0


def test_an_end_is_seen_in_processes_with_many_open_files() -> None:
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(least, min(2048, most)), most))
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert process.stdin is not None
    handle = os.pidfd_open(process.pid)
    high = fcntl.fcntl(handle, fcntl.F_DUPFD_CLOEXEC, 1100)
    try:
        assert not ended(high, 0.01)
        process.stdin.close()
        assert ended(high, 60)
    finally:
        os.close(high)
        os.close(handle)
        process.wait()
