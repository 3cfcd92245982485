"""One connection to one server: the only place that speaks LDAP, through python-ldap."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import ldap
import ldap.controls.libldap

from ...core.errors import AlreadyExists, BackendFailed, BadConfiguration, BadRequest, CloudError, Forbidden, NotFound
from .options import LdapOptions

SCOPES = {"base": ldap.SCOPE_BASE, "one": ldap.SCOPE_ONELEVEL, "sub": ldap.SCOPE_SUBTREE}
DEREFERENCES = {"never": ldap.DEREF_NEVER, "default": ldap.DEREF_NEVER, "searching": ldap.DEREF_SEARCHING,
                "finding": ldap.DEREF_FINDING, "always": ldap.DEREF_ALWAYS}
CERTIFICATES = {"demand": ldap.OPT_X_TLS_DEMAND, "allow": ldap.OPT_X_TLS_ALLOW, "never": ldap.OPT_X_TLS_NEVER}
TLS_1_2 = 0x303
KEPT_ALIVE = ((ldap.OPT_X_KEEPALIVE_IDLE, 60), (ldap.OPT_X_KEEPALIVE_INTERVAL, 10), (ldap.OPT_X_KEEPALIVE_PROBES, 3))
"""Seconds, seconds and a number: a connection that a firewall forgot while it rested is noticed before it is used."""
LOSSES = (ldap.SERVER_DOWN, ldap.CONNECT_ERROR, ldap.TIMEOUT, ldap.UNAVAILABLE, ldap.BUSY, ldap.DECODING_ERROR,
          ldap.LOCAL_ERROR)
ABSENCES = (ldap.NO_SUCH_OBJECT, ldap.INVALID_DN_SYNTAX)
UNFIT = (ldap.INVALID_SYNTAX, ldap.NAMING_VIOLATION, ldap.CONSTRAINT_VIOLATION, ldap.INVALID_DN_SYNTAX,
         ldap.UNDEFINED_TYPE, ldap.NO_OBJECT_CLASS_MODS)
ADD, DELETE, REPLACE = ldap.MOD_ADD, ldap.MOD_DELETE, ldap.MOD_REPLACE
NO_ATTRIBUTES = ("1.1",)

Change = tuple[int, str, Sequence[str] | None]
Count = Callable[[str], None]


class Lost(Exception):
    """A connection is of no more use: the server is gone, hangs, or says what cannot be read."""


class Turned(Exception):
    """The server did not let somebody in."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its DN, and its values by attribute, whose names are in lower case."""

    dn: str
    values: Mapping[str, Sequence[bytes]]


class Link:
    """A connection. One thread at a time. ``count`` is told the name of each operation that is sent.

    :raises Lost: (each verb) the connection is of no more use.
    """

    def __init__(self, url: str, options: LdapOptions, authorities: str, count: Count) -> None:
        self.url = url
        self._options = options
        self._count = count
        with _translated():
            self._connection = self._made(url, options, authorities)

    def _made(self, url: str, options: LdapOptions, authorities: str) -> Any:
        made = ldap.initialize(url)
        for name, value in ((ldap.OPT_PROTOCOL_VERSION, 3), (ldap.OPT_REFERRALS, int(options.chase_referrals)),
                            (ldap.OPT_DEREF, DEREFERENCES[options.alias_dereferencing]),
                            (ldap.OPT_NETWORK_TIMEOUT, options.connect_timeout_s),
                            (ldap.OPT_TIMEOUT, options.connect_timeout_s), *KEPT_ALIVE):
            made.set_option(name, value)
        if options.use_tls or url.startswith("ldaps:"):
            made.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, CERTIFICATES[options.tls_req_cert])
            made.set_option(ldap.OPT_X_TLS_PROTOCOL_MIN, TLS_1_2)
            if authorities:
                made.set_option(ldap.OPT_X_TLS_CACERTFILE, authorities)
            made.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
        if options.use_tls and not url.startswith("ldaps:"):
            self._count("starttls")
            made.start_tls_s()
        return made

    def close(self) -> None:
        """Take leave."""
        with contextlib.suppress(ldap.LDAPError):
            self._connection.unbind_ext_s()

    def bind(self, dn: str, password: str, timeout_s: float) -> None:
        """Become ``dn``. The caller sees to it that a password of somebody is never empty (RFC 4513, 5.1.2).

        :raises Turned: the server does not let it in.
        """
        self._count("bind")
        try:
            self._wait(self._connection.simple_bind(dn, password), timeout_s)
        except LOSSES as exc:
            raise Lost(_told(exc)) from None
        except ldap.LDAPError as exc:
            raise Turned(type(exc).__name__) from None

    def search(self, base: str, scope: str, filter: str, attributes: Sequence[str], timeout_s: float) -> list[Entry]:
        """All entries that match, fetched page by page; none where ``base`` is not. References are left out.

        :raises BackendFailed: there are more than ``search_limit``, or the server has a limit of its own.
        """
        control = ldap.controls.libldap.SimplePagedResultsControl(True, size=self._options.page_size, cookie="")
        found: list[Entry] = []
        with _translated():
            try:
                while self._page(base, scope, filter, attributes, timeout_s, control, found):
                    if len(found) > self._options.search_limit:
                        raise BackendFailed("the directory gives more entries than may be read at once")
            except ABSENCES:
                return []
        return found

    def _page(self, base: str, scope: str, filter: str, attributes: Sequence[str], timeout_s: float, control: Any,
              found: list[Entry]) -> bool:
        """One page; tell whether there is another."""
        self._count("search")
        number = self._connection.search_ext(base, SCOPES[scope], filter, list(attributes), serverctrls=[control],
                                             timeout=timeout_s)
        data, controls = self._wait(number, timeout_s)
        found += [Entry(dn, {name.lower(): values for name, values in attributes.items()})
                  for dn, attributes in data if dn is not None and isinstance(attributes, dict)]
        answers = [one for one in controls if one.controlType == control.controlType]
        control.cookie = answers[0].cookie if answers else ""
        return bool(control.cookie)

    def add(self, dn: str, attributes: Mapping[str, Sequence[str]]) -> None:
        """Make an entry. :raises AlreadyExists: there is one."""
        self._count("add")
        values = [(name, [value.encode() for value in given]) for name, given in attributes.items()]
        with _translated():
            self._wait(self._connection.add_ext(dn, values), self._options.timeout_s)

    def modify(self, dn: str, changes: Sequence[Change]) -> None:
        """Change an entry; adding a value that is there, or removing one that is not, is no error."""
        self._count("modify")
        encoded = [(verb, name, None if values is None else [value.encode() for value in values])
                   for verb, name, values in changes]
        with _translated(), contextlib.suppress(ldap.TYPE_OR_VALUE_EXISTS, ldap.NO_SUCH_ATTRIBUTE):
            self._wait(self._connection.modify_ext(dn, encoded), self._options.timeout_s)

    def replace_raw(self, dn: str, attribute: str, value: bytes) -> None:
        """Give an attribute a value that is no text."""
        self._count("modify")
        with _translated():
            self._wait(self._connection.modify_ext(dn, [(REPLACE, attribute, [value])]), self._options.timeout_s)

    def rename(self, dn: str, rdn: str) -> None:
        """Give an entry another first part of its DN."""
        self._count("rename")
        with _translated():
            self._wait(self._connection.rename(dn, rdn), self._options.timeout_s)

    def delete(self, dn: str) -> None:
        """Remove an entry; nothing when it is gone."""
        self._count("delete")
        with _translated(), contextlib.suppress(ldap.NO_SUCH_OBJECT):
            self._wait(self._connection.delete_ext(dn), self._options.timeout_s)

    def set_password(self, dn: str, password: str) -> None:
        """Let the server hash and keep a password (RFC 3062)."""
        self._count("password")
        with _translated():
            self._wait(self._connection.passwd(dn, None, password), self._options.timeout_s)

    def _wait(self, number: int, timeout_s: float) -> tuple[Sequence[Any], Sequence[Any]]:
        _, data, _, controls = self._connection.result3(number, all=1, timeout=timeout_s)
        return data or (), controls or ()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """What python-ldap raises as what callers know; a server's own words stay out of what tenants see."""
    try:
        yield
    except LOSSES as exc:
        raise Lost(_told(exc)) from None
    except ldap.LDAPError as exc:
        raise _as_cloud_error(exc) from None
    except (ValueError, TypeError, UnicodeError) as exc:
        # python-ldap's way to say that a text cannot be sent, or that what came cannot be read.
        raise BadRequest("The directory cannot be asked for such a value.") from exc


def _as_cloud_error(exc: ldap.LDAPError) -> CloudError:
    said = _told(exc)
    if isinstance(exc, ldap.ALREADY_EXISTS):
        return AlreadyExists(detail=said)
    if isinstance(exc, ldap.NO_SUCH_OBJECT):
        return NotFound(detail=said)
    if isinstance(exc, ldap.INSUFFICIENT_ACCESS | ldap.UNWILLING_TO_PERFORM):
        return Forbidden("The directory does not let the service do this.", detail=said)
    if isinstance(exc, ldap.FILTER_ERROR):
        return BadConfiguration("[identity.ldap] user_filter or group_filter is no LDAP filter")
    if isinstance(exc, UNFIT):
        return BadRequest("The directory cannot keep such a value.", detail=said)
    return BackendFailed("the directory cannot do this", detail=said)


def _told(exc: ldap.LDAPError) -> str:
    """An error in words for the log; python-ldap's never hold what was sent."""
    facts = exc.args[0] if exc.args and isinstance(exc.args[0], dict) else {}
    words = (type(exc).__name__, facts.get("desc"), facts.get("info"))
    return ": ".join(str(word) for word in words if word)
