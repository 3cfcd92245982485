"""The list of revocations, as identity tells it to those who check tokens by themselves."""

from __future__ import annotations

import msgspec

CHANGED_TOPIC = "stratolith.identity.changed"
"""Where identity tells each change over the bus; the body is a :class:`News` as JSON."""
ALL = ("all",)
"""The subjects of an entry that stands for every token."""


class Entry(msgspec.Struct, frozen=True):
    """Tokens of ``subject`` issued before a moment (seconds since the epoch) are useless, or, if it is not ``final``,
    may mean something else by now.

    A subject is ``user:ID``, ``project:ID``, ``domain:ID`` (of the user or of the scope), ``audit:ID`` or ``all``.
    """

    subject: str
    issued_before: float
    final: bool


class News(msgspec.Struct, frozen=True):
    """One change: its number, which is one more than that of the change before, and what it adds to the list."""

    number: int
    entries: list[Entry]


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The entries behind ``since``, up to ``number``, oldest first.

    Where there were more than the list may hold, those of the changes up to ``floor`` (seconds since the epoch) are
    left out: about tokens issued before it one has to ask. ``since`` is 0 where all there are were told. A change is
    seen later than it was made by the time its transaction takes: who meets a token issued up to ``margin_s`` after
    an entry says asks.
    """

    number: int
    since: int
    floor: float
    margin_s: float
    entries: list[Entry]
