"""Keys of requests that are signed for S3: who holds them, and what they sign.

The object store checks such requests itself, in the same process: it gets a key that is good for
one day, region and service, never the secret, and the principal that a token of the credential
would name.
"""

import base64
import hmac
from collections.abc import Mapping, Sequence

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault, Unauthorized
from cumulo.identity.model.trust import TrustRow
from cumulo.identity.service.authentication.ec2 import (
    Ec2Signatures,
    SignedRequest,
    signing_key,
)
from cumulo.identity.service.authentication.method import refused
from cumulo.identity.service.credentials import FoundKey
from cumulo.identity.service.tokens import Tokens


class RequestKey:
    """Implements `identity.interface.RequestKey`."""

    def __init__(self, key: FoundKey, signatures: Ec2Signatures, tokens: Tokens) -> None:
        self._key = key
        self._signatures = signatures
        self._tokens = tokens

    def version_4(self, scope: Sequence[str]) -> bytes:
        return signing_key(self._key.secret, list(scope))

    def version_2(self, text: bytes) -> str:
        return base64.b64encode(hmac.digest(self._key.secret.encode(), text, "sha1")).decode()

    def principal(self, tx: Tx) -> Principal:
        key = self._key
        if key.trust_id is not None:
            trust = tx.get(TrustRow, key.trust_id)
            # Each request would have to count as a use, and reading is no writing.
            if trust is None or trust.remaining_uses is not None:
                raise refused()
        found = self._signatures.identified(tx, key)
        assert found.scope is not None
        try:
            return self._tokens.principal_of(tx, found.user, found.scope, found.binding)
        except Unauthorized:
            raise
        except Fault:  # its lender is disabled, or has not what was lent
            raise refused() from None


class RequestKeys:
    """Implements `identity.interface.RequestKeys`."""

    def __init__(self, signatures: Ec2Signatures, tokens: Tokens) -> None:
        self._signatures = signatures
        self._tokens = tokens

    def find(self, tx: Tx, access: str) -> RequestKey | None:
        found = self._signatures.find(tx, access)
        return None if found is None else RequestKey(found, self._signatures, self._tokens)

    def signed(
        self,
        tx: Tx,
        access: str,
        signature: str,
        *,
        verb: str,
        host: str,
        path: str,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        body_hash: str,
    ) -> Principal:
        key = self.find(tx, access)
        timed = "Timestamp" in params or params.get("SignatureVersion") != "2"
        if key is None or not timed:
            raise refused()
        asked = SignedRequest(
            access, signature, host, verb, path, dict(params), dict(headers), body_hash
        )
        self._signatures.identify_ec2(tx, asked)
        return key.principal(tx)
