"""The few errors of the cloud, each with its status, its stable code and whether a retry may help.

Drivers and services raise these; only ``core.http`` turns them into a status and a
service's own fault body. ``code`` strings never change once released.
"""

from __future__ import annotations


class CloudError(Exception):
    """Base of all errors. ``facts`` are details for logs and for fault renderers.

    ``message`` must be fit for a tenant's eyes. The fact ``type`` names a service's own
    word for the error (network's ``NetworkNotFound``); renderers that have such a field use it.
    """

    status = 500
    code = "internal"
    retry = False

    def __init__(self, message: str = "", **facts: object) -> None:
        super().__init__(message)
        self.message = message or self.default_message()
        self.facts = facts

    def default_message(self) -> str:
        """The sentence used when the raiser gave none: the first line of the class's docstring."""
        return (type(self).__doc__ or "An error.").strip().splitlines()[0]

    def __str__(self) -> str:
        return self.message


class BadRequest(CloudError):
    """The request is malformed or contradicts itself."""

    status, code = 400, "bad-request"


class Unauthorized(CloudError):
    """The request you have made requires authentication."""

    status, code = 401, "unauthorized"


class Forbidden(CloudError):
    """You are not authorized to perform the requested action."""

    status, code = 403, "forbidden"


class QuotaExceeded(CloudError):
    """The quota is exceeded."""

    status, code = 403, "quota-exceeded"


class NotFound(CloudError):
    """The resource could not be found."""

    status, code = 404, "not-found"


class MethodNotAllowed(CloudError):
    """The method is not allowed for this resource."""

    status, code = 405, "http-405"


class NotAcceptable(CloudError):
    """The requested version or representation is not offered."""

    status, code = 406, "not-acceptable"


class Conflict(CloudError):
    """The request conflicts with the present state."""

    status, code = 409, "conflict"


class AlreadyExists(Conflict):
    """A resource of this name or identity exists."""

    code = "already-exists"


class InUse(Conflict):
    """The resource is in use."""

    code = "in-use"


class WrongState(Conflict):
    """The resource is in a state that does not allow this."""

    code = "wrong-state"


class ConcurrentUpdate(Conflict):
    """Another request changed the resource first; read it again."""

    code, retry = "concurrent-update", True


class NotSupported(Conflict):
    """The backend cannot do this."""

    code = "not-supported"


class Interrupted(CloudError):
    """It was stopped before it was done, because somebody asked for that."""

    status, code = 409, "interrupted"


class Gone(CloudError):
    """The resource is no longer available."""

    status, code = 410, "gone"


class PreconditionFailed(CloudError):
    """A precondition of the request does not hold."""

    status, code = 412, "precondition-failed"


class TooLarge(CloudError):
    """The request is larger than allowed."""

    status, code = 413, "too-large"


class UnsupportedMedia(CloudError):
    """The media type of the request is not supported."""

    status, code = 415, "unsupported-media"


class RangeNotSatisfiable(CloudError):
    """The requested range lies outside the data."""

    status, code = 416, "range-not-satisfiable"


class RateLimited(CloudError):
    """Too many requests; try again later."""

    status, code, retry = 429, "rate-limited", True


class BackendFailed(CloudError):
    """A backend failed in an unexpected way."""

    status, code = 500, "backend-failed"


class NoSpace(BackendFailed):
    """The backend has no room left."""

    code = "no-space"


class NoValidHost(CloudError):
    """No valid host was found."""

    status, code = 500, "no-valid-host"


class BackendBusy(CloudError):
    """A backend cannot answer just now; try again later."""

    status, code, retry = 503, "backend-busy", True


class Unreachable(BackendBusy):
    """The other processes of the cloud cannot be reached just now; try again later."""

    code = "unreachable"


class UnknownVerb(BackendBusy):
    """A process of the cloud that this needs is of an older release; try again when it is upgraded."""

    code = "unknown-verb"


class NoSuchDriver(CloudError):
    """No driver of this name can be loaded."""

    status, code = 500, "no-such-driver"


class BadConfiguration(CloudError):
    """The configuration is wrong."""

    status, code = 500, "bad-configuration"
