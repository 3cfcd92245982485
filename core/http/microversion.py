"""Microversions: which version a request asks for, and the headers that answer it.

Source: the API-SIG guideline on microversions and the compute API guide's section on them.
"""

from __future__ import annotations

import re

import falcon

from ..errors import BadRequest, NotAcceptable
from .table import Microversions, Version, version

HEADER = "OPENSTACK-API-VERSION"
FORM = re.compile(r"[1-9][0-9]*\.(0|[1-9][0-9]*)")
LENIENT = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}")


class Negotiation:
    """Finds the microversion of requests to one API."""

    def __init__(self, offered: Microversions) -> None:
        self.offered = offered
        self.first, self.last = version(offered.first), version(offered.last)
        self._legacy = offered.legacy.upper()
        self._form = LENIENT if offered.lenient else FORM

    def asked(self, request: falcon.Request) -> Version:
        """The microversion a request asks for; the first one when it asks for none.

        :raises BadRequest: the header cannot be read.
        :raises NotAcceptable: the version is not offered.
        """
        text = self._text(request)
        if not text:
            return self.first
        if text == "latest":
            return self.last
        if not self._form.fullmatch(text):
            raise BadRequest(f"API Version String {text!r} is of invalid format. Must be of format MajorNum.MinorNum.",
                             microversion=True, asked=text)
        found = version(text)
        if not self.first <= found <= self.last:
            raise NotAcceptable(f"Version {text} is not supported by the API. Minimum is {self.offered.first} "
                                f"and maximum is {self.offered.last}.", microversion=True, asked=text,
                                min_version=self.offered.first, max_version=self.offered.last)
        return found

    def _text(self, request: falcon.Request) -> str:
        header = request.get_header(HEADER)
        if header:
            for part in header.split(","):
                name, _, value = part.strip().partition(" ")
                if name.lower() == self.offered.name:
                    return value.strip().lower()
        if self._legacy:
            return (request.get_header(self._legacy) or "").strip().lower()
        return ""

    def answer(self, response: falcon.Response, found: Version) -> None:
        """Set the headers that say which version was served."""
        text = f"{found[0]}.{found[1]}"
        response.set_header("OpenStack-API-Version", f"{self.offered.name} {text}")
        if self._legacy:
            response.set_header(self.offered.legacy, text)
            response.set_header("Vary", f"OpenStack-API-Version, {self.offered.legacy}")
        else:
            response.set_header("Vary", "OpenStack-API-Version")
