"""Tokens for requests that were signed with EC2 credentials: by EC2 tools, and by those of S3.

The signature is checked over what a proxy says that the request was; that is why only services
may ask (the API's policy). What the credential was made with (a trust, an application credential,
an OAuth token) binds the token too.
"""

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from cumulo.core.clock import Moment, seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.identity.model.application_credential import ApplicationCredentialRow
from cumulo.identity.model.oauth1 import AccessTokenRow
from cumulo.identity.model.trust import TrustRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.authentication.method import (
    Binding,
    Identified,
    Scope,
    Text,
    refused,
)
from cumulo.identity.service.credentials import FoundKey
from cumulo.identity.service.trusts import moment_of

AUTH_TTL = 900.0
"""Seconds that a signed time may differ from ours."""
V4 = "AWS4-HMAC-SHA256"
S3_SERVICES = ("s3", "sts", "iam")
"""Services whose requests an object store hands on to be verified."""
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z")

Names = Annotated[dict[str, Any], msgspec.Meta(max_length=200)]


FindKey = Callable[[Tx, str], FoundKey | None]
"""By the access key."""


class SignedRequest(msgspec.Struct):
    """A request as a proxy saw it. `token`: the text that S3 tools signed, in base64."""

    access: Text | None = None
    signature: Text | None = None
    host: Text = ""
    verb: Text = "GET"
    path: Text = "/"
    params: Names = {}
    headers: Names = {}
    body_hash: Text = ""
    token: Annotated[str, msgspec.Meta(max_length=32_768)] | None = None


class Ec2Signatures:
    def __init__(self, find: FindKey, *, clock: Callable[[], float] = time.time) -> None:
        self.find = find
        self._clock = clock

    def identify_ec2(self, tx: Tx, asked: SignedRequest) -> Identified:
        key = self._key(tx, asked)
        if not asked.signature:
            raise refused()
        hosts = [asked.host]
        if ":" in asked.host:
            # Some clients sign the host without its port.
            hosts.append(asked.host.rpartition(":")[0])
        found = [ec2_signature(key.secret, asked, host) for host in hosts]
        if not any(_same(each, asked.signature) for each in found if each is not None):
            raise refused()
        self._check_time(asked)
        return self.identified(tx, key)

    def identify_s3(self, tx: Tx, asked: SignedRequest) -> Identified:
        key = self._key(tx, asked)
        found = s3_signature(key.secret, asked.token or "")
        if found is None or not asked.signature or not _same(found, asked.signature):
            raise refused()
        self._check_time(asked)
        return self.identified(tx, key)

    def _key(self, tx: Tx, asked: SignedRequest) -> FoundKey:
        if not asked.access:
            raise refused()
        key = self.find(tx, asked.access)
        if key is None:
            raise NotFound("EC2 access key not found.")
        return key

    def _check_time(self, asked: SignedRequest) -> None:
        """Of the signed time, if there is one: whoever left it out wanted that."""
        headers = _lowered(asked.headers)
        if _is_version_4(asked, headers):
            # The one that the signature is over: of a POST nothing else in the query is signed.
            text = headers.get("x-amz-date") or asked.params.get("X-Amz-Date")
        else:
            text = asked.params.get("Timestamp")
        if not text:
            return
        compact = _COMPACT.fullmatch(str(text))
        if compact:
            year, month, day, hour, minute, second = compact.groups()
            text = f"{year}-{month}-{day}T{hour}:{minute}:{second}Z"
        signed_at = seconds_of(moment_of(str(text), "timestamp"))
        if abs(self._clock() - signed_at) > AUTH_TTL:
            raise refused()

    def identified(self, tx: Tx, key: FoundKey) -> Identified:
        """Whose token the credential stands for. Raises Unauthorized."""
        user_id: str = key.user_id
        ends: list[Moment | None] = []
        if key.trust_id is not None:
            trust = tx.get(TrustRow, key.trust_id)
            if trust is None:
                raise refused()
            # With impersonation the credential is the trustor's, and the trustee's to use.
            maker = trust.trustor_user_id if trust.impersonation else trust.trustee_user_id
            if key.user_id != maker or key.project_id != trust.project_id:
                raise refused()
            user_id = trust.trustee_user_id
            ends.append(trust.expires_at)
        if key.app_cred_id is not None:
            row = tx.get(ApplicationCredentialRow, key.app_cred_id)
            if row is None or row.project_id != key.project_id:
                raise refused()
            ends.append(row.expires_at)
        if key.access_token_id is not None:
            lent = tx.get(AccessTokenRow, key.access_token_id)
            if lent is None or lent.project_id != key.project_id:
                raise refused()
            ends.append(lent.expires_at)
        last = min((end for end in ends if end is not None), default=None)
        if last is not None and last <= tx.now:
            raise refused()
        user = tx.get(UserRow, user_id)
        if user is None:
            raise refused()
        return Identified(
            user=user,
            methods=("ec2credential",),
            scope=Scope("project", key.project_id, key.trust_id),
            binding=Binding(
                application_credential_id=key.app_cred_id, access_token_id=key.access_token_id
            ),
            expires=None if last is None else seconds_of(last),
        )


def ec2_signature(secret: str, asked: SignedRequest, host: str) -> str | None:
    """The signature that the request should have; None for versions that are not safe any more."""
    if asked.params.get("SignatureVersion") == "2":
        return _version_2(secret, asked, host)
    headers = _lowered(asked.headers)
    return _version_4(secret, asked, headers) if _is_version_4(asked, headers) else None


def _is_version_4(asked: SignedRequest, headers: dict[str, str]) -> bool:
    if asked.params.get("SignatureVersion") == "2":
        return False
    by_header = headers.get("authorization", "")
    return by_header.startswith(V4) or asked.params.get("X-Amz-Algorithm") == V4


def _version_2(secret: str, asked: SignedRequest, host: str) -> str:
    params = {**asked.params, "SignatureMethod": "HmacSHA256"}
    text = f"{asked.verb}\n{host}\n{asked.path}\n{canonical_query(params)}"
    return base64.b64encode(_hmac(secret.encode(), text)).decode()


def _version_4(secret: str, asked: SignedRequest, headers: dict[str, str]) -> str | None:
    said = _said(headers.get("authorization", ""), asked.params)
    credential = said.get("Credential", "").split("/")
    date = headers.get("x-amz-date") or str(asked.params.get("X-Amz-Date", ""))
    if len(credential) != 5 or not date.startswith(credential[1]) or not credential[1]:
        return None
    names = said.get("SignedHeaders", "")
    lines = [f"{name}:{headers[name]}" for name in names.split(";") if name in headers]
    query = "" if asked.verb.upper() == "POST" else canonical_query(asked.params)
    request = "\n".join(
        (
            asked.verb.upper(),
            asked.path,
            query,
            "\n".join(lines) + "\n",
            names,
            asked.body_hash,
        )
    )
    scope = credential[1:]
    digest = hashlib.sha256(_bytes(request)).hexdigest()
    text = "\n".join((V4, date, "/".join(scope), digest))
    return _hmac(signing_key(secret, scope), text).hex()


def s3_signature(secret: str, token: str) -> str | None:
    """The signature of the text that an S3 tool signed; None for a text of no known form."""
    try:
        text = base64.urlsafe_b64decode(token)
    except (binascii.Error, ValueError):
        return None
    if not text.startswith(b"AWS4"):
        return base64.b64encode(hmac.digest(secret.encode(), text, "sha1")).decode()
    parts = text.decode(errors="replace").split("\n")
    scope = parts[2].split("/") if len(parts) == 4 else []
    if len(scope) != 4 or parts[0] != V4 or scope[2] not in S3_SERVICES:
        return None
    if scope[3] != "aws4_request":
        return None
    return hmac.digest(signing_key(secret, scope), text, "sha256").hex()


def signing_key(secret: str, scope: list[str]) -> bytes:
    """`scope`: date, region, service, `aws4_request`."""
    key = _bytes("AWS4" + secret)
    for part in scope:
        key = _hmac(key, part)
    return key


def canonical_query(params: dict[str, Any]) -> str:
    pairs = sorted(
        (str(name), str(value))
        for name, value in params.items()
        if name not in ("Signature", "X-Amz-Signature")
    )
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs)


def _quoted(text: str) -> str:
    return quote(_bytes(text), safe="-_~")


def _said(authorization: str, params: dict[str, Any]) -> dict[str, str]:
    """`Credential`, `SignedHeaders` … of the header or of the query."""
    if authorization.startswith(V4):
        pairs = (part.strip().partition("=") for part in authorization[len(V4) :].split(","))
        return {name: value for name, mark, value in pairs if mark}
    names = ("Credential", "SignedHeaders")
    return {name: str(params.get(f"X-Amz-{name}", "")) for name in names}


def _lowered(headers: dict[str, Any]) -> dict[str, str]:
    return {name.lower().strip(): str(value).strip() for name, value in headers.items()}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, _bytes(text), "sha256")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(_bytes(one), _bytes(other))
