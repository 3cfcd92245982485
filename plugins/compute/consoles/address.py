"""The addresses of consoles: what the API answers, and what of it comes back in a request."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, quote, urlsplit

from ....core.drivers.hypervisor import ConsoleKind

WEBSOCKET = {"http": "ws", "https": "wss"}


def console_address(base: str, kind: ConsoleKind, token: str) -> str:
    """Where a console opens: a page for screens, a websocket for serial lines, as OpenStack's clients expect.

    ``base`` is the proxy's address. The page of a serial line is at the same address with ``http``.
    """
    parts = urlsplit(base.rstrip("/"))
    if kind is ConsoleKind.SERIAL:
        return f"{WEBSOCKET.get(parts.scheme, 'ws')}://{parts.netloc}{parts.path}/?token={token}"
    # Both pages put the path of the websocket behind the first slash of their own server's address.
    prefix = f"{parts.path.lstrip('/')}/" if parts.path else ""
    if kind is ConsoleKind.SPICE:
        path = f"&path={quote(f'{prefix}websockify', safe='')}" if prefix else ""
        return f"{parts.geturl()}/spice_auto.html?token={token}{path}"
    return f"{parts.geturl()}/vnc_lite.html?path={quote(f'{prefix}?token={token}', safe='')}"


def token_of(path: str, cookies: str) -> str:
    """The token of a websocket's request: in its path, or in a cookie as older pages of noVNC send it."""
    found = parse_qs(urlsplit(path).query).get("token")
    if found:
        return found[-1]
    try:
        cookie = SimpleCookie(cookies).get("token")
    except CookieError:
        return ""
    return cookie.value if cookie is not None else ""


def may_open(origin: str, host: str, url: str, origins: tuple[str, ...]) -> bool:
    """Tell whether a page of ``origin`` may open a console through the server that was asked as ``host``.

    A browser always says where its page is from; programs that say nothing are not led by a stranger's page.
    ``url`` is the proxy's outer address, ``origins`` are others that may.
    """
    if not origin:
        return True
    outer = urlsplit(url)
    return (urlsplit(origin).netloc == host or origin in origins
            or bool(outer.netloc) and origin == f"{outer.scheme}://{outer.netloc}")
