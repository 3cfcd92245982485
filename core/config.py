"""Options: dataclasses beside their users, filled from file, environment and flags.

A section is a dataclass whose fields are made by :func:`option`. ConfigArgParse reads an
INI file, ``STRATOLITH_<SECTION>_<KEY>`` variables and ``--<section>-<key>`` flags; a later
source wins. An unknown key is an error that names the nearest known one.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from .errors import BadConfiguration

PREFIX = "STRATOLITH_"
T = TypeVar("T")


def option(default: Any, help: str, *, secret: bool = False) -> Any:
    """A field of an options dataclass: its default, one sentence, and whether it is a secret.

    Units belong in the field's name (``_s``, ``_mib``, ``_gib``). Lists are given as
    ``tuple[str, ...]`` and written with commas.
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


def parse_value(key: Key, text: str) -> Any:
    """``text`` as the type of ``key``.

    :raises BadConfiguration: the text is no value of that type.
    """
    kind = key.kind
    try:
        if kind is bool:
            return _boolean(text)
        if kind in (int, float, str):
            return kind(text)
        if typing.get_origin(kind) is tuple:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        if kind is Path:
            return Path(text)
    except ValueError as exc:
        raise BadConfiguration(f"{key.section}.{key.name}: {text!r} is no {_kind_name(kind)}") from exc
    raise BadConfiguration(f"{key.section}.{key.name}: options of type {kind!r} are not supported")


def _boolean(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in ("1", "true", "yes", "on"):
        return True
    if lowered in ("0", "false", "no", "off", ""):
        return False
    raise ValueError(text)


def _kind_name(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind))


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
        self._known_flags: set[str] = set()

    @classmethod
    def read(cls, file: Path | None = None, environment: Mapping[str, str] | None = None,
             overrides: Mapping[str, Mapping[str, str]] | None = None) -> Configuration:
        """Read ``file`` (INI), then let ``environment`` and ``overrides`` win, in that order."""
        raw: dict[str, dict[str, str]] = {}
        if file is not None:
            raw = _read_file(file)
        for section, values in (overrides or {}).items():
            raw.setdefault(section, {}).update(values)
        configuration = cls(raw, os.environ if environment is None else environment)
        configuration._overrides = {section: set(values) for section, values in (overrides or {}).items()}
        return configuration

    _overrides: Mapping[str, set[str]] = {}

    def section(self, name: str, options: type[T]) -> T:
        """The options of section ``name`` as an instance of ``options``, checked.

        :raises BadConfiguration: a value is of the wrong type or a key is unknown.
        """
        if name not in self._built:
            self._built[name] = self._build(name, options)
        return cast(T, self._built[name])

    def _build(self, name: str, options: type) -> Any:
        known = {key.name: key for key in keys(name, options)}
        given = self._raw.get(name, {})
        for stray in given:
            if stray not in known:
                raise BadConfiguration(f"unknown option {stray!r} in section [{name}]{nearest(stray, list(known))}")
        values = {}
        for key in known.values():
            text = given.get(key.name)
            variable = self._environment.get(key.variable)
            if variable is not None and key.name not in self._overrides.get(name, ()):
                text = variable
            self._known_flags.add(key.flag)
            text = self._flags.get(key.flag, text)
            if text is not None:
                values[key.name] = parse_value(key, text)
        return options(**values)

    def set(self, section: str, key: str, value: str) -> None:
        """Give ``section.key`` a value, as a flag would; only before the section is first built."""
        self._raw.setdefault(section, {})[key] = value
        self._overrides = {**self._overrides, section: {*self._overrides.get(section, ()), key}}

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

    def validate(self) -> None:
        """See that everything given was asked for by somebody: call it once all sections are built.

        :raises BadConfiguration: a section or flag nobody knows; the message names the nearest known.
        """
        for section in self._raw:
            if section not in self._built:
                raise BadConfiguration(f"unknown section [{section}]{nearest(section, sorted(self._built))}")
        known = sorted(self._known_flags)
        for flag in self._flags:
            if flag not in self._known_flags:
                raise BadConfiguration(f"unknown option {flag}{nearest(flag, known)}")

    def sections(self) -> list[str]:
        """Names of all sections that were given something."""
        return sorted(self._raw)


def _read_file(file: Path) -> dict[str, dict[str, str]]:
    import configparser
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
