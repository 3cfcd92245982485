"""``stratolith openapi``: the OpenAPI document of a service."""

from __future__ import annotations

import argparse
import sys

from ..errors import BadConfiguration
from .command import Command


class OpenApi(Command):
    """Print the OpenAPI 3.1 document of a service as JSON, made from the table that makes its routes.

    Without a service: the names of those that have one.
    """

    help = "print the OpenAPI document of a service"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("service", nargs="?", default="", help="identity, image, compute, ...")

    def run(self, arguments: argparse.Namespace) -> int:
        """Print it."""
        from ..process.slice import SERVICES
        faces = {name: one.face for name in SERVICES.names() if (one := SERVICES.load(name)).face is not None}
        if not arguments.service:
            print("\n".join(faces))
            return 0
        face = faces.get(arguments.service)
        if face is None:
            raise BadConfiguration(f"no service {arguments.service!r} has an API here; there are {', '.join(faces)}")
        import json

        from ... import __version__
        from ..http.openapi import document
        json.dump(document(face, __version__), sys.stdout, indent=1, default=dict)
        print()
        return 0
