"""osc-placement's functional tests against a placement of one's choice, which they empty before each test.

`python tests/suites/placement_commands.py URL TOKEN [words of unittest]`, in an environment with osc-placement,
openstack-placement, python-openstackclient and oslotest. The tests bring a placement of their own along, in the same
process; what they ask that fixture for, its address and a token, is that of ``URL`` here.
"""

from __future__ import annotations

import json
import sys
import unittest
import urllib.request
from typing import Any

VERSION = "placement 1.39"


class Emptied:
    """The placement at an address, asked with an administrator's token."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url.rstrip("/"), token

    def ask(self, method: str, path: str) -> Any:
        """What it answers, as JSON where it is some."""
        headers = {"X-Auth-Token": self.token, "OpenStack-API-Version": VERSION, "Accept": "application/json"}
        wanted = urllib.request.Request(self.url + path, method=method, headers=headers)
        with urllib.request.urlopen(wanted, timeout=60) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def empty(self) -> None:
        """Remove all claims, providers from the leaves up, and names of its users' own."""
        providers = self.ask("GET", "/resource_providers")["resource_providers"]
        for one in providers:
            for consumer in self.ask("GET", f"/resource_providers/{one['uuid']}/allocations")["allocations"]:
                self.ask("DELETE", f"/allocations/{consumer}")
        parents = {one["uuid"]: one["parent_provider_uuid"] for one in providers}
        while parents:
            for leaf in sorted(parents.keys() - set(parents.values())):
                self.ask("DELETE", f"/resource_providers/{leaf}")
                del parents[leaf]
        for trait in self.ask("GET", "/traits?name=startswith:CUSTOM_")["traits"]:
            self.ask("DELETE", f"/traits/{trait}")
        for kind in self.ask("GET", "/resource_classes")["resource_classes"]:
            if kind["name"].startswith("CUSTOM_"):
                self.ask("DELETE", f"/resource_classes/{kind['name']}")


def lead(target: Emptied) -> None:
    """Let the tests' fixture be the placement at an address."""
    import fixtures
    from placement.tests.functional.fixtures import placement

    class Elsewhere(fixtures.Fixture):  # type: ignore[misc]
        """What the tests ask their placement for."""

        endpoint, token = target.url, target.token

        def _setUp(self) -> None:
            target.empty()
    placement.PlacementFixture = Elsewhere


if __name__ == "__main__":
    lead(Emptied(sys.argv[1], sys.argv[2]))
    from osc_placement.tests import functional
    unittest.main(module=None, argv=["osc_placement", "discover", "-s", functional.__path__[0], "-t",
                                     functional.__path__[0].partition("/osc_placement/")[0], *sys.argv[3:]])
