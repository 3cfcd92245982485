"""The pages of the drivers name all there is, and their example works."""

import inspect
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stratolith.core.clock import System
from stratolith.core.conformance.image_store import ImageStoreSuite
from stratolith.core.drivers import image_store, volume
from stratolith.core.drivers.base import Driver, Surroundings
from stratolith.storage.images.file.driver import File as ImageFile
from stratolith.storage.volumes.file.driver import File
from stratolith.storage.volumes.simulated.driver import Simulated

DOCS = Path(__file__).parents[3] / "docs" / "drivers"


def page(name: str) -> str:
    """The text of a page."""
    return (DOCS / name).read_text()


@pytest.mark.parametrize(("name", "module"), [("volume.md", volume), ("image-store.md", image_store)])
def test_page_names_every_verb_and_facet(name: str, module: object) -> None:
    text = page(name)
    for kind in (kind for _, kind in inspect.getmembers(module, inspect.isclass) if kind.__module__ == module.__name__):
        for verb in getattr(kind, "__abstractmethods__", ()):
            signature = inspect.signature(getattr(kind, verb))
            assert f"`{verb}({', '.join(list(signature.parameters)[1:])})`" in text
        if getattr(kind, "__abstractmethods__", ()) and not issubclass(kind, Driver):
            assert f"`{kind.__name__}`" in text


@pytest.mark.parametrize(("name", "kind"), [("volume.md", File), ("volume.md", Simulated),
                                            ("image-store.md", ImageFile)])
def test_page_names_every_option(name: str, kind: type[Driver]) -> None:
    text = page(name)
    for option in kind.Options.__dataclass_fields__:
        assert f"`{option}`" in text


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[image_store.ImageStore]:
    """The store of the page's example."""
    (code,) = re.findall(r"```python\n(.*?)```", page("image-store.md"), re.DOTALL)
    names: dict[str, Any] = {"__name__": "shelf"}
    exec(compile(code, "image-store.md", "exec"), names)
    folder = tmp_path_factory.mktemp("shelf")
    kind = names["Shelf"]
    store = kind(kind.Options(), Surroundings(System(), logging.getLogger("shelf"), folder / "s", folder / "r"))
    store.open()
    yield store
    store.close()


class TestExampleOfThePage(ImageStoreSuite):
    """The example in the page of image stores passes the suite."""
