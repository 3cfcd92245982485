"""Options: dataclasses beside their users, filled from file, environment and flags.

A section is a dataclass whose fields are made by :func:`option`. ConfigArgParse reads an
INI file, ``STRATOLITH_<SECTION>_<KEY>`` variables and ``--<section>-<key>`` flags; a later
source wins. An unknown key is an error that names the nearest known one.
"""

from __future__ import annotations

import configparser
import dataclasses
import difflib
import json
import os
import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

import configargparse

from .errors import BadConfiguration

PREFIX = "STRATOLITH_"
RANGE = re.compile(r"\{(?P<first>[0-9]{1,9})\.\.(?P<last>[0-9]{1,9})\}")
MOST_WORDS = 1_000_000
T = TypeVar("T")


def option(default: Any, help: str, *, secret: bool = False) -> Any:
    """A field of an options dataclass: its default, one sentence, and whether it is a secret.

    Units belong in the field's name (``_s``, ``_mib``, ``_gib``). Lists are given as
    ``tuple[str, ...]`` and written with commas; ``node-{1..1000}`` in one stands for a thousand words.
    """
    return dataclasses.field(default=default, metadata={"help": help, "secret": secret})


@dataclasses.dataclass(frozen=True)
class Key:
    """One option of one section: where it can be set and what it means."""

    section: str
    name: str
    kind: Any
    default: Any
    help: str
    secret: bool

    @property
    def flag(self) -> str:
        """The command-line flag."""
        return "--" + f"{self.section}-{self.name}".replace("_", "-").replace(".", "-")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return PREFIX + f"{self.section}_{self.name}".upper().replace(".", "_").replace("-", "_")


def keys(section: str, options: type) -> Iterator[Key]:
    """The keys of one section, in the order of the dataclass."""
    hints = typing.get_type_hints(options)
    for field in dataclasses.fields(options):
        meta = field.metadata
        yield Key(section, field.name, hints[field.name], field.default,
                  meta.get("help", ""), bool(meta.get("secret")))


def reader(kind: Any) -> Callable[[str], Any]:
    """The function that turns text into a value of ``kind``. :raises BadConfiguration: no such kind of option."""
    if kind is bool:
        return _boolean
    if kind in (int, float, str, Path):
        return cast(Callable[[str], Any], kind)
    if typing.get_origin(kind) is tuple:
        return _words
    raise BadConfiguration(f"options of type {kind!r} are not supported")


def written(value: Any) -> str:
    """A value as a configuration file has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _boolean(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in ("1", "true", "yes", "on"):
        return True
    if lowered in ("0", "false", "no", "off", ""):
        return False
    raise ValueError(text)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for part in text.split(",") if part.strip() for word in _counted(part.strip()))


def _counted(word: str) -> Iterator[str]:
    """``node-{1..3}`` as three words; with zeros in front (``{001..120}``) all numbers are as long."""
    match = RANGE.search(word)
    if match is None:
        yield word
        return
    first, last = match["first"], match["last"]
    if not 0 <= int(last) - int(first) < MOST_WORDS:
        raise ValueError(word)
    width = len(first) if first.startswith("0") else 0
    for number in range(int(first), int(last) + 1):
        yield f"{word[:match.start()]}{number:0{width}}{word[match.end():]}"


_boolean.__name__, _words.__name__ = "boolean", "list"


class _Given(configargparse.ConfigFileParser):  # type: ignore[misc]
    """Hands ConfigArgParse the keys of one section as they are."""

    def parse(self, stream: Any) -> dict[str, str]:
        return cast(dict[str, str], json.load(stream))

    def get_syntax_description(self) -> str:
        return "INI, one section a dataclass of options"


class _Parser(configargparse.ArgumentParser):  # type: ignore[misc]
    """One section's options by flag, environment variable and key of the file, the first given wins."""

    def __init__(self, section: str, options: type) -> None:
        super().__init__(add_help=False, allow_abbrev=False, config_file_parser_class=_Given, prog=f"[{section}]")
        for key in keys(section, options):
            self.add_argument(key.flag, dest=key.name, env_var=key.variable, type=reader(key.kind),
                              default=key.default, help=key.help)

    def error(self, message: str) -> NoReturn:
        raise BadConfiguration(f"{self.prog} {message}")


def nearest(name: str, known: Sequence[str]) -> str:
    """``"; did you mean X?"`` when ``known`` holds something like ``name``, else nothing."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


class Configuration:
    """The options of this process by section. Sections not known yet keep their raw text
    until :meth:`section` is asked for with their dataclass; :meth:`validate` finds strays."""

    def __init__(self, raw: Mapping[str, Mapping[str, str]] | None = None,
                 environment: Mapping[str, str] | None = None) -> None:
        self._raw = {name: dict(values) for name, values in (raw or {}).items()}
        self._environment = dict(environment or {})
        self._built: dict[str, Any] = {}
        self._flags: dict[str, str] = {}
        self._suggested: dict[str, dict[str, str]] = {}
        self._known_flags: set[str] = set()

    @classmethod
    def read(cls, file: Path | None = None, environment: Mapping[str, str] | None = None,
             overrides: Mapping[str, Mapping[str, str]] | None = None) -> Configuration:
        """Read ``file`` (INI), then let ``environment`` and ``overrides`` win, in that order."""
        raw: dict[str, dict[str, str]] = {}
        if file is not None:
            raw = _read_file(file)
        configuration = cls(raw, os.environ if environment is None else environment)
        for section, values in (overrides or {}).items():
            for key, value in values.items():
                configuration.set(section, key, value)
        return configuration

    def section(self, name: str, options: type[T]) -> T:
        """The options of section ``name`` as an instance of ``options``, checked.

        :raises BadConfiguration: a value is of the wrong type or a key is unknown.
        """
        if name not in self._built:
            self._built[name] = self._build(name, options)
        return cast(T, self._built[name])

    def _build(self, name: str, options: type) -> Any:
        known = {key.name: key for key in keys(name, options)}
        given = {**self._suggested.get(name, {}), **self._raw.get(name, {})}
        for stray in given:
            if stray not in known:
                raise BadConfiguration(f"unknown option {stray!r} in section [{name}]{nearest(stray, list(known))}")
        mine = {key.flag for key in known.values()}
        self._known_flags |= mine
        flags = [f"{flag}={value}" for flag, value in self._flags.items() if flag in mine]
        contents = json.dumps({key.flag.lstrip("-"): given[key.name] for key in known.values() if key.name in given})
        parsed = _Parser(name, options).parse_args(flags, config_file_contents=contents,
                                                   env_vars=self._environment)
        return options(**{key: getattr(parsed, key) for key in known})

    def set(self, section: str, key: str, value: str) -> None:
        """Give ``section.key`` a value, as a flag would; only before the section is first built."""
        self._flags[Key(section, key, str, "", "", False).flag] = value

    def suggest(self, section: str, key: str, value: str) -> None:
        """Give ``section.key`` another default in this process; file, environment and flags win over it."""
        self._suggested.setdefault(section, {})[key] = value

    def add_flags(self, words: Sequence[str]) -> None:
        """Take ``--<section>-<key> VALUE`` (or ``=VALUE``) flags; they win over file and environment.

        :raises BadConfiguration: a word is no flag or has no value.
        """
        rest = list(words)
        while rest:
            flag, equals, value = rest.pop(0).partition("=")
            if not flag.startswith("--"):
                raise BadConfiguration(f"unexpected argument {flag!r}")
            if not equals:
                if not rest:
                    raise BadConfiguration(f"{flag} needs a value")
                value = rest.pop(0)
            self._flags[flag] = value

    def validate(self, groups: Sequence[str] = ()) -> None:
        """See that everything given was asked for by somebody: call it once all sections are built.

        Sections below ``groups`` (``volumes`` stands for ``[volumes.fast]``) may be another process's.

        :raises BadConfiguration: a section or flag nobody knows; the message names the nearest known.
        """
        for section in self._raw:
            if section not in self._built and section.partition(".")[0] not in groups:
                raise BadConfiguration(f"unknown section [{section}]{nearest(section, sorted(self._built))}")
        known = sorted(self._known_flags)
        for flag in self._flags:
            if flag not in self._known_flags and not flag.startswith(tuple(f"--{group}-" for group in groups)):
                raise BadConfiguration(f"unknown option {flag}{nearest(flag, known)}")

    def given(self) -> dict[str, dict[str, Any]]:
        """All that file, environment and flags gave, to be kept for :meth:`again`. It may hold secrets."""
        ours = {name: value for name, value in self._environment.items() if name.startswith(PREFIX)}
        return {"file": self._raw, "environment": ours, "flags": self._flags}

    @classmethod
    def again(cls, given: Mapping[str, Mapping[str, Any]]) -> Configuration:
        """The configuration as :meth:`given` told it."""
        made = cls(given["file"], given["environment"])
        made._flags.update(given["flags"])
        return made

    def sections(self) -> list[str]:
        """Names of all sections that were given something."""
        return sorted(self._raw)


def _read_file(file: Path) -> dict[str, dict[str, str]]:
    try:
        text = file.read_text()
    except OSError as exc:
        raise BadConfiguration(f"cannot read {file}: {exc.strerror}") from exc
    ini = configparser.ConfigParser(interpolation=None, delimiters=("=",), default_section="")
    try:
        ini.read_string(text, source=str(file))
    except configparser.Error as exc:
        raise BadConfiguration(f"{file}: {exc}") from exc
    return {section: dict(ini.items(section)) for section in ini.sections()}
