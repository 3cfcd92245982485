"""The pages of the console proxy: the files of noVNC and spice-html5 where they are installed, and our own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from urllib.parse import unquote, urlsplit

KINDS = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
         ".png": "image/png", ".ico": "image/x-icon", ".json": "application/json", ".woff": "font/woff",
         ".ttf": "font/ttf", ".mp3": "audio/mpeg", ".oga": "audio/ogg"}
"""The files that are served, by the ends of their names."""
LARGEST_BYTES = 4 << 20
OWN = {"vnc_lite.html": "screen.html", "vnc_auto.html": "screen.html", "vnc.html": "screen.html", "": "serial.html"}
"""Our own pages by the names under which they are asked for; they stand in where noVNC is not installed."""


@dataclasses.dataclass(frozen=True)
class Page:
    """An answer without a console in it."""

    status: int
    reason: str
    kind: str
    data: bytes


ABSENT = Page(404, "Not Found", "text/plain", b"There is nothing here.\n")


class Pages:
    """What the proxy answers to who asks for a page. A prefix that a server in front left in a path is not known."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = [Path(one).resolve() for one in folders if one]

    def page(self, address: str) -> Page:
        """The page of a request's address; its query is the page's own business."""
        path = unquote(urlsplit(address).path).lstrip("/")
        for folder in self._folders if path else ():
            if (found := _file(folder, path)) is not None:
                return found
        return _own(OWN[path]) if path in OWN else ABSENT


def _file(folder: Path, path: str) -> Page | None:
    if "\0" in path:
        return None
    file = (folder / path).resolve()
    if file.suffix not in KINDS or not file.is_relative_to(folder) or not file.is_file():
        return None
    if file.stat().st_size > LARGEST_BYTES:
        return None
    return Page(200, "OK", KINDS[file.suffix], file.read_bytes())


def _own(name: str) -> Page:
    data = resources.files(__package__).joinpath("html", name).read_bytes()
    return Page(200, "OK", KINDS[".html"], data)
