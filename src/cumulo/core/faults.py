"""What can go wrong with a request, by meaning.

Services raise these; `core.http.faults` renders them in the envelope of the service that the
client called (compute's `itemNotFound`, `NeutronError`, keystone's `error` …).
"""

from collections.abc import Mapping

LONGEST = 2000
"""Characters of a text for a person: what it quotes of a request may be of any length."""


class Fault(Exception):
    """A refusal with an HTTP status, a text for a person and, for Neutron, a type name."""

    status = 500
    title = "Internal Server Error"
    kind = "InternalServerError"

    def __init__(
        self,
        message: str,
        *,
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
        code: str | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        message = _short(message)
        super().__init__(message)
        self.message = message
        self.kind = kind or type(self).kind
        self.headers = dict(headers or {})
        self.code = code
        self.details = dict(details or {})
        """More that some services' faults tell by name."""
        """placement's error code, say `placement.concurrent_update`"""


class BadRequest(Fault):
    status = 400
    title = "Bad Request"
    kind = "BadRequest"


class Unauthorized(Fault):
    status = 401
    title = "Unauthorized"
    kind = "Unauthorized"


class Forbidden(Fault):
    status = 403
    title = "Forbidden"
    kind = "PolicyNotAuthorized"


class QuotaExceeded(Fault):
    """403 at compute, 413 at block storage and image, 409 at network: the renderer decides."""

    status = 403
    title = "Forbidden"
    kind = "OverQuota"


class NotFound(Fault):
    status = 404
    title = "Not Found"
    kind = "NotFound"


class MethodNotAllowed(Fault):
    status = 405
    title = "Method Not Allowed"
    kind = "MethodNotAllowed"


class NotAcceptable(Fault):
    status = 406
    title = "Not Acceptable"
    kind = "NotAcceptable"


class Conflict(Fault):
    status = 409
    title = "Conflict"
    kind = "Conflict"


class Gone(Fault):
    status = 410
    title = "Gone"
    kind = "Gone"


class TooLarge(Fault):
    status = 413
    title = "Request Entity Too Large"
    kind = "RequestEntityTooLarge"


class UnsupportedMediaType(Fault):
    status = 415
    title = "Unsupported Media Type"
    kind = "UnsupportedMediaType"


class RangeNotSatisfiable(Fault):
    status = 416
    title = "Requested Range Not Satisfiable"
    kind = "RangeNotSatisfiable"


class TooManyRequests(Fault):
    status = 429
    title = "Too Many Requests"
    kind = "TooManyRequests"


class NotImplementedHere(Fault):
    """The operation exists in the API, and this cloud's driver cannot do it."""

    status = 501
    title = "Not Implemented"
    kind = "NotImplemented"


class Unavailable(Fault):
    status = 503
    title = "Service Unavailable"
    kind = "ServiceUnavailable"


def _short(message: str) -> str:
    """Its beginning and its end, which says what is wrong."""
    if len(message) <= LONGEST:
        return message
    return f"{message[: LONGEST * 3 // 4]} … {message[-LONGEST // 5 :]}"
