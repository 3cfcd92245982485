"""Controllers of hosts as machines have them: ipmi_sim over a process, virtualbmc and sushy-emulator over a domain."""

import contextlib
import datetime
import ipaddress
import os
import signal
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import bcrypt
import libvirt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .backing import free_port, until

BIN = Path(sys.executable).parent
USER, PASSWORD = "operator", "pass;$1'word"
SWITCH = """#!/bin/sh
# What ipmi_sim asks of its chassis: {folder}/pid is the machine's process, while its power is on.
on() {{ [ -f {folder}/pid ] && grep -q '^State:.[^ZX]' "/proc/$(cat {folder}/pid)/status" 2>/dev/null; }}
verb=$2; shift 2
case $verb in
get) for what; do case $what in power) on && echo power:1 || echo power:0;; esac; done;;
set) while [ $# -gt 1 ]; do case $1=$2 in
    power=1) on || {{ sleep 1000 </dev/null >/dev/null 2>&1 & echo $! > {folder}/pid; }};;
    power=0) on && kill -9 "$(cat {folder}/pid)"; rm -f {folder}/pid;;
    esac; shift 2; done;;
esac
exit 0
"""
LAN = """name "bmc"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {port}
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa123456789abcdef
  endlan
  chassis_control "{folder}/switch 0x20"
  user 1 true "" "test" user 10 none md2 md5 straight
  user 2 true "{user}" "{password}" admin 10 none md2 md5 straight
"""
EMULATION = """mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
mc_enable 0x20
"""
DOMAIN = """<domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>32</memory>
<os><type arch='x86_64'>hvm</type></os><devices><controller type='usb' model='none'/><memballoon model='none'/>
</devices></domain>"""


@contextlib.contextmanager
def process(words, log, **more):
    """A process that is ended at the end, with all it began."""
    with open(log, "wb") as output:
        running = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True,
                                   **more)
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        running.stdin.close()


class SimulatedChassis:
    """A machine that is a process, behind ``ipmi_sim``, the simulator of OpenIPMI."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_udp_port()
        self.options = {"controllers": f"conformance=127.0.0.1:{self.port}", "user": USER, "password": PASSWORD,
                        "cipher": "3"}

    @contextlib.contextmanager
    def running(self):
        """Start it."""
        switch = self.folder / "switch"
        switch.write_text(SWITCH.format(folder=self.folder))
        switch.chmod(0o755)
        (self.folder / "lan").write_text(LAN.format(port=self.port, folder=self.folder, user=USER, password=PASSWORD))
        (self.folder / "emulation").write_text(EMULATION)
        words = ["ipmi_sim", "-c", str(self.folder / "lan"), "-f", str(self.folder / "emulation"), "-s",
                 str(self.folder), "-n"]
        with process(words, self.folder / "log") as running:
            until(lambda: b"Error" not in (self.folder / "log").read_bytes() and running.poll() is None, "ipmi_sim")
            yield self
        subprocess.run([switch, "0x20", "set", "power", "0"], check=False)

    def runs(self):
        """Whether the machine's process lives."""
        file = self.folder / "pid"
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{file.read_text().strip()}/status").read_text()
            return not any(f"State:\t{ended}" in status for ended in "ZX")
        return False


class Machine:
    """A domain of a libvirt daemon that stands for a host."""

    def __init__(self, uri):
        self.handle = libvirt.open(uri)
        self.uri, self.id = uri, str(uuid.uuid4())
        self.name = f"machine-{self.id[:8]}"
        self.domain = self.handle.defineXML(DOMAIN.format(name=self.name, uuid=self.id))

    def runs(self):
        """Whether the domain runs."""
        return bool(self.domain.isActive())

    def end(self):
        """Remove it."""
        if self.runs():
            self.domain.destroy()
        self.domain.undefine()
        self.handle.close()


@contextlib.contextmanager
def virtual_bmc(machine, folder):
    """virtualbmc before a machine; gives the options of the fence."""
    port, control = free_udp_port(), free_port()
    (folder / "config").mkdir()
    (folder / "virtualbmc.conf").write_text(
        f"[default]\nconfig_dir = {folder}/config\npid_file = {folder}/pid\nserver_port = {control}\n")
    environment = {**os.environ, "VIRTUALBMC_CONFIG": str(folder / "virtualbmc.conf"), "HOME": str(folder)}
    client = [BIN / "vbmc", "--no-daemon"]
    with process([BIN / "vbmcd", "--foreground"], folder / "log", env=environment):
        def ask(*words):
            return subprocess.run([*client, *words], env=environment, check=True, capture_output=True)
        until(lambda: ask("list"), "vbmcd")
        ask("add", machine.name, "--username", USER, "--password", PASSWORD, "--port", str(port), "--address",
            "127.0.0.1", "--libvirt-uri", machine.uri)
        ask("start", machine.name)
        probe = ["ipmitool", "-I", "lanplus", "-H", "127.0.0.1", "-p", str(port), "-C", "3", "-U", USER, "-E",
                 "chassis", "power", "status"]
        until(lambda: subprocess.run(probe, env={**environment, "IPMI_PASSWORD": PASSWORD}, check=True,
                                     capture_output=True), "virtualbmc")
        yield {"controllers": f"conformance=127.0.0.1:{port}", "user": USER, "password": PASSWORD, "cipher": "3"}


@contextlib.contextmanager
def emulator(machine, folder):
    """sushy-emulator before a machine, with TLS and a password; gives the options of the fence."""
    port = free_port()
    certify(folder)
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (folder / "passwords").write_text(f"{USER}:{hashed}\n")
    (folder / "emulator.conf").write_text(f"SUSHY_EMULATOR_AUTH_FILE = {str(folder / 'passwords')!r}\n"
                                          f"SUSHY_EMULATOR_STATE_DIR = {str(folder)!r}\n")
    words = [BIN / "sushy-emulator", "--config", folder / "emulator.conf", "-i", "127.0.0.1", "-p", str(port),
             "--libvirt-uri", machine.uri, "--ssl-certificate", folder / "certificate", "--ssl-key", folder / "key"]
    with process(words, folder / "log"):
        def answers():
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return True
        until(answers, "sushy-emulator")
        yield {"systems": f"conformance=https://127.0.0.1:{port}/redfish/v1/Systems/{machine.id}", "user": USER,
               "password": PASSWORD, "ca_file": str(folder / "certificate")}


def certify(folder):
    """A certificate of 127.0.0.1 that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "controller")])
    now = datetime.datetime.now(datetime.UTC)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, hashes.SHA256()))
    (folder / "certificate").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def free_udp_port():
    """A UDP port that was free a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
