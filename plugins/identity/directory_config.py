"""Which domain has a directory of its own, and what it is told: by a file of the operator or by API.

A file is ``NAME.ini`` in our own words (``[identity] backend``, ``[identity.<backend>]``) or ``keystone.NAME.conf`` in
Keystone's (``[identity] driver``, ``[ldap]``), which the API speaks, too. ``NAME`` is the domain's name. A file wins.
"""

from __future__ import annotations

import configparser
import logging
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from ...core.config import Configuration
from ...core.errors import BadConfiguration, NoSuchDriver
from .backends import BACKENDS
from .domain_config import DomainConfigurations
from .outside import Wanted
from .store import Store
from .tables import projects

Sections = Mapping[str, Mapping[str, str]]
NAME_OF = sa.select(projects.c.name).where(projects.c.id == sa.bindparam("id"))
RENAMED = {"connection_timeout": "connect_timeout_s", "pool_connection_timeout": "",
           "pool_connection_lifetime": "pool_lifetime_s", "auth_pool_connection_lifetime": "auth_pool_lifetime_s",
           "debug_level": "", "pool_retry_max": "", "pool_retry_delay": "", "use_pool": "", "use_auth_pool": "",
           "list_limit": ""}
"""Keystone's options by our names; empty for those that mean nothing here: connections always are pooled."""
UNSET = frozenset(("", "None", "none", "<None>", "-1"))


class DirectoryConfigurations:
    """What each domain is told. Files are read once, at the start; what the API says is read whenever it changes."""

    def __init__(self, store: Store, told: DomainConfigurations, folder: str, log: logging.Logger) -> None:
        self._store = store
        self._told = told
        self._files = _files(Path(folder), log) if folder else {}

    def of(self, domain_id: str) -> Wanted | None:
        """The backend of a domain's own; none for a domain that is in the backend of all.

        :raises BadConfiguration: what was said cannot be understood.
        """
        if self._files:
            name = self._store.memory.get(("name of domain", domain_id), lambda: self._name(domain_id))
            if name in self._files:
                return self._files[name]
        if domain_id not in self._told.domain_ids():
            return None
        return self._store.memory.get(("directory of", domain_id), lambda: in_our_words(self._told.of(domain_id)))

    def _name(self, domain_id: str) -> str:
        with self._store.db.read() as tx:
            return str(tx.value(NAME_OF, {"id": domain_id}) or "")


def in_our_words(sections: Sections) -> Wanted | None:
    """A domain's configuration in Keystone's words in ours; none where it means the backend of all.

    What is not said is as in Keystone (the layout ``keystone``), unless a ``layout`` is named.
    """
    driver = sections.get("identity", {}).get("driver", "")
    backend = driver.rpartition("backends.")[2].partition(".")[0] if "." in driver else driver
    if backend in ("", "sql"):
        return None
    options: dict[str, str] = {"layout": "keystone"}
    for name, value in sections.get(backend, {}).items():
        ours = RENAMED.get(name, name)
        if ours and value not in UNSET and not (name == "page_size" and value == "0"):
            options[ours] = value.lower() if name == "user_enabled_invert" else value
    return Wanted(backend, options)


def _files(folder: Path, log: logging.Logger) -> dict[str, Wanted | None]:
    if not folder.is_dir():
        raise BadConfiguration(f"[identity] domain_config_dir: {folder} is no folder")
    found: dict[str, Wanted | None] = {}
    for file in sorted(folder.iterdir()):
        name = file.name
        if name.startswith("keystone.") and name.endswith(".conf"):
            found[name[len("keystone."):-len(".conf")]] = in_our_words(_read(file))
        elif name.endswith(".ini"):
            found[name[:-len(".ini")]] = _ours(_read(file))
        else:
            continue
        _check(file, found[next(reversed(found))], log)
        if file.stat().st_mode & 0o077:
            log.warning("%s can be read by others; it may hold a password", file)
    return found


def _check(file: Path, wanted: Wanted | None, log: logging.Logger) -> None:
    """Say at once what a file has wrong. It stops no other domain from being served."""
    if wanted is None:
        return
    section = f"identity.{wanted.backend}"
    try:
        Configuration({section: wanted.options}, {}).section(section, BACKENDS.load(wanted.backend).Options)
    except (BadConfiguration, NoSuchDriver) as exc:
        log.error("%s: %s", file, exc)


def _ours(sections: Sections) -> Wanted | None:
    backend = sections.get("identity", {}).get("backend", "sql")
    return None if backend == "sql" else Wanted(backend, sections.get(f"identity.{backend}", {}))


def _read(file: Path) -> Sections:
    ini = configparser.ConfigParser(interpolation=None, delimiters=("=",), default_section="")
    try:
        ini.read_string(file.read_text(), source=str(file))
    except (configparser.Error, OSError, UnicodeDecodeError) as exc:
        raise BadConfiguration(f"{file} cannot be read: {exc}") from exc
    return {section: dict(ini.items(section)) for section in ini.sections()}
