"""The package list, the wheel's promises and the house's rules, compared with the tree."""

import ast
import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = ("core", "plugins", "hypervisors", "storage", "network", "auth")
CLOCKS = re.compile(r"\b(time\.(time|sleep|monotonic)|uuid\.?uuid[14]|random\.(random|choice|randint)|"
                    r"datetime\.(now|utcnow)|threading\.Thread)\(")


def sources():
    for top in TOP:
        for path in sorted((ROOT / top).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def setup():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def test_every_package_is_listed():
    listed = {line for line in setup()["options"]["packages"].split() if line}
    found = {"stratolith"} | {".".join(("stratolith", *path.parent.relative_to(ROOT).parts))
                              for top in TOP for path in (ROOT / top).rglob("__init__.py")}
    assert listed == found


def test_every_folder_with_modules_is_a_package():
    missing = {str(path.parent.relative_to(ROOT)) for path in sources() if not (path.parent / "__init__.py").exists()}
    assert missing == set()


def test_the_root_holds_one_module():
    assert [path.name for path in ROOT.glob("*.py")] == ["__init__.py"]


def test_every_package_says_what_lives_there():
    for top in TOP:
        for path in (ROOT / top).rglob("__init__.py"):
            sentence = ast.get_docstring(ast.parse(path.read_text())) or ""
            assert sentence.endswith(".") and len(sentence) > 15, path


def test_every_entry_point_names_something():
    import importlib.metadata
    points = [point for point in importlib.metadata.distribution("stratolith").entry_points
              if point.group.startswith("stratolith.")]
    assert len(points) > 20
    for point in points:
        if not point.extras:
            assert point.load() is not None


@pytest.mark.parametrize("path", list(sources()), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_keeps_the_rules(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert text.count("\n") <= 600, "a module has at most 600 lines"
    assert ast.get_docstring(tree), "a module says what it is"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 60, f"{node.name} is too long"
        if isinstance(node, ast.ExceptHandler):
            assert not (len(node.body) == 1 and isinstance(node.body[0], ast.Pass)), "an error is swallowed"
        if isinstance(node, ast.ImportFrom) and not node.level:
            assert not (node.module or "").startswith(("core", "plugins", "stratolith")), "imports are relative"
    if path.name not in ("clock.py", "executor.py") and "conformance" not in path.parts:
        assert not CLOCKS.search(text), "time, chance and threads are given, not taken"
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text), "unfinished"


def test_migrations_are_shipped():
    data = setup()["options.package_data"]
    for folder in {path.parent for top in TOP for path in (ROOT / top).rglob("migrations/*.py")}:
        package = ".".join(("stratolith", *folder.parent.relative_to(ROOT).parts))
        assert package in data and "migrations/*.py" in data[package], package
