"""``stratolith image``: make the demo image."""

from __future__ import annotations

import argparse
from pathlib import Path

from ...core.cli.command import Command

SIMULATED = "simulated"


class ImageCommand(Command):
    """Make the image that first servers boot from.

    build-demo: for real guests a small Linux with DHCP, metadata, user-data and ssh, made without
    root from packages of this Debian or Ubuntu; for simulated guests, which run nothing, an empty disk.
    """

    help = "make the demo image"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("action", choices=("build-demo",))
        parser.add_argument("--for", dest="hypervisor", default="libvirt", metavar="HYPERVISOR",
                            help="hypervisor driver that will boot it (default: libvirt)")
        parser.add_argument("target", type=Path, help="the qcow2 file to write")

    def run(self, arguments: argparse.Namespace) -> int:
        """Write it. :raises CloudError: a tool is missing; the message names the packages to install."""
        if arguments.hypervisor == SIMULATED:
            from .demo.placeholder import DISK_BYTES, write
            write(arguments.target)
            print(f"{arguments.target} is an empty disk of {DISK_BYTES >> 20} MiB: simulated guests run no system. "
                  f"One that boots: stratolith image build-demo --for libvirt FILE", flush=True)
            return 0
        from .demo.build import build
        build(arguments.target, lambda line: print(f"  {line}", flush=True))
        return 0
