"""Refusals of the object store. A message stands for itself; none means the status's own words.

`kind` is S3's code: its face looks there, Swift's does not.
"""

from collections.abc import Mapping

from cumulo.core.faults import Fault


class StoreFault(Fault):
    """A refusal that has an S3 code; the message may be empty."""

    def __init__(
        self,
        message: str = "",
        *,
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, kind=kind, headers=headers)


class BadInput(StoreFault):
    status = 400
    title = "Bad Request"
    kind = "InvalidRequest"


class NeedsLogin(StoreFault):
    status = 401
    title = "Unauthorized"
    kind = "AccessDenied"


class Denied(StoreFault):
    status = 403
    title = "Forbidden"
    kind = "AccessDenied"


class NoSuchContainer(StoreFault):
    status = 404
    title = "Not Found"
    kind = "NoSuchBucket"


class NoSuchObject(StoreFault):
    status = 404
    title = "Not Found"
    kind = "NoSuchKey"


class WasDeleted(NoSuchObject):
    """The version that is asked for says that there is no object."""


class NoSuchUpload(StoreFault):
    status = 404
    title = "Not Found"
    kind = "NoSuchUpload"


class NotEmpty(StoreFault):
    status = 409
    title = "Conflict"
    kind = "BucketNotEmpty"


class AlreadyThere(StoreFault):
    status = 409
    title = "Conflict"
    kind = "BucketAlreadyOwnedByYou"


class Changed(StoreFault):
    status = 409
    title = "Conflict"
    kind = "OperationAborted"


class LengthRequired(StoreFault):
    status = 411
    title = "Length Required"
    kind = "MissingContentLength"


class PreconditionFailed(StoreFault):
    status = 412
    title = "Precondition Failed"
    kind = "PreconditionFailed"


class NothingMatches(PreconditionFailed):
    """It is to be what it was, and is not there: in S3's words there is no such key."""


class TooFast(StoreFault):
    status = 498
    title = "Rate Limited"
    kind = "SlowDown"


class TooLarge(StoreFault):
    status = 413
    title = "Request Entity Too Large"
    kind = "EntityTooLarge"


class Unprocessable(StoreFault):
    status = 422
    title = "Unprocessable Entity"
    kind = "BadDigest"


class ClientGone(StoreFault):
    status = 499
    title = "Client Disconnect"
    kind = "IncompleteBody"


class NotHere(StoreFault):
    status = 405
    title = "Method Not Allowed"
    kind = "MethodNotAllowed"


class Full(StoreFault):
    status = 507
    title = "Insufficient Storage"
    kind = "InternalError"


class Missing(StoreFault):
    """The row is there and its bytes are not."""

    status = 503
    title = "Service Unavailable"
    kind = "ServiceUnavailable"


class NotImplementedYet(StoreFault):
    status = 501
    title = "Not Implemented"
    kind = "NotImplemented"


class NoRange(StoreFault):
    status = 416
    title = "Requested Range Not Satisfiable"
    kind = "InvalidRange"


class Moved(StoreFault):
    """It is somewhere else: the header `Location` says where."""

    status = 307
    title = "Temporary Redirect"
    kind = "TemporaryRedirect"
