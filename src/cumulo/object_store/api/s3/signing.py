"""Who signed a request to S3; a face's own way of authentication."""

import hmac
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Unauthorized
from cumulo.core.http.operations import Call, Header
from cumulo.identity.interface import RequestKey, RequestKeys
from cumulo.object_store.model import signature as signatures
from cumulo.object_store.model.faults import Denied
from cumulo.object_store.model.signature import Signature

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "key and signing method."
)


_VERSION = "SignatureVersion="


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
        aliases: Sequence[str],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._aliases = aliases
        """Where faces are that need no claim."""
        self._domains = tuple(f".{each.lower()}" for each in domains)
        self._clock = clock

    def claims(self, header: Header, query: str, path: str) -> bool:
        """Is a request at `/` signed for S3?"""
        if any(path == each or path.startswith(f"{each}/") for each in self._aliases):
            return False
        return self._is_signed(header, query)

    def _is_signed(self, header: Header, query: str) -> bool:
        authorization = header("Authorization")
        if authorization is not None:
            if authorization.startswith(signatures.V4):
                return "/s3/aws4_request" in authorization
            return authorization.startswith("AWS ")
        if not query:
            return False
        if "X-Amz-Signature=" in query:
            return "%2Fs3%2F" in query or "/s3/" in query
        # Other services' requests (EC2, CloudFormation) say which version they are signed by.
        return "AWSAccessKeyId=" in query and "Signature=" in query and _VERSION not in query

    def claims_host(self, header: Header, query: str, path: str) -> bool:
        """The same, at the host of a bucket."""
        return bool(self._domains) and (
            self._is_signed(header, query) and self.bucket_of(header("Host") or "") is not None
        )

    def bucket_of(self, host: str) -> str | None:
        """The bucket that a host names; None for the store's own host."""
        name = host.rpartition(":")[0] if ":" in host else host
        for domain in self._domains:
            if name.lower().endswith(domain):
                return name[: -len(domain)]
        return None

    def verify_always(self, tx: Tx, call: Call) -> Principal:
        """Where everybody signs. Raises Denied, BadInput."""
        found = self.verify(tx, call)
        if found is None:
            raise Denied()
        return found

    def verify(self, tx: Tx, call: Call) -> Principal | None:
        """None for a request that is not signed. Raises Denied, BadInput."""
        headers, pairs = call.headers(), signatures.pairs_of(call.query_string)
        found = signatures.read(headers, pairs)
        if found is None:
            return None
        signatures.check_time(found, self._clock())
        if found.version == 2 and not signatures.is_signed_2(call.operation.query):
            raise Denied("This operation is signed by version 4 only.")
        key = self._keys.find(tx, found.access)
        if key is None:
            raise Denied(
                "The AWS Access Key Id you provided does not exist in our records.",
                kind="InvalidAccessKeyId",
            )
        secret = key.version_4(found.scope) if found.version == 4 else b""
        if not any(_same(found.given, right) for right in self._right(call, found, pairs, key)):
            raise Denied(MISMATCH, kind="SignatureDoesNotMatch")
        call.grant = Grant(found, secret)
        try:
            return key.principal(tx)
        except Unauthorized:
            raise Denied() from None

    def whose(self, tx: Tx, call: Call) -> Principal:
        """Whose key a request names, signed or not: for what everybody may know. Raises Denied."""
        found = signatures.read(call.headers(), signatures.pairs_of(call.query_string))
        key = None if found is None else self._keys.find(tx, found.access)
        if key is None:
            raise Denied()
        return key.principal(tx)

    def _right(
        self, call: Call, found: Signature, pairs: signatures.Pairs, key: RequestKey
    ) -> Iterator[str]:
        """The signatures that the request may have."""
        method, headers = call.operation.method, call.headers()
        if found.version == 4:
            text = signatures.text_4(found, method, call.raw_path, pairs, headers)
            secret = key.version_4(found.scope)
            yield hmac.digest(secret, text.encode("latin-1", "replace"), "sha256").hex()
            return
        resource = call.raw_path.removeprefix(call.face.mount) or "/"
        bucket = self.bucket_of(headers.get("host", ""))
        if bucket is not None:
            resource = f"/{bucket}{resource}"
        resources = [resource]
        if resource.count("/") == 1 and resource != "/":
            resources.append(f"{resource}/")  # some sign a bucket as a folder
        if call.face.mount:
            # Some take the whole path for the resource.
            resources += [call.raw_path, f"{call.raw_path}/"]
        for each in resources:
            text = signatures.text_2(found, method, each, pairs, headers)
            yield key.version_2(text.encode("latin-1", "replace"))


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("latin-1", "replace"), other.encode())
