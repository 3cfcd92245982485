"""The page of hypervisor drivers names all there is, and its example passes the suite."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from stratolith.core.conformance.hypervisor import HypervisorSuite
from stratolith.core.drivers import hypervisor
from stratolith.core.drivers.base import Driver
from stratolith.hypervisors.libvirt.options import LibvirtOptions
from stratolith.hypervisors.simulated.driver import SimulatedOptions

PAGE = (Path(__file__).parents[3] / "docs" / "drivers" / "hypervisor.md").read_text()
PROVE = """
from stratolith.core.conformance.runner import applied_to, prove
count, status = prove(applied_to("hypervisor", Dozing, "hypervisor.dozing"), ["-p", "no:randomly"])
print(count.summary())
raise SystemExit(bool(count.failed) or status)
"""


def interfaces() -> list[type]:
    """The interface and its facets."""
    members = inspect.getmembers(hypervisor, inspect.isclass)
    return [kind for _, kind in members
            if kind.__module__ == hypervisor.__name__ and getattr(kind, "__abstractmethods__", ())]


def test_page_names_every_verb_and_facet() -> None:
    assert len(interfaces()) > 8
    for kind in interfaces():
        for verb in kind.__abstractmethods__:  # type: ignore[attr-defined]
            signature = inspect.signature(getattr(kind, verb))
            assert f"`{verb}({', '.join(list(signature.parameters)[1:])})`" in PAGE
        assert issubclass(kind, Driver) or f"`{kind.__name__}`" in PAGE


@pytest.mark.parametrize("options", [LibvirtOptions, SimulatedOptions])
def test_page_names_every_option(options: type) -> None:
    for name in options.__dataclass_fields__:  # type: ignore[attr-defined]
        assert f"`{name}`" in PAGE


def test_example_of_the_page_passes_the_suite_without_facets(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "prove.py").write_text(code + PROVE)
    done = subprocess.run([sys.executable, str(tmp_path / "prove.py")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"^(\d+) passed, (\d+) facets absent$", done.stdout, re.MULTILINE)
    assert found is not None and int(found[1]) > 40 and int(found[2]) > 20


def test_every_verb_has_a_case() -> None:
    text = "".join(map(inspect.getsource, HypervisorSuite.__mro__[:-1]))
    for kind in interfaces():
        for verb in kind.__abstractmethods__:  # type: ignore[attr-defined]
            assert re.search(rf"\.{verb}\b", text), verb
