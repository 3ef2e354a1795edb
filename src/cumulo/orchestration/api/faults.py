"""How orchestration words a refusal."""

import msgspec

from cumulo.core.faults import Fault

_EXPLAINED = {
    400: "The server could not comply with the request since it is either malformed or otherwise "
    "incorrect.",
    403: "Access was denied to this resource.",
    404: "The resource could not be found.",
    409: "There was a conflict when trying to complete your request.",
}
_TYPES = {
    400: "HTTPBadRequest",
    403: "Forbidden",
    404: "EntityNotFound",
    409: "HTTPConflict",
    413: "RequestLimitExceeded",
}
_PLAIN = {"BadRequest", "PolicyNotAuthorized", "NotFound", "Conflict", "InternalServerError"}


def envelope(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    named = fault.kind if fault.kind not in _PLAIN else _TYPES.get(status, fault.kind)
    content = {
        "explanation": _EXPLAINED.get(status, fault.message),
        "code": status,
        "error": {"message": fault.message, "traceback": None, "type": named},
        "title": fault.title,
    }
    return "application/json", msgspec.json.encode(content)
