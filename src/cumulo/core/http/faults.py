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


def image_json(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    """The same for who asks for JSON: as WebOb writes it, the page's line breaks included."""
    content = {
        "message": f"{fault.message}<br /><br />\n\n\n",
        "code": f"{status} {fault.title}",
        "title": fault.title,
    }
    return JSON, msgspec.json.encode(content)


def prefers_json(accept: str) -> bool:
    """Whether a header `Accept` wants JSON rather than a page; whoever takes both alike gets the
    page."""
    weights: dict[str, float] = {}
    for part in accept[:1000].lower().split(","):
        kind, *parameters = [each.strip() for each in part.split(";")]
        weight = 1.0
        for each in parameters:
            if each.startswith("q="):
                try:
                    weight = float(each[2:6])
                except ValueError:
                    weight = 0.0
        weights[kind] = weight

    def wanted(kind: str) -> float:
        most = (kind, kind.partition("/")[0] + "/*", "*/*")
        return next((weights[each] for each in most if each in weights), 0.0)

    return wanted("application/json") > wanted("text/html")


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
