"""Signatures of requests to S3: version 4 (header, presigned, chunks) and version 2.

Everything here is about texts: what a request says of its signature, and the texts that are signed.
The keys are identity's. Paths are signed as S3 has it: encoded once, nothing collapsed.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote, unquote_to_bytes

from cumulo.object_store.model.faults import BadInput, Denied

V4 = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
STREAMING = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
STREAMING_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
CHUNKED = (STREAMING, STREAMING_TRAILER, UNSIGNED_TRAILER)
EMPTY = hashlib.sha256().hexdigest()
SKEW = 900.0
"""Seconds that a request's time may differ from ours."""
LONGEST = 604_800
"""Seconds that a presigned URL may be good for: a week."""
_DATE = re.compile(r"\d{8}T\d{6}Z")
_BLANKS = re.compile("[ \t]+")
_HASH = re.compile(r"[0-9a-fA-F]{64}")
# The parts of a query that name another resource, for version 2.
_SUBRESOURCES = frozenset(
    {
        *("accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory"),
        *("lifecycle", "location", "logging", "metrics", "notification", "object-lock"),
        *("replication", "restore", "select", "select-type", "storageClass"),
        *("partNumber", "policy", "requestPayment", "tagging", "torrent", "uploadId", "uploads"),
        *("versionId", "versioning", "versions", "website"),
        *("response-cache-control", "response-content-disposition", "response-content-encoding"),
        *("response-content-language", "response-content-type", "response-expires"),
    }
)

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request says of its own signature."""

    version: int
    access: str
    given: str
    moment: float
    """When it was signed, or for version 2's URLs when it ends: seconds since the epoch."""
    scope: tuple[str, ...] = ()
    date: str = ""
    signed: tuple[str, ...] = ()
    payload: str = UNSIGNED
    expires: int | None = None
    """Of a presigned URL: seconds from its moment on."""


def pairs_of(query: str) -> list[tuple[str, str]]:
    """Name and value as they are encoded once by the rules of the signature."""
    found = []
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        found.append((encoded(unquote_to_bytes(name)), encoded(unquote_to_bytes(value))))
    return found


def encoded(text: bytes, *, slash: bool = False) -> str:
    return quote(text, safe="-._~/" if slash else "-._~")


def read(headers: Mapping[str, str], pairs: Pairs) -> Signature | None:
    """None for a request that is not signed at all. Raises BadInput and Denied for nonsense."""
    query = {name: unquote_to_bytes(value).decode("latin-1") for name, value in pairs}
    authorization = headers.get("authorization", "")
    if authorization.startswith(V4):
        return _header_4(authorization[len(V4) :], headers)
    if query.get("X-Amz-Algorithm") == V4:
        return _query_4(query, headers)
    if authorization.startswith("AWS "):
        access, mark, given = authorization[4:].strip().rpartition(":")
        if not mark or not access:
            raise BadInput("Authorization header is malformed.", kind="InvalidArgument")
        return Signature(2, access, given, _date_2(headers))
    if "AWSAccessKeyId" in query and "Signature" in query:
        end = query.get("Expires", "")
        if not end.isdecimal() or len(end) > 12:
            raise Denied("Invalid date (should be seconds since epoch)")
        return Signature(
            2, query["AWSAccessKeyId"], query["Signature"], float(end), expires=int(end)
        )
    return None


def hash_of(signature: Signature, headers: Mapping[str, str]) -> str | None:
    """The SHA-256 that the body is said to have. Version 2 does not sign it, and holds to it."""
    said = signature.payload
    if signature.version != 4:
        said = headers.get("x-amz-content-sha256") or UNSIGNED
    return None if said in (UNSIGNED, *CHUNKED) else said.lower()


def _header_4(text: str, headers: Mapping[str, str]) -> Signature:
    said = dict(part.strip().partition("=")[::2] for part in text.split(","))
    access, scope = _credential(said.get("Credential", ""), "AuthorizationHeaderMalformed")
    date = headers.get("x-amz-date") or ""
    if not date and headers.get("date"):
        date = _basic(headers["date"])
    moment = _moment(date)
    payload = headers.get("x-amz-content-sha256")
    if payload is None:
        raise BadInput("Missing required header for this request: x-amz-content-sha256")
    if payload not in (UNSIGNED, *CHUNKED) and not _HASH.fullmatch(payload):
        raise BadInput(
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a "
            "valid sha256 value.",
            kind="InvalidArgument",
        )
    signed = tuple(said.get("SignedHeaders", "").split(";"))
    if not said.get("Signature") or "host" not in signed:
        raise BadInput(
            "The authorization header is malformed.", kind="AuthorizationHeaderMalformed"
        )
    _all_are_signed(headers, signed)
    return Signature(4, access, said["Signature"], moment, scope, date, signed, payload)


def _query_4(query: Mapping[str, str], headers: Mapping[str, str]) -> Signature:
    problem = "AuthorizationQueryParametersError"
    access, scope = _credential(query.get("X-Amz-Credential", ""), problem)
    expires, date = query.get("X-Amz-Expires", ""), query.get("X-Amz-Date", "")
    if not expires.isdecimal() or not 0 < int(expires[:12]) <= LONGEST:
        raise BadInput("X-Amz-Expires must be a number of seconds up to a week", kind=problem)
    signed = tuple(query.get("X-Amz-SignedHeaders", "").split(";"))
    if "host" not in signed or not query.get("X-Amz-Signature"):
        raise BadInput("X-Amz-SignedHeaders and X-Amz-Signature are needed", kind=problem)
    _all_are_signed(headers, signed)
    payload = query.get("X-Amz-Content-Sha256") or headers.get("x-amz-content-sha256") or UNSIGNED
    return Signature(
        4,
        access,
        query["X-Amz-Signature"],
        _moment(date),
        scope,
        date,
        signed,
        payload,
        int(expires),
    )


def _all_are_signed(headers: Mapping[str, str], signed: Sequence[str]) -> None:
    """What S3 obeys must be the signer's own word."""
    for name in headers:
        unsigned = name.startswith("x-amz-") and name not in signed
        if unsigned and name != "x-amz-content-sha256":
            raise Denied("There were headers present in the request which were not signed")


def _credential(text: str, problem: str) -> tuple[str, tuple[str, ...]]:
    access, *scope = text.rsplit("/", 4)
    if len(scope) != 4 or not access or not (scope[0].isdecimal() and len(scope[0]) == 8):
        raise BadInput("The credential is malformed: KEY/DATE/REGION/s3/aws4_request", kind=problem)
    if scope[2] != "s3" or scope[3] != "aws4_request":
        raise BadInput(f"The credential must be scoped to s3, not to {scope[2]:.40}", kind=problem)
    return access, tuple(scope)


def _basic(date: str) -> str:
    """An HTTP date in the signature's own form."""
    try:
        return parsedate_to_datetime(date).astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    except (ValueError, TypeError, IndexError, OverflowError):
        return ""


def _moment(date: str) -> float:
    if not _DATE.fullmatch(date):
        raise Denied("AWS authentication requires a valid Date or x-amz-date header")
    try:
        return datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise Denied("AWS authentication requires a valid Date or x-amz-date header") from None


def _date_2(headers: Mapping[str, str]) -> float:
    return _moment(_basic(headers.get("x-amz-date") or headers.get("date") or ""))


def check_time(signature: Signature, now: float) -> None:
    """Raises Denied."""
    if signature.expires is None:
        if abs(signature.moment - now) > SKEW:
            raise Denied(
                "The difference between the request time and the current time is too large.",
                kind="RequestTimeTooSkewed",
            )
        return
    end = signature.moment if signature.version == 2 else signature.moment + signature.expires
    if end < now:
        raise Denied("Request has expired")
    if signature.version == 4 and signature.moment - now > SKEW:
        raise Denied("Request is not yet valid")


def _folded(value: str) -> str:
    """A header's value as it is signed. Only blanks and tabs are blanks: others that Python knows
    are bytes of letters here."""
    return _BLANKS.sub(" ", value.strip(" \t"))


def text_4(
    signature: Signature, method: str, path: str, pairs: Pairs, headers: Mapping[str, str]
) -> str:
    """The text that version 4 signs. `path`: as it was sent."""
    query = sorted(pair for pair in pairs if pair[0] != "X-Amz-Signature")
    request = "\n".join(
        (
            method,
            encoded(unquote_to_bytes(path), slash=True) or "/",
            "&".join(f"{name}={value}" for name, value in query),
            *(f"{name}:{_folded(headers.get(name, ''))}" for name in signature.signed),
            "",
            ";".join(signature.signed),
            signature.payload,
        )
    )
    digest = hashlib.sha256(request.encode("latin-1", "replace")).hexdigest()
    return "\n".join((V4, signature.date, "/".join(signature.scope), digest))


def is_signed_2(query: str) -> bool:
    """Whether version 2 signs the part of a query that chooses the operation; who has a signed URL
    could else add it."""
    return not query or query in _SUBRESOURCES


def text_2(
    signature: Signature,
    method: str,
    resource: str,
    pairs: Pairs,
    headers: Mapping[str, str],
) -> str:
    """The text that version 2 signs. `resource`: `/bucket/key`, as it was sent."""
    own = sorted(
        (name, _folded(value)) for name, value in headers.items() if name.startswith("x-amz-")
    )
    date = "" if "x-amz-date" in headers else headers.get("date", "")
    if signature.expires is not None:
        date = str(signature.expires)
    named = sorted(pair for pair in pairs if pair[0] in _SUBRESOURCES)
    decoded = ((n, unquote_to_bytes(v).decode("latin-1")) for n, v in named)
    query = "&".join(f"{name}={value}" if value else name for name, value in decoded)
    return "\n".join(
        (
            method,
            headers.get("content-md5", ""),
            headers.get("content-type", ""),
            date,
            *(f"{name}:{value}" for name, value in own),
            resource + (f"?{query}" if query else ""),
        )
    )


def chunk_signature(key: bytes, signature: Signature, before: str, digest: str) -> str:
    """Of one chunk of a streamed body, which has the hash `digest`."""
    text = "\n".join(
        (
            "AWS4-HMAC-SHA256-PAYLOAD",
            signature.date,
            "/".join(signature.scope),
            before,
            EMPTY,
            digest,
        )
    )
    return hmac.digest(key, text.encode(), "sha256").hex()


def trailer_signature(key: bytes, signature: Signature, before: str, trailer: bytes) -> str:
    digest = hashlib.sha256(trailer).hexdigest()
    text = "\n".join(
        (
            "AWS4-HMAC-SHA256-TRAILER",
            signature.date,
            "/".join(signature.scope),
            before,
            digest,
        )
    )
    return hmac.digest(key, text.encode(), "sha256").hex()
