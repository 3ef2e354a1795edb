"""Requests signed by OAuth 1.0a (RFC 5849), checked with oauthlib.

oauthlib is imported when the first such request comes: few clouds ever see one.
"""

import time
from dataclasses import dataclass
from typing import Any

from cumulo.core.faults import BadRequest
from cumulo.identity.service.authentication.method import refused
from cumulo.identity.service.once import Once

LIFETIME = 600
"""Seconds that a signature's time may differ from ours."""
HEADER_LIMIT = 8192


@dataclass(frozen=True, slots=True)
class Signed:
    """What the header says; nothing of it is proved before `check`."""

    consumer_id: str
    token_id: str
    verifier: str
    once: Once
    """A request is carried out once."""


def read(authorization: str) -> Signed:
    """Raises Unauthorized without a header of OAuth, BadRequest for a broken one."""
    if not authorization[:6].lower() == "oauth " or len(authorization) > HEADER_LIMIT:
        raise refused()
    from oauthlib.oauth1.rfc5849.utils import parse_authorization_header

    try:
        said = dict(parse_authorization_header(authorization))
    except ValueError:
        raise BadRequest("Malformed authorization header.") from None
    consumer = said.get("oauth_consumer_key", "")
    if not consumer:
        raise BadRequest("Expecting to find oauth_consumer_key in request.")
    nonce = (consumer, said.get("oauth_timestamp", ""), said.get("oauth_nonce", ""))
    once = Once(f"oauth1 {nonce}", time.time() + 2 * LIFETIME)
    return Signed(consumer, said.get("oauth_token", ""), said.get("oauth_verifier", ""), once)


def check(
    signed: Signed, url: str, authorization: str, secret: str, token_secret: str | None
) -> None:
    """401 unless the request is signed with these secrets."""
    from oauthlib.oauth1 import OAuth1Error, SignatureOnlyEndpoint

    endpoint = SignatureOnlyEndpoint(_validator(signed, secret, token_secret))
    headers = {"Authorization": authorization}
    try:
        valid, _ = endpoint.validate_request(url, "POST", "", headers)
    except (OAuth1Error, ValueError) as error:
        raise BadRequest(f"Malformed signature: {error}") from None
    if not valid:
        raise refused()


def _validator(signed: Signed, secret: str, token_secret: str | None) -> Any:
    """oauthlib's questions, answered for this one request."""
    from oauthlib.oauth1 import (
        SIGNATURE_HMAC_SHA1,
        SIGNATURE_HMAC_SHA256,
        SIGNATURE_HMAC_SHA512,
        RequestValidator,
    )

    class OneRequest(RequestValidator):  # type: ignore[misc]
        allowed_signature_methods = (
            SIGNATURE_HMAC_SHA1,
            SIGNATURE_HMAC_SHA256,
            SIGNATURE_HMAC_SHA512,
        )
        enforce_ssl = False
        timestamp_lifetime = LIFETIME
        dummy_client = "dummy"

        def check_client_key(self, client_key: str) -> bool:
            return 0 < len(client_key) <= 64

        def check_nonce(self, nonce: str) -> bool:
            return 0 < len(nonce) <= 255

        def validate_client_key(self, client_key: str, request: Any) -> bool:
            return client_key == signed.consumer_id

        def validate_timestamp_and_nonce(self, *_: Any, **__: Any) -> bool:
            return True

        def get_client_secret(self, client_key: str, request: Any) -> str:
            return secret

        def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
            return token_secret or ""

    return OneRequest()
