"""The documentation names what there is, its links lead somewhere, its commands exist and its examples work."""

import argparse
import importlib
import inspect
import re
from pathlib import Path

import pytest
from stratolith.core.cli.command import COMMANDS
from stratolith.core.cli.groups import sections
from stratolith.core.cli.main import build
from stratolith.core.config import keys
from stratolith.core.conformance.runner import KINDS, Kind, applied_to, prove, registry
from stratolith.core.drivers.base import Driver
from stratolith.core.errors import NoSuchDriver

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "drivers" / "README.md"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
COMMANDED = [ROOT / "README.md", ROOT / "docs" / "README.md", ROOT / "docs" / "testing-clients.md", GUIDE]
COMMAND = r"(?:^|(?<!install)[\s;&]|/)stratolith ([a-z]+)([^\n;&]*)"
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


def rows() -> dict[str, list[str]]:
    """The guide's table: the cells of each kind's row."""
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in GUIDE.read_text().splitlines()
             if line.startswith("| ")]
    return {cells[0]: cells[1:] for cells in table if cells[0] in KINDS}


def page(kind: str) -> str:
    """The text of a kind's page."""
    (name,) = re.findall(r"\]\(([\w-]+\.md)\)", rows()[kind][0])
    return (GUIDE.parent / name).read_text()


def interfaces(kind: Kind) -> list[type]:
    """The interface of a kind and its facets."""
    module = importlib.import_module("stratolith.core.drivers." + kind.interface.partition(":")[0])
    return [one for _, one in inspect.getmembers(module, inspect.isclass)
            if one.__module__ == module.__name__ and inspect.isabstract(one)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_guide_has_each_kind(kind: str) -> None:
    _, interface, group, chosen = rows()[kind]
    module, _, name = KINDS[kind].interface.partition(":")
    assert interface == f"`stratolith.core.drivers.{module}.{name}`"
    assert group == f"`stratolith.{KINDS[kind].group}`"
    section, key = re.fullmatch(r"`\[(\w+)\] (\w+)`", chosen).groups()  # type: ignore[union-attr]
    assert key in sections()[section].__dataclass_fields__


@pytest.mark.parametrize("kind", KINDS)
def test_pages_name_verbs_and_facets(kind: str) -> None:
    text = page(kind)
    for interface in interfaces(KINDS[kind]):
        for verb in interface.__abstractmethods__:  # type: ignore[attr-defined]
            assert re.search(rf"`{verb}\b", text), f"{kind}: verb {verb}"
        if not issubclass(interface, Driver):
            assert f"`{interface.__name__}`" in text, f"{kind}: facet {interface.__name__}"


@pytest.mark.parametrize("kind", KINDS)
def test_pages_name_options(kind: str) -> None:
    """Those of the drivers in this package that can be loaded here: each has its own unit test besides."""
    text, found = page(kind), 0
    drivers = registry(kind)
    for point in drivers.points():
        if point.dist is None or point.dist.name != "stratolith":
            continue
        try:
            options = drivers.load(point.name).Options
        except NoSuchDriver:
            assert point.extras
            continue
        found += 1
        for name in options.__dataclass_fields__:
            assert f"`{name}`" in text, f"{kind} {point.name}: option {name}"
    assert found


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
def test_links_lead_somewhere(file: Path) -> None:
    text = file.read_text()
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert (file.parent / target).exists(), target
    for target in re.findall(r"\b(?:docs|etc|tests|benchmarks|core|plugins)/[a-z0-9_/-]+\.(?:md|py|sample)\b", text):
        assert (ROOT / target).exists(), target


def spans(file: Path) -> str:
    """What is code in a page."""
    text = re.sub(r"\\\n\s*", " ", file.read_text())
    return "\n".join(re.findall(r"```\w*\n(.*?)```", text, re.DOTALL) + re.findall(r"`([^`\n]+)`", text))


@pytest.mark.parametrize("file", COMMANDED, ids=lambda file: str(file.relative_to(ROOT)))
def test_commands_exist(file: Path) -> None:
    code = spans(file)
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z]+)", code)) <= targets
    parser, _ = build(COMMANDS.names())
    commands = next(one for one in parser._actions if isinstance(one, argparse._SubParsersAction)).choices
    options = {key.flag for name, one in sections().items() for key in keys(name, one)}
    for name, rest in re.findall(COMMAND, code):
        assert name in commands, name
        known = {flag for action in commands[name]._actions for flag in action.option_strings} | options
        assert set(re.findall(r"\s(--[a-z][\w-]*)", rest)) <= known, f"stratolith {name}{rest}"


@pytest.mark.parametrize(("file", "kind", "at_least"), [
    ("README.md", "filter", 10), ("docs/drivers/README.md", "filter", 10), ("docs/drivers/filter.md", "filter", 10),
    ("docs/drivers/filter.md", "weigher", 8), ("docs/drivers/bus.md", "bus", 16)])
def test_examples_pass_the_suite(file: str, kind: str, at_least: int) -> None:
    """The example of the page is complete, and the shipped suite finds nothing wrong with it."""
    interface = registry(kind).kind
    names: dict[str, object] = {"__name__": "example"}
    for code in PYTHON.findall((ROOT / file).read_text()):
        if "class " in code:
            exec(compile(code, file, "exec"), names)
    (example,) = [one for one in names.values() if inspect.isclass(one) and issubclass(one, interface)
                  and one.__module__ == "example"]
    count, status = prove(applied_to(kind, example, f"{KINDS[kind].group}.example"), ["-p", "no:xdist"])
    assert (status, count.failed) == (0, [])
    assert count.passed >= at_least
