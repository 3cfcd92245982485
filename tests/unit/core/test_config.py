"""Options: sources and their order, types, and mistakes with their nearest right name."""

import dataclasses
from pathlib import Path

import pytest
from stratolith.core.config import Configuration, option
from stratolith.core.errors import BadConfiguration


@dataclasses.dataclass(frozen=True)
class Options:
    path: Path = option(Path("/x"), "a path")
    size_gib: int = option(3, "a size")
    ratio: float = option(1.5, "a ratio")
    on: bool = option(False, "a switch")
    names: tuple[str, ...] = option((), "a list")
    url: str = option("", "an address", secret=True)


def configured(tmp_path, text, environment=None, flags=()):
    file = tmp_path / "c.ini"
    file.write_text(text)
    found = Configuration.read(file, environment or {})
    found.add_flags(flags)
    return found


def test_defaults():
    assert Configuration().section("a", Options) == Options()


def test_types_from_a_file(tmp_path):
    text = "[a.b]\npath = /y\nsize_gib = 7\nratio=0.5\non = Yes\nnames = p, q\nurl = [x] 50% 'z' = k\n"
    found = configured(tmp_path, text).section("a.b", Options)
    assert found == Options(Path("/y"), 7, 0.5, True, ("p", "q"), "[x] 50% 'z' = k")


def test_a_range_in_a_list_stands_for_many_words(tmp_path):
    def names(text):
        return configured(tmp_path, f"[a]\nnames = {text}\n").section("a", Options).names
    assert names("node-{1..3}.x, other") == ("node-1.x", "node-2.x", "node-3.x", "other")
    assert names("r{08..11}") == ("r08", "r09", "r10", "r11")
    assert len(names("h{1..100000}")) == 100_000
    assert names("{a..b}, {1..}, {}") == ("{a..b}", "{1..}", "{}")
    for wrong in ("h{2..1}", "h{0..9999999}"):
        with pytest.raises(BadConfiguration, match="list"):
            names(wrong)


def test_environment_beats_file_and_flags_beat_both(tmp_path):
    text = "[a]\nsize_gib = 1\nratio = 1\nurl = file\n"
    environment = {"STRATOLITH_A_SIZE_GIB": "2", "STRATOLITH_A_RATIO": "2"}
    found = configured(tmp_path, text, environment, ["--a-ratio", "4", "--a-on=true"]).section("a", Options)
    assert (found.size_gib, found.ratio, found.url, found.on) == (2, 4.0, "file", True)


def test_another_default_of_this_process(tmp_path):
    def size(text, environment=None, flags=()):
        found = configured(tmp_path, text, environment, flags)
        found.suggest("a", "size_gib", "9")
        found.suggest("b", "size_gib", "9")
        made = found.section("a", Options)
        found.validate()
        assert found.given()["file"].get("a", {}) == ({"size_gib": "1"} if "size" in text else {})
        return made.size_gib
    assert size("") == 9
    assert size("[a]\nsize_gib = 1\n") == 1
    assert size("", {"STRATOLITH_A_SIZE_GIB": "2"}) == 2
    assert size("", flags=["--a-size-gib", "4"]) == 4


@pytest.mark.parametrize(("text", "message"), [
    ("[a]\nsize_gb = 1\n", "did you mean 'size_gib'"),
    ("[a]\nsize_gib = many\n", "invalid int value: 'many'"),
    ("[a]\non = perhaps\n", "boolean"),
])
def test_mistakes_in_a_section(tmp_path, text, message):
    with pytest.raises(BadConfiguration, match=message):
        configured(tmp_path, text).section("a", Options)


def test_unknown_sections_and_flags_are_found_at_the_end(tmp_path):
    found = configured(tmp_path, "[computer]\nx = 1\n")
    found.section("compute", Options)
    with pytest.raises(BadConfiguration, match="did you mean 'compute'"):
        found.validate()
    found = configured(tmp_path, "", flags=["--compute-size-gb", "1"])
    found.section("compute", Options)
    with pytest.raises(BadConfiguration, match="did you mean '--compute-size-gib'"):
        found.validate()


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(BadConfiguration, match="cannot read"):
        Configuration.read(tmp_path / "nowhere.ini", {})
    with pytest.raises(BadConfiguration):
        configured(tmp_path, "no section\n")
