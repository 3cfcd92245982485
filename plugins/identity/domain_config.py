"""Domain configuration: what single domains are told by API, with secrets sealed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from ...core.context import Context
from ...core.db.engine import Row, Transaction
from ...core.errors import Forbidden, NotFound
from .domain_options import DEFAULTS, is_known, is_secret
from .store import Store
from .tables.domain_config import domain_options

OF_DOMAIN = (sa.select(domain_options).where(domain_options.c.domain_id == sa.bindparam("domain_id"))
             .order_by(domain_options.c.section, domain_options.c.name))
DOMAINS = sa.select(domain_options.c.domain_id).distinct().order_by(domain_options.c.domain_id)
SUBSTITUTE = re.compile(r"%\((\w+)\)s")

Config = dict[str, dict[str, Any]]


class DomainConfigurations:
    """The configuration of each domain that has one of its own. Groups are ``identity`` and ``ldap``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store.db
        self._seal = store.seal

    # For backends.

    def of(self, domain_id: str) -> Mapping[str, Mapping[str, str]]:
        """All that a domain was told, secrets in clear, ``%(name)s`` replaced by the secret of that name.

        Values are texts as a configuration file has them. Nothing for a domain without a configuration.
        Remembered until identity changes.
        """
        return self._store.memory.get(("domain config", domain_id), lambda: self._opened(domain_id))

    def domain_ids(self) -> Sequence[str]:
        """The domains that have a configuration, remembered until identity changes."""
        return self._store.memory.get("configured domains", self._domain_ids)

    def _domain_ids(self) -> tuple[str, ...]:
        with self._db.read() as tx:
            return tuple(tx.values(DOMAINS))

    def _opened(self, domain_id: str) -> Mapping[str, Mapping[str, str]]:
        opened: dict[str, dict[str, str]] = {}
        secrets: dict[str, dict[str, str]] = {}
        for row in self._rows(domain_id):
            if row.sealed_value is None:
                opened.setdefault(row.section, {})[row.name] = _text(row.value)
            else:
                secrets.setdefault(row.section, {})[row.name] = self._seal.open(row.sealed_value)
        for group, options in opened.items():
            known = secrets.get(group, {})
            opened[group] = {name: _substituted(value, known) for name, value in options.items()}
        for group, options in secrets.items():
            opened.setdefault(group, {}).update(options)
        return opened

    # For the API.

    def show(self, domain_id: str, group: str = "", option: str = "") -> Config:
        """What may be shown of a domain's configuration, or of one group or option of it.

        :raises Forbidden: there is no such group or option. :raises NotFound: the domain was told nothing of it.
        """
        _check_known(group, option)
        shown = self.visible(domain_id, group, option)
        if not shown:
            raise _absent(domain_id, group, option)
        return shown

    def visible(self, domain_id: str, group: str = "", option: str = "") -> Config:
        """As :meth:`show`, but nothing where there is nothing."""
        shown: Config = {}
        for row in self._rows(domain_id):
            if row.sealed_value is None and group in ("", row.section) and option in ("", row.name):
                shown.setdefault(row.section, {})[row.name] = row.value
        return shown

    def replace(self, context: Context, domain_id: str, config: Mapping[str, Mapping[str, Any]]) -> bool:
        """Give a domain this configuration and no other; tell whether it had none.

        :raises Forbidden: it names a group or option that no domain may have, or nothing at all.
        """
        _check(config)
        with self._db.write() as tx:
            removed = self._remove(tx, domain_id, "", "")
            self._insert(tx, domain_id, config)
            self._changed(tx, context, domain_id)
            return removed == 0

    def update(self, context: Context, domain_id: str, config: Mapping[str, Mapping[str, Any]],
               group: str = "", option: str = "") -> None:
        """Give a domain these options beside the others that it has.

        :raises Forbidden: ``config`` is about more or less than ``group`` or ``option`` where they are named.
        :raises NotFound: the domain has no such group or option yet.
        """
        _check_known(group, option)
        _check(config)
        _check_about(config, group, option)
        with self._db.write() as tx:
            rows = self._rows(domain_id)
            if group and not any(row.section == group and option in ("", row.name) for row in rows):
                raise _absent(domain_id, group, option)
            for section, options in config.items():
                for name in options:
                    self._remove(tx, domain_id, section, name)
            self._insert(tx, domain_id, config)
            self._changed(tx, context, domain_id)

    def delete(self, context: Context, domain_id: str, group: str = "", option: str = "") -> None:
        """Take a domain's configuration back, or one group or option of it.

        :raises Forbidden: there is no such group or option. :raises NotFound: the domain was told nothing of it.
        """
        _check_known(group, option)
        with self._db.write() as tx:
            if self._remove(tx, domain_id, group, option) == 0 and group:
                raise _absent(domain_id, group, option)
            self._changed(tx, context, domain_id)

    def forget(self, tx: Transaction, domain_id: str) -> None:
        """Remove what a domain that goes away was told."""
        self._remove(tx, domain_id, "", "")

    def _rows(self, domain_id: str) -> Sequence[Row]:
        with self._db.read() as tx:
            return tx.rows(OF_DOMAIN, {"domain_id": domain_id})

    def _remove(self, tx: Transaction, domain_id: str, group: str, option: str) -> int:
        statement = domain_options.delete().where(domain_options.c.domain_id == domain_id)
        if group:
            statement = statement.where(domain_options.c.section == group)
        if option:
            statement = statement.where(domain_options.c.name == option)
        return tx.execute(statement)

    def _insert(self, tx: Transaction, domain_id: str, config: Mapping[str, Mapping[str, Any]]) -> None:
        rows = []
        for group, options in config.items():
            for name, value in options.items():
                secret = is_secret(group, name)
                rows.append({"domain_id": domain_id, "section": group, "name": name,
                             "value": None if secret else value,
                             "sealed_value": self._seal.close(_text(value)) if secret else None})
        tx.insert(domain_options, rows)

    def _changed(self, tx: Transaction, context: Context, domain_id: str) -> None:
        self._store.revision.bump(tx)
        self._store.emit(tx, context, "domain", "updated", domain_id)


def default(group: str = "", option: str = "") -> Config:
    """What domains are where nobody said otherwise, of all groups, one group or one option.

    :raises Forbidden: there is no such group or option.
    """
    _check_known(group, option)
    return {name: {key: value for key, value in options.items() if option in ("", key)}
            for name, options in DEFAULTS.items() if group in ("", name)}


def _check_known(group: str, option: str) -> None:
    if group and group not in DEFAULTS:
        raise Forbidden(f"Invalid domain specific configuration: Group {group} is not supported for domain "
                        "specific configurations.")
    if option and not is_known(group, option):
        raise Forbidden(f"Invalid domain specific configuration: Option {option} in group {group} is not supported "
                        "for domain specific configurations.")


def _check(config: Mapping[str, Mapping[str, Any]]) -> None:
    if not config or not any(config.values()):
        raise Forbidden("Invalid domain specific configuration: No options specified.")
    for group, options in config.items():
        _check_known(group, "")
        for name in options:
            _check_known(group, name)


def _check_about(config: Mapping[str, Mapping[str, Any]], group: str, option: str) -> None:
    if group and set(config) != {group}:
        raise Forbidden(f"Invalid domain specific configuration: The request must be about group {group} alone.")
    if option and set(config[group]) != {option}:
        raise Forbidden(f"Invalid domain specific configuration: The request must be about option {option} alone.")


def _absent(domain_id: str, group: str, option: str) -> NotFound:
    what = f"option {option} in group {group}" if option else f"group {group}" if group else "any options"
    return NotFound(f"Could not find domain configuration for {what} of domain {domain_id}.")


def _substituted(value: str, secrets: Mapping[str, str]) -> str:
    return SUBSTITUTE.sub(lambda match: secrets.get(match.group(1), match.group(0)), value)


def _text(value: Any) -> str:
    """A value as a configuration file has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return msgspec.json.encode(value).decode()
    return str(value)
