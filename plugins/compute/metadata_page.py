"""The metadata service: what guests read at 169.254.169.254, as a WSGI application.

Network's metadata proxies send it with the guest's address and network in headers. Over a Unix
socket they are believed; over TCP only with a signature made with the shared secret.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...core.errors import BadRequest, CloudError, Conflict, Forbidden, NotFound
from ...core.http.mount import StartResponse
from ...core.process.slice import Kit
from ...core.process.unix import TRUSTED
from ...core.services.compute import ComputeService
from ...core.services.network import NetworkService
from .metadata import EC2_VERSIONS
from .passwords import MAX_BYTES

PREFIX = "/metadata"
CACHED_S = 5.0
PASSWORD = re.compile("openstack/(latest|20[0-9-]{8})/password")
JSON, TEXT, BYTES = "application/json", "text/plain; charset=utf-8", "application/octet-stream"


class MetadataPage:
    """Answers GETs for the files of a server's metadata; folders are lists of names, one a line."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._cache: dict[str, tuple[float, Mapping[str, bytes]]] = {}

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        status, kind, data = self._answer(environ)
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(data)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [data]

    def _answer(self, environ: Mapping[str, Any]) -> tuple[str, str, bytes]:
        path = str(environ.get("PATH_INFO", "/")).removeprefix(PREFIX).strip("/")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD", "POST" if PASSWORD.fullmatch(path) else "GET"):
            return "405 Method Not Allowed", TEXT, b"405 Method Not Allowed\n"
        try:
            server_id = self._server(environ)
            if environ["REQUEST_METHOD"] == "POST":
                self._keep_password(server_id, environ)
                return "200 OK", TEXT, b""
            kind, data = found(self._files(server_id), path)
        except NotFound:
            return "404 Not Found", TEXT, b"404 Not Found\n"
        except Forbidden:
            return "403 Forbidden", TEXT, b"403 Forbidden\n"
        except Conflict:
            return "409 Conflict", TEXT, b"409 Conflict\n"
        except BadRequest:
            return "400 Bad Request", TEXT, b"400 Bad Request\n"
        except CloudError as error:
            self._kit.log.warning("the metadata service failed: %s", error)
            return "503 Service Unavailable", TEXT, b"503 Service Unavailable\n"
        return "200 OK", kind, data

    def _keep_password(self, server_id: str, environ: Mapping[str, Any]) -> None:
        """Keep what the guest tells of its password. :raises Conflict: it has told before."""
        length = str(environ.get("CONTENT_LENGTH") or "0")
        if not length.isdigit() or int(length) > MAX_BYTES:
            raise BadRequest("Request is too large.")
        kit = self._kit
        kit.peers.of(ComputeService).tell_password(kit.context(), server_id, environ["wsgi.input"].read(int(length)))
        self._cache.pop(server_id, None)

    def _server(self, environ: Mapping[str, Any]) -> str:
        """Who asks. :raises Forbidden: the headers cannot be believed. :raises NotFound: nobody known."""
        address = str(environ.get("HTTP_X_FORWARDED_FOR", "")).partition(",")[0].strip()
        network = str(environ.get("HTTP_X_NEUTRON_NETWORK_ID", ""))
        if TRUSTED not in environ:
            self._believe(environ, f"{network}/{address}")
        if not address or not network:
            raise NotFound()
        kit = self._kit
        return kit.peers.of(NetworkService).owner_of_address(kit.context(), network, address)

    def _believe(self, environ: Mapping[str, Any], text: str) -> None:
        secret = str(self._kit.options.metadata_secret)
        given = str(environ.get("HTTP_X_INSTANCE_ID_SIGNATURE", ""))
        wanted = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        if not secret or not hmac.compare_digest(given.encode(), wanted.encode()):
            raise Forbidden()

    def _files(self, server_id: str) -> Mapping[str, bytes]:
        kit = self._kit
        now = kit.clock.monotonic()
        kept = self._cache.get(server_id)
        if kept is not None and now - kept[0] < CACHED_S:
            return kept[1]
        files = kit.peers.of(ComputeService).metadata(kit.context(), server_id)
        if len(self._cache) > 200:
            self._cache.clear()
        self._cache[server_id] = (now, files)
        return files


def found(files: Mapping[str, bytes], path: str) -> tuple[str, bytes]:
    """The content type and bytes of a path: a file, or the list of a folder. :raises NotFound: neither."""
    if path and not path.startswith("openstack") and path.partition("/")[0] in EC2_VERSIONS:
        path = "ec2/" + path
    if not path:
        return TEXT, "\n".join((*EC2_VERSIONS, "openstack")).encode()
    if path in files and not path.endswith("meta-data.json"):
        name = path.rpartition("/")[2]
        return (JSON if name.endswith(".json") else BYTES if name.startswith("user") else TEXT), files[path]
    names = _names(files, path + "/")
    if not names or path.startswith("ec2") and "/" not in path:
        raise NotFound()
    if path.startswith("ec2/") and path.count("/") == 1:
        names = [name.rstrip("/") for name in names if not name.endswith(".json")]
    return TEXT, "\n".join(names).encode()


def _names(files: Mapping[str, bytes], folder: str) -> list[str]:
    """What is in a folder; folders of the EC2 form end with a slash, as guests expect."""
    seen: dict[str, None] = {}
    slash = "/" if folder.startswith("ec2/") else ""
    for path in files:
        if path.startswith(folder):
            name, deeper, _ = path[len(folder):].partition("/")
            seen[name + slash if deeper else name] = None
    return sorted(seen)
