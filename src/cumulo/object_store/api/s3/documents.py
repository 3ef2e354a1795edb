"""S3's documents: XML in and out, and its errors."""

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from cumulo.core.faults import Fault
from cumulo.core.http.operations import Call, Reply
from cumulo.object_store.api.patience import patient
from cumulo.object_store.api.texts import xml_text
from cumulo.object_store.model import limits
from cumulo.object_store.model.faults import BadInput, NoSuchObject, NothingMatches, StoreFault

Handler = Callable[[Call], Awaitable[Reply]]

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
XML = "application/xml"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

_CODES = {
    400: "InvalidRequest",
    401: "AccessDenied",
    403: "AccessDenied",
    404: "NoSuchKey",
    405: "MethodNotAllowed",
    409: "OperationAborted",
    411: "MissingContentLength",
    412: "PreconditionFailed",
    413: "EntityTooLarge",
    416: "InvalidRange",
    422: "BadDigest",
    499: "IncompleteBody",
    501: "NotImplemented",
    503: "ServiceUnavailable",
}
_MESSAGES = {
    "AccessDenied": "Access Denied.",
    "BadDigest": "The Content-MD5 you specified did not match what we received.",
    "BucketAlreadyOwnedByYou": "Your previous request to create the named bucket succeeded and you "
    "already own it.",
    "BucketNotEmpty": "The bucket you tried to delete is not empty.",
    "EntityTooLarge": "Your proposed upload exceeds the maximum allowed object size.",
    "IncompleteBody": "You did not provide the number of bytes specified by the Content-Length "
    "HTTP header",
    "InternalError": "We encountered an internal error. Please try again.",
    "InvalidRange": "The requested range is not satisfiable",
    "MethodNotAllowed": "The specified method is not allowed against this resource.",
    "MissingContentLength": "You must provide the Content-Length HTTP header.",
    "NoSuchBucket": "The specified bucket does not exist",
    "NoSuchKey": "The specified key does not exist.",
    "NoSuchUpload": "The specified multipart upload does not exist.",
    "OperationAborted": "A conflicting conditional operation is currently in progress against this "
    "resource. Try again.",
    "PreconditionFailed": "At least one of the preconditions you specified did not hold.",
    "ServiceUnavailable": "Reduce your request rate.",
    "SlowDown": "Please reduce your request rate.",
}
# What is a status of its own in Swift, and one of S3's common ones there.
_STATUS = {401: 403, 498: 503, 413: 400, 422: 400, 499: 400, 507: 500}


def refusal(fault: Fault, status: int, request_id: str) -> tuple[str, bytes]:
    """S3's envelope."""
    known = isinstance(fault, StoreFault)
    code = fault.kind if known else _CODES.get(status, "InternalError")
    message = fault.message or _MESSAGES.get(code, fault.title)
    body = element(
        "Error",
        element("Code", code),
        element("Message", message),
        element("RequestId", request_id),
    )
    return XML, (HEAD + body).encode()


async def slowly(work: Coroutine[Any, Any, Reply], call: Call) -> Reply:
    """Work whose document may be long in coming: clients look into a 200 for an error."""

    def failed(fault: StoreFault) -> bytes:
        return refusal(fault, fault.status, call.request_id)[1]

    return await patient(work, XML, failed, head=HEAD.encode())


def worded(handler: Handler) -> Handler:
    """The handler with the statuses that S3 has."""

    async def run(call: Call) -> Reply:
        try:
            return await handler(call)
        except NothingMatches:
            raise NoSuchObject() from None
        except StoreFault as fault:
            fault.status = _STATUS.get(fault.status, fault.status)
            raise

    return run


def element(name: str, *content: object) -> str:
    """An element; texts are escaped, elements are not: what begins with `<` is one."""
    inner = "".join(
        each if isinstance(each, str) and each.startswith("<") else escape(xml_text(str(each)))
        for each in content
    )
    return f"<{name}>{inner}</{name}>"


def text(name: str, value: object) -> str:
    """An element whose content is a text, whatever it begins with."""
    return f"<{name}>{escape(xml_text(str(value)))}</{name}>"


def document(name: str, *content: str, status: int = 200, headers: Mapping[str, str] = {}) -> Reply:
    body = f'{HEAD}<{name} xmlns="{NAMESPACE}">{"".join(content)}</{name}>'.encode()
    return Reply(status, headers=dict(headers), raw=body, content_type=XML)


async def read(call: Call) -> ElementTree.Element | None:
    """The document of a small body; None for an empty one. Raises BadInput (MalformedXML)."""
    too_long = BadInput("Your request was too big.", kind="MaxMessageLengthExceeded")
    return parsed(await call.whole_body(limits.S3_XML_LIMIT, too_long))


def malformed_xml() -> BadInput:
    return BadInput(
        "The XML you provided was not well-formed or did not validate against our published schema",
        kind="MalformedXML",
    )


def parsed(raw: bytes) -> ElementTree.Element | None:
    if not raw.strip():
        return None
    malformed = malformed_xml()
    try:
        # As UTF-8, whatever it says of itself: in other encodings nothing looks like itself.
        given = raw.decode("utf-8-sig")
        # Definitions of entities are how small documents become large ones.
        if "<!" in given or "\0" in given:
            raise malformed
        return ElementTree.fromstring(given)
    except (ElementTree.ParseError, ValueError, LookupError):
        raise malformed from None


def name_of(node: ElementTree.Element) -> str:
    """Without its namespace: clients write it or not."""
    return node.tag.rpartition("}")[2]


def children(node: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (each for each in node if name_of(each) == name)


def value_of(node: ElementTree.Element, name: str) -> str | None:
    for each in children(node, name):
        return each.text or ""
    return None
