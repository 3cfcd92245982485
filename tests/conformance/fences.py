"""Fences for the shipped suite on a clock that moves when told: seconds of leases pass in no time."""

import logging

import pytest
from stratolith.core.clock import Virtual
from stratolith.core.config import Configuration
from stratolith.core.conformance.runner import suite
from stratolith.core.drivers.base import Surroundings, make


def on_virtual_time(subject, section, **options):
    """The suite as a test class for the driver class ``subject``; ``folder=True`` gives it a folder."""

    @pytest.fixture(scope="class")
    @classmethod
    def driver(cls, tmp_path_factory):
        folder = tmp_path_factory.mktemp("fence")
        given = {name: str(folder) if name == "folder" else str(value) for name, value in options.items()}
        surroundings = Surroundings(Virtual(), logging.getLogger("test"), folder / "state", folder / "run")
        made = make(subject, section, Configuration({section: given}, {}), surroundings)
        made.open()
        yield made
        made.close()

    return type(f"Test{subject.__name__}", (suite("fence"),), {"driver": driver})
