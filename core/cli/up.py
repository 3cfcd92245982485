"""``stratolith up``, ``down`` and ``status``: a whole cloud on one port, its state in one folder."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from ..clock import System
from ..config import Configuration
from ..errors import BadConfiguration, CloudError
from .command import Command, add_configuration, add_state, configuration

NAME = "cloud"
LISTEN = "127.0.0.1:8774"
CONFIGURATION = "configuration.json"
MARKS = (CONFIGURATION, "secrets.json", "stratolith.db")
"""Files by which a cloud's folder is known."""


class Up(Command):
    """Start a whole cloud in one process: every service on one port, with one path each.

    State lives in a folder; started again on the same folder it is the same cloud.
    """

    help = "start a whole cloud"
    takes_options = True

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        add_state(parser)
        add_configuration(parser)
        parser.add_argument("--listen", default=LISTEN, metavar="HOST:PORT",
                            help=f"where to answer (default: {LISTEN})")
        add_drivers(parser)
        parser.add_argument("--detach", action="store_true", help="return when the cloud is up and leave it running")
        parser.add_argument("--ephemeral", action="store_true",
                            help="a cloud for tests: state in a new temporary folder, faults on demand by header")

    def run(self, arguments: argparse.Namespace) -> int:
        """Start it, say so in one line, and stay unless detached."""
        begun = System().monotonic()
        found = configuration(arguments)
        choose_drivers(found, arguments)
        found.suggest("hypervisors.simulated", "latency", "brief")
        state = Path(tempfile.mkdtemp(prefix="stratolith-")) if arguments.ephemeral else arguments.state.resolve()
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        _refuse_second(state)
        _remember(state, found)
        pid, ready = _launch(found, arguments, state, begun)
        if ready is None:
            print(_last_words(state), file=sys.stderr)
            raise CloudError(f"the cloud did not start; its log is {state / (NAME + '.log')}")
        print(_welcome(ready, state, arguments.hypervisor or "simulated"), flush=True)
        return 0 if arguments.detach else _stay(pid)


def add_drivers(parser: argparse.ArgumentParser) -> None:
    """The arguments that name a host's drivers."""
    parser.add_argument("--hypervisor", metavar="NAME", help="hypervisor driver (default: simulated)")
    parser.add_argument("--network", metavar="NAME", help="network driver (default: simulated)")


def choose_drivers(found: Configuration, arguments: argparse.Namespace) -> None:
    """Let the arguments of :func:`add_drivers` win over the configuration."""
    for section, key, value in (("compute", "hypervisor", arguments.hypervisor),
                                ("network", "driver", arguments.network)):
        if value:
            found.set(section, key, value)


def _remember(state: Path, found: Configuration) -> None:
    """Keep the configuration of this start, which whoever ends the cloud for good needs to know."""
    fresh = state / f"{CONFIGURATION}.new"
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(found.given()))
    fresh.replace(state / CONFIGURATION)


def remembered(state: Path) -> Configuration:
    """The configuration of the last start, or this process's when that was not kept."""
    kept = state / CONFIGURATION
    return Configuration.again(json.loads(kept.read_text())) if kept.exists() else Configuration.read()


def _launch(found: Configuration, arguments: argparse.Namespace, state: Path, begun: float) -> tuple[int, Any]:
    from ..process.server import Launch, lead_session
    host, port = parse_address(arguments.listen)
    launch = Launch(configuration=found, host=host, port=port, state_dir=state, run_dir=state / "run",
                    services=None, agents=None, ephemeral=arguments.ephemeral, bootstrap=True, migrate=True,
                    begun=begun)
    pid, ready = lead_session(launch, NAME)
    return pid, ready


def parse_address(text: str) -> tuple[str, int]:
    """``HOST:PORT`` as two; the host may be an IPv6 address in brackets. :raises BadConfiguration: it is none."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or not 0 < int(port) < 65536:
        raise BadConfiguration(f"{text!r} is no HOST:PORT")
    return host.strip("[]") or "127.0.0.1", int(port)


def _refuse_second(state: Path) -> None:
    from ..process.server import running
    pid = running(state / "run", NAME)
    if pid:
        raise CloudError(f"a cloud runs on {state} already (pid {pid}); stop it with: stratolith down --state {state}")


def _last_words(state: Path) -> str:
    log = state / f"{NAME}.log"
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""


def _welcome(ready: dict[str, Any], state: Path, hypervisor: str) -> str:
    shown = Path(os.path.relpath(state)) if state.is_relative_to(Path.cwd()) else state
    return (f"Cloud ready in {ready['seconds']:.2f} s at {ready['base']}, state in {shown}\n"
            f"Type next:\n"
            f"  export OS_CLIENT_CONFIG_FILE={shown / 'clouds.yaml'} OS_CLOUD=stratolith\n"
            f"  stratolith image build-demo --for {hypervisor} demo.qcow2\n"
            f"  openstack image create --disk-format qcow2 --container-format bare --file demo.qcow2 demo\n"
            f"  openstack server create --flavor m1.micro --image demo --network private --wait first\n"
            f"  stratolith down --state {shown}")


def _stay(pid: int) -> int:
    """Wait for the cloud; pass on the signals that ask it to stop."""
    def forward(number: int, frame: object) -> None:
        os.kill(pid, signal.SIGTERM)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, forward)
    while True:
        try:
            _, status = os.waitpid(pid, 0)
            return os.waitstatus_to_exitcode(status)
        except InterruptedError:
            continue


class Down(Command):
    """Stop the cloud of a folder: requests and steps under way end, the rest goes on at the next start."""

    help = "stop a cloud"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        add_state(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Stop it; a cloud that does not run is no error."""
        from ..process.server import end, running
        pid = running(arguments.state / "run", NAME)
        if not pid:
            print(f"No cloud runs on {arguments.state}.")
            return 0
        if not end(pid, System()):
            raise CloudError(f"process {pid} does not end")
        print("Cloud stopped.")
        return 0


class Status(Command):
    """Say whether the cloud of a folder runs, and which services and agents are in it."""

    help = "say whether a cloud runs"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        add_state(parser)

    def run(self, arguments: argparse.Namespace) -> int:
        """Exit status 0 when it runs and is ready, 3 when it does not (as systemctl)."""
        from ..process.server import running
        pid = running(arguments.state / "run", NAME)
        if not pid:
            print(f"No cloud runs on {arguments.state}.")
            return 3
        base, health = _health(arguments.state)
        print(f"Cloud {'ready' if health.get('ready') else 'starting'} at {base} (pid {pid})")
        for word in ("services", "agents"):
            print(f"  {word}: {', '.join(health.get(word, [])) or 'none'}")
        return 0 if health.get("ready") else 3


def _health(state: Path) -> tuple[str, dict[str, Any]]:
    import urllib.error
    import urllib.request

    import yaml
    try:
        clouds = yaml.safe_load((state / "clouds.yaml").read_text())
        base = clouds["clouds"]["stratolith"]["auth"]["auth_url"].removesuffix("/identity/v3")
        with urllib.request.urlopen(f"{base}/healthcheck", timeout=5) as answer:
            return base, dict(json.load(answer))
    except (OSError, urllib.error.URLError, KeyError, ValueError):
        return "an unknown address", {}
