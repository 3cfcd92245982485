"""The process that serves: granian in front, a cloud behind, signals and the ready message.

granian's supervisor binds the port and forks the worker; the worker makes the cloud. Both
belong to one session, whose leader's pid is in the run folder.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import functools
import gc
import json
import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from ..clock import System
from ..config import Configuration
from ..drivers.network import METADATA_SOCKET
from ..errors import AlreadyExists, BadConfiguration, CloudError
from ..http.options import HttpOptions

METADATA = "/metadata"
TRIM_S = 30.0
LISTENING_S = 20.0
M_ARENA_MAX = -8
"""As glibc's malloc.h has it."""
_C_LIBRARY = ctypes.CDLL(None)
UMASK = 0o066
"""Files are their owner's alone. Folders let those pass who know the names inside, as QEMU's user must."""
log = logging.getLogger("stratolith")


@dataclasses.dataclass(frozen=True)
class Launch:
    """All a worker needs to make its cloud. ``ready_fd`` is where it tells that it is up, -1 for nowhere."""

    configuration: Configuration
    host: str
    port: int
    state_dir: Path
    run_dir: Path
    services: Sequence[str] | None
    agents: Sequence[str] | None
    ephemeral: bool
    bootstrap: bool
    migrate: bool
    begun: float
    ready_fd: int = -1
    checked: bool = False
    """Whether somebody has seen already that the configuration has nothing that nobody knows."""

    @property
    def base(self) -> str:
        """The cloud's address as clients see it."""
        public = self.configuration.section("http", HttpOptions).public_url
        host = f"[{self.host}]" if ":" in self.host else self.host
        return public.rstrip("/") or f"http://{'127.0.0.1' if host in ('0.0.0.0', '[::]') else host}:{self.port}"


def serve(launch: Launch) -> None:
    """Serve until a signal says stop. Returns once the worker has drained."""
    from granian.constants import Interfaces
    from granian.server import Server
    os.umask(UMASK)
    options = launch.configuration.section("http", HttpOptions)
    server = Server(
        target="stratolith", address=launch.host, port=launch.port, interface=Interfaces.WSGI,
        workers=options.workers, blocking_threads=options.threads, backlog=options.backlog,
        websockets=False, log_enabled=False, workers_kill_timeout=20)
    loader: Callable[..., Any] = functools.partial(_load, launch)
    server.serve(target_loader=loader, wrap_loader=False)


def _load(launch: Launch, *ignored: Any) -> Any:
    """In the worker: what :func:`_start` gives. granian is silent, so what stops a start is logged here."""
    try:
        return _start(launch)
    except CloudError as error:
        log.critical("the cloud cannot start: %s %s", error, error.facts.get("detail", ""))
    except Exception:
        log.critical("the cloud cannot start", exc_info=True)
    raise SystemExit(1)


def _start(launch: Launch) -> Any:
    """Make the cloud, start it, say that it is ready, and return its WSGI callable."""
    from ..executor import Threads
    from .cloud import Cloud, Place
    from .logs import set_up
    from .unix import serve_on
    _share_arena()
    set_up(launch.configuration)
    clock = System()
    place = Place(state_dir=launch.state_dir, run_dir=launch.run_dir, services=launch.services, agents=launch.agents,
                  ephemeral=launch.ephemeral, migrate=launch.migrate)
    executor = Threads(clock)
    cloud = Cloud(launch.configuration, clock, executor, place)
    cloud.prepare()
    if launch.bootstrap:
        _bootstrap(launch, cloud)
    cloud.start()
    if not launch.checked:
        launch.configuration.validate()
    if cloud.agents and METADATA in (pages := cloud.host_pages()):
        serve_on(launch.run_dir / METADATA_SOCKET, pages[METADATA], executor)
    Finalize(None, cloud.stop, exitpriority=100)
    _settle()
    executor.every(TRIM_S, _trim)
    _tell(launch, {"ready": True, "seconds": round(clock.monotonic() - launch.begun, 3), "base": launch.base})
    return cloud.wsgi


def _settle() -> None:
    """What is there after the start stays: keep the collector from walking over it at each large answer.

    With Python's own thresholds a page of a thousand rows spends half its time in collections.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    _trim()


def _trim() -> None:
    """Give free memory back to the machine, where the C library can."""
    if (trim := getattr(_C_LIBRARY, "malloc_trim", None)) is not None:
        trim(0)


def _share_arena() -> None:
    """Let all threads share one arena of glibc, as only that one is trimmed.

    A password hash takes some 20 MiB, and each thread's own arena would keep them for good. Mapping them
    one by one would give them back sooner, but takes each hash half its time again.
    """
    if (tune := getattr(_C_LIBRARY, "mallopt", None)) is not None:
        tune(M_ARENA_MAX, 1)


def _bootstrap(launch: Launch, cloud: Any) -> None:
    """Give a new cloud what it begins with; where another process did so meanwhile, what that left out."""
    for last in (False, False, True):
        try:
            return _give(launch, cloud)
        except AlreadyExists:
            if last:
                raise


def _give(launch: Launch, cloud: Any) -> None:
    from .bootstrap import Secrets, bootstrap, bootstrap_services, write_clouds
    if "identity" not in cloud.services:
        bootstrap_services(cloud)
        return
    secrets = Secrets.load(launch.state_dir / "secrets.json", cloud.clock)
    bootstrap(cloud, secrets, launch.base)
    write_clouds(launch.state_dir / "clouds.yaml", secrets, launch.base, cloud.options.region)


def _tell(launch: Launch, news: dict[str, Any]) -> None:
    if launch.ready_fd >= 0:
        with contextlib.suppress(BrokenPipeError):
            os.write(launch.ready_fd, json.dumps(news).encode() + b"\n")


def lead_session(launch: Launch, name: str) -> Any:
    """Fork a session leader that serves ``launch``; return its pid and what it said when ready.

    Its pid is in ``<run>/NAME.pid`` while it runs; its log in ``<state>/NAME.log``. The answer is none
    when it ended before it was ready. :raises BadConfiguration: the port is taken.
    """
    see_free(launch.host, launch.port)
    reader, writer = os.pipe()
    launch.run_dir.mkdir(parents=True, exist_ok=True)
    pid = os.fork()
    if pid == 0:
        _child(dataclasses.replace(launch, ready_fd=writer), reader, name)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        line = pipe.readline()
    if line:
        _await_listening(launch.host, launch.port, pid)
    return pid, (json.loads(line) if line else None)


def _await_listening(host: str, port: int, pid: int) -> None:
    """Wait until connections are accepted: a worker is ready a moment before granian listens for it."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    clock = System()
    end = clock.monotonic() + LISTENING_S
    while clock.monotonic() < end and _alive(pid):
        with contextlib.suppress(OSError), socket.create_connection((here, port), timeout=1.0):
            return
        clock.sleep(0.005)


def see_free(host: str, port: int) -> None:
    """See that nobody answers there: granian would share the port with whoever does.

    :raises BadConfiguration: somebody does, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise BadConfiguration(f"cannot listen on {host}:{port}: {exc.strerror}") from exc


def _child(launch: Launch, reader: int, name: str) -> None:
    """The session leader's life; never returns."""
    status = 1
    pid_file = launch.run_dir / f"{name}.pid"
    try:
        os.close(reader)
        os.setsid()
        os.umask(UMASK)
        os.set_inheritable(launch.ready_fd, True)
        _redirect(launch.state_dir / f"{name}.log")
        pid_file.write_text(str(os.getpid()))
        serve(launch)
        status = 0
    except SystemExit:
        log.critical("the server ended: its worker could not go on")
    except BaseException:
        log.critical("the server ended", exc_info=True)
    finally:
        pid_file.unlink(missing_ok=True)
        os._exit(status)


def _redirect(log: Path) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (descriptor, 1), (descriptor, 2)):
        os.dup2(source, target)


def running(run_dir: Path, name: str) -> int:
    """The pid of the server of ``name``, or 0 when none runs."""
    try:
        pid = int((run_dir / f"{name}.pid").read_text())
    except (OSError, ValueError):
        return 0
    return pid if _alive(pid) and _is_leader(pid) else 0


def _is_leader(pid: int) -> bool:
    """A pid file may outlive a killed server and the number be given to another process."""
    try:
        return os.getsid(pid) == pid
    except OSError:
        return False


def end(pid: int, clock: System, timeout_s: float = 30.0) -> bool:
    """Ask a server to stop and wait for it; tell whether it is gone. After the time it is killed."""
    for asked, patience_s in ((signal.SIGTERM, timeout_s), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            if asked == signal.SIGKILL:
                os.killpg(pid, asked)
            else:
                os.kill(pid, asked)
        until = clock.monotonic() + patience_s
        while clock.monotonic() < until:
            if not _alive(pid):
                return True
            clock.sleep(0.05)
    return not _alive(pid)


def _alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"  # A killed process may wait long for a parent that never asks.
