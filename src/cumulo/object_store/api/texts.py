"""How Swift words its answers: a page for each status, or a line of text."""

import re

from cumulo.core.faults import Fault
from cumulo.object_store.model.faults import StoreFault

HTML = "text/html; charset=UTF-8"
TEXT = "text/plain; charset=utf-8"
PLAIN = "text/plain"
SANDBOX = {
    "Content-Security-Policy": (
        "sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts"
    )
}
"""A tenant's page may run its scripts, but never as a page of the cloud's own address, where a
browser keeps the dashboard's session."""

EXPLAINED = {
    400: "The server could not comply with the request since it is either malformed or otherwise "
    "incorrect.",
    401: "This server could not verify that you are authorized to access the document you "
    "requested.",
    403: "Access was denied to this resource.",
    404: "The resource could not be found.",
    405: "The method is not allowed for this resource.",
    406: "The resource is not available in a format acceptable to your browser.",
    408: "The server has waited too long for the request to be sent by the client.",
    409: "There was a conflict when trying to complete your request.",
    411: "Content-Length header required.",
    412: "A precondition for this request was not met.",
    413: "The body of your request was too large for this server.",
    416: "The Range requested is not available.",
    422: "Unable to process the contained instructions",
    499: "Client was disconnected during request.",
    501: "The requested method is not implemented by this server.",
    503: "The server is currently unavailable. Please try again at a later time.",
    507: "There was not enough space to save the resource.",
}
BROKEN = "The server has either erred or is incapable of performing the requested operation."
ACCEPTED = b"<html><h1>Accepted</h1><p>The request is accepted for processing.</p></html>"


_UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(value: str) -> str:
    """What XML can say; it has no way to say most control characters: a question mark stands for
    each, so that the rest of a list can be read."""
    return _UNSAYABLE.sub("?", value)


def page(status: int, title: str) -> bytes:
    text = EXPLAINED.get(status, BROKEN)
    return f"<html><h1>{title}</h1><p>{text}</p></html>".encode()


def refusal(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    """Swift's envelope: a message of its own is plain text, so that no browser reads it."""
    own = isinstance(fault, StoreFault) or status not in (401, 500)
    if not own or not fault.message or fault.message == EXPLAINED.get(status):
        return HTML, page(status, fault.title)
    return PLAIN, fault.message.encode()
