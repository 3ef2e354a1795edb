"""How each service words a refusal. One function per envelope: (fault, status, request id) in,
content type and body out."""

import html
from typing import Any

import msgspec

from cumulo.core.faults import Fault

JSON = "application/json"

_COMPUTE = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    406: "notAcceptable",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}


def compute(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    """Compute and block storage: the key of the object names the fault."""
    key = _COMPUTE.get(status, "computeFault")
    content: dict[str, Any] = {"code": status, "message": fault.message}
    if status in (413, 429):
        content["retryAfter"] = fault.headers.get("Retry-After", "0")
    return JSON, msgspec.json.encode({key: content})


def identity(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    content = {"code": status, "title": fault.title, "message": fault.message}
    return JSON, msgspec.json.encode({"error": content})


def network(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    content = {"type": fault.kind, "message": fault.message, "detail": ""}
    return JSON, msgspec.json.encode({"NeutronError": content})


def image(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    """Glance answers as a page."""
    title = f"{status} {fault.title}"
    page = (
        f"<html>\n <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n  "
        f"{html.escape(fault.message)}<br /><br />\n\n\n </body>\n</html>"
    )
    return "text/html; charset=UTF-8", page.encode()


def placement(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    content = {
        "status": status,
        "title": fault.title,
        "detail": fault.message,
        "code": fault.code or "placement.undefined_code",
        "request_id": request_id,
        **fault.details,
    }
    return JSON, msgspec.json.encode({"errors": [content]})
