"""Who signed a request to S3; a face's own way of authentication."""

import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Unauthorized
from cumulo.core.http.operations import Call, Header
from cumulo.identity.interface import RequestKeys
from cumulo.object_store.model import signature as signatures
from cumulo.object_store.model.faults import Denied
from cumulo.object_store.model.signature import Signature

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "key and signing method."
)


@dataclass(frozen=True, slots=True)
class Grant:
    """How a request was signed. `key`: signs the chunks of its body, too."""

    signature: Signature
    key: bytes


class Signing:
    def __init__(
        self,
        keys: RequestKeys,
        domains: Sequence[str],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._domains = tuple(f".{each.lower()}" for each in domains)
        self._clock = clock

    def claims(self, header: Header, query: str) -> bool:
        """Is a request at `/` signed for S3?"""
        authorization = header("Authorization")
        if authorization is not None:
            if authorization.startswith(signatures.V4):
                return "/s3/aws4_request" in authorization
            return authorization.startswith("AWS ")
        if not query:
            return False
        if "X-Amz-Signature=" in query:
            return "%2Fs3%2F" in query or "/s3/" in query
        return "AWSAccessKeyId=" in query and "Signature=" in query

    def claims_host(self, header: Header, query: str) -> bool:
        """The same, at the host of a bucket."""
        return self.claims(header, query) and self.bucket_of(header("Host") or "") is not None

    def bucket_of(self, host: str) -> str | None:
        """The bucket that a host names; None for the store's own host."""
        name = host.rpartition(":")[0] if ":" in host else host
        for domain in self._domains:
            if name.lower().endswith(domain):
                return name[: -len(domain)]
        return None

    def verify(self, tx: Tx, call: Call) -> Principal:
        """Raises Denied, BadInput."""
        headers, pairs = call.headers(), signatures.pairs_of(call.query_string)
        found = signatures.read(headers, pairs)
        if found is None:
            raise Denied()
        signatures.check_time(found, self._clock())
        key = self._keys.find(tx, found.access)
        if key is None:
            raise Denied(
                "The AWS Access Key Id you provided does not exist in our records.",
                kind="InvalidAccessKeyId",
            )
        method = call.operation.method
        secret = b""
        if found.version == 4:
            secret = key.version_4(found.scope)
            text = signatures.text_4(found, method, call.raw_path, pairs, headers)
            right = hmac.digest(secret, text.encode("latin-1", "replace"), "sha256").hex()
        else:
            resource = call.raw_path
            bucket = self.bucket_of(headers.get("host", ""))
            if bucket is not None:
                resource = f"/{bucket}{resource}"
            elif call.face.mount:
                resource = resource.removeprefix(call.face.mount)
            text = signatures.text_2(found, method, resource or "/", pairs, headers)
            right = key.version_2(text.encode("latin-1", "replace"))
        if not hmac.compare_digest(right.encode(), found.given.encode("latin-1", "replace")):
            raise Denied(MISMATCH, kind="SignatureDoesNotMatch")
        call.grant = Grant(found, secret)
        try:
            return key.principal(tx)
        except Unauthorized:
            raise Denied() from None
