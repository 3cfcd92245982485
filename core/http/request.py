"""What a request says of itself, read as the house reads it."""

from __future__ import annotations

import falcon

from ..errors import BadRequest


class Request(falcon.Request):
    """A request whose own faults are told like any other."""

    @property
    def content_length(self) -> int | None:
        """How many bytes the body is said to have; None: nothing is said.

        :raises BadRequest: what is said is no number of bytes. Most HTTP servers refuse that before anybody is asked.
        """
        try:
            return super().content_length
        except falcon.HTTPInvalidHeader as exc:
            raise BadRequest("The content-length header must be an integer from 0 on.") from exc
