"""Which ids a driver accepts: one rule for all, so that none can lead out of a backend's own folder."""

from __future__ import annotations

import re

from ..errors import BadRequest

LONGEST = 64
_ALLOWED = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{LONGEST - 1}}}")


def check(*ids: str) -> None:
    """Accept ids of 1 to 64 ASCII letters, digits, ``_``, ``-`` and ``.`` that begin with none of the last two.

    UUIDs with and without dashes are such ids. Path separators, ``..``, blanks and control
    characters are not, so an accepted id is always one plain file name.

    :raises BadRequest: an id has another form.
    """
    for name in ids:
        if not _ALLOWED.fullmatch(name):
            raise BadRequest("an id may hold 1 to 64 letters, digits, '_', '-' and '.' only")
