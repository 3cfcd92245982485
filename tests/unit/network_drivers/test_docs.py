"""The page of the network drivers names all there is."""

import dataclasses
import inspect
from pathlib import Path

import pytest
from stratolith.core.drivers.network import Network, NetworkFacts
from stratolith.network.bridge.driver import Bridge
from stratolith.network.simulated.driver import Simulated

TEXT = (Path(__file__).parents[3] / "docs" / "drivers" / "network.md").read_text()


@pytest.mark.parametrize("verb", sorted(Network.__abstractmethods__))
def test_page_names_every_verb(verb: str) -> None:
    parameters = list(inspect.signature(getattr(Network, verb)).parameters)[1:]
    assert f"`{verb}({', '.join(parameters)})`" in TEXT


@pytest.mark.parametrize("fact", [field.name for field in dataclasses.fields(NetworkFacts)])
def test_page_names_every_fact(fact: str) -> None:
    assert f"`{fact}`" in TEXT


@pytest.mark.parametrize("kind", [Bridge, Simulated])
def test_page_names_every_option(kind: type[Network]) -> None:
    for option in kind.Options.__dataclass_fields__:
        assert f"`{option}`" in TEXT
