"""Tempest against a cloud with guests that answer ssh: the cloud, the guests and Tempest share one network namespace.

As a program it runs in that namespace: `tempest_cloud.py FOLDER LIBVIRT-URI PREFIX LIST WORKERS`.
"""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stratolith.core.errors import BackendFailed

VERSION = "47.0.0"
WORDS = 4000
"""So much of what Tempest says after a failure is shown."""
RESULT = re.compile(r"^\{\d+\} (\S+?)(?:\[\S*)? .*?\.\.\. (ok|FAILED|SKIPPED)(.*)$", re.MULTILINE)
FEATURES = ("resize", "cold_migration", "live_migration", "block_migration_for_live_migration", "shelve_migrate",
            "can_migrate_between_any_hosts", "live_migrate_back_and_forth", "volume_backed_live_migration", "pause",
            "suspend", "shelve", "rescue", "stable_rescue", "snapshot", "interface_attach", "config_drive",
            "console_output", "metadata_service", "vnc_console", "volume_multiattach", "attach_encrypted_volume",
            "hostname_fqdn_sanitization")
"""What the runner claims of compute when it is told to claim every feature."""


def program() -> str:
    """The command ``tempest``: of the folder that ``$TEMPEST_BIN`` names, else of an environment kept in the cache.

    :raises BackendFailed: pip could not install it.
    """
    if os.environ.get("TEMPEST_BIN"):
        return str(Path(os.environ["TEMPEST_BIN"]) / "tempest")
    home = Path("~/.cache/stratolith").expanduser() / f"tempest-{VERSION}"
    if not (home / "ready").exists():
        venv.create(home, clear=True, with_pip=True)
        done = subprocess.run([home / "bin" / "pip", "install", "-q", "--disable-pip-version-check",
                               f"tempest=={VERSION}"], capture_output=True, text=True, check=False)
        if done.returncode:
            raise BackendFailed(f"Tempest could not be installed: {done.stderr}")
        (home / "ready").touch()
    return str(home / "bin" / "tempest")


def listed(file: Path) -> list[str]:
    """The ids in a list; ``#`` begins a comment."""
    lines = (line.partition("#")[0].strip() for line in file.read_text().splitlines())
    return [line for line in lines if line]


def run_inside(space: str, folder: Path, uri: str, prefix: str, ids: Sequence[str], workers: int) -> dict[str, str]:
    """Run the tests in a network namespace, with a cloud of their own; give what each came to: ok, or why not."""
    folder.mkdir()
    (folder / "list").write_text("".join(f"^{re.escape(name)}(\\[|$)\n" for name in ids))
    words = [sys.executable, "-m", "tests.live.tempest_cloud", str(folder), uri, prefix, str(workers)]
    with (folder / "log").open("wb") as log:
        subprocess.run(["nsenter", f"--net=/run/netns/{space}", *words], stdin=subprocess.DEVNULL, stdout=log,
                       stderr=log, check=False, cwd=Path(__file__).parents[2])
    said = (folder / "log").read_text(errors="replace")
    found = {match[1]: "ok" if match[2] == "ok" else f"{match[2]}{match[3]}{said[match.end():match.end() + WORDS]}"
             for match in RESULT.finditer(said)}
    missing = f"never reported; see {folder}/log: {said[-3000:]}"
    return {name: found.get(name, missing) for name in ids}


def settings(cloud: Any, images: Sequence[str], folder: Path) -> configparser.RawConfigParser:
    """The configuration of Tempest for a cloud: every feature is claimed, guests are looked into over ssh."""
    import yaml
    admin = yaml.safe_load((cloud.state / "clouds.yaml").read_text())["clouds"]["stratolith-admin"]["auth"]
    public = cloud.call("GET", "network", "/networks?name=public")["networks"][0]["id"]
    made = configparser.RawConfigParser()
    made.read_dict({
        "DEFAULT": {"log_file": str(folder / "tempest.log")},
        "oslo_concurrency": {"lock_path": str(folder / "lock")},
        "auth": {"use_dynamic_credentials": True, "create_isolated_networks": True, "tempest_roles": "member",
                 "admin_username": admin["username"], "admin_password": admin["password"],
                 "admin_project_name": admin["project_name"],
                 **{f"admin_{part}domain_name": "Default" for part in ("", "user_", "project_")}},
        "identity": {"uri_v3": f"{cloud.base}/identity/v3", "uri": f"{cloud.base}/identity", "auth_version": "v3",
                     "region": "RegionOne", "v3_endpoint_type": "public", "admin_role": "admin"},
        "service_available": {"nova": True, "neutron": True, "glance": True, "cinder": True, "swift": False,
                              "horizon": False},
        "compute": {"image_ref": images[0], "image_ref_alt": images[1], "region": "RegionOne",
                    "flavor_ref": cloud.flavor("m1.nano"), "flavor_ref_alt": cloud.flavor("m1.micro"),
                    "min_microversion": "2.1", "max_microversion": "2.96", "min_compute_nodes": 2,
                    "build_interval": 1, "build_timeout": 300},
        "compute-feature-enabled": {**dict.fromkeys(FEATURES, True), "change_password": False, "personality": False,
                                    "spice_console": False, "serial_console": False, "swap_volume": False,
                                    "scheduler_enabled_filters": "all",
                                    "nova_policy_roles": "admin,manager,member,reader,service"},
        "network": {"public_network_id": public, "floating_network_name": "public",
                    "project_networks_reachable": False},
        "network-feature-enabled": {"api_extensions": "all", "floating_ips": True, "port_security": True},
        "volume": {"catalog_type": "block-storage", "min_microversion": "3.0", "max_microversion": "3.71",
                   "build_interval": 1, "build_timeout": 300, "volume_type_multiattach": "multiattach"},
        "volume-feature-enabled": {"api_extensions": "all", "backup": True, "snapshot": True, "clone": True,
                                   "extend_attached_volume": True, "manage_volume": True, "manage_snapshot": True},
        "validation": {"run_validation": True, "image_ssh_user": "root", "image_alt_ssh_user": "root",
                       "connect_method": "floating", "auth_method": "keypair", "ip_version_for_ssh": 4,
                       "network_for_ssh": "public"},
        "enforce_scope": dict.fromkeys(("keystone", "nova", "glance", "neutron", "cinder", "placement"), True)})
    return made


def public_image(cloud: Any, name: str) -> str:
    """The id of a new image of the demo guest that everybody sees."""
    from . import demo_image
    image = str(json_of(cloud, "POST", "image", "/images", {
        "name": name, "disk_format": "qcow2", "container_format": "bare", "visibility": "public"})["id"])
    json_of(cloud, "PUT", "image", f"/images/{image}/file", demo_image.path().read_bytes())
    return image


def main(folder: Path, uri: str, prefix: str, workers: str) -> int:
    """Start the cloud, run the list, stop the cloud; what Tempest says goes to standard output."""
    from .cloud_process import running
    flags = ("--hypervisor", "libvirt", "--network", "bridge", "--volume-backends", "file", "--volumes-file-export",
             "nbd", "--volumes-file-nbd-address", "127.0.0.1", "--hypervisors-libvirt-uri", uri,
             "--hypervisors-libvirt-translation-cache-mib", "32", "--networks-bridge-prefix", prefix,
             "--compute-shutdown-timeout-s", "20", "--compute-quota-instances", "50", "--compute-quota-cores", "50")
    with running(folder / "state", *flags) as cloud:
        images = [public_image(cloud, name) for name in ("demo", "demo2")]
        json_of(cloud, "POST", "volume", "/types", {"volume_type": {
            "name": "multiattach", "extra_specs": {"multiattach": "<is> True"}}})
        with (folder / "tempest.conf").open("w") as file:
            settings(cloud, images, folder).write(file)
        words = [program(), "run", "--config-file", "tempest.conf", "--include-list", "list", "--concurrency", workers]
        return subprocess.run(words, cwd=folder, stdin=subprocess.DEVNULL, check=False).returncode


def json_of(cloud: Any, *asked: Any) -> Any:
    """What an administrator is answered."""
    return cloud.call(*asked, as_="stratolith-admin")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
