"""Key pairs: the verbs, and what makes or reads a key.

Making an RSA key takes a tenth of a second and more, so `generate` runs outside of transactions,
on a thread.
"""

import base64
import binascii
import hashlib
import re
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cumulo.compute.model.keypair import KeyPairRow
from cumulo.compute.model.server import ServerKey
from cumulo.compute.queries import keypair as queries
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.core.quotas.quotas import Quotas

_OLD_NAME = re.compile(r"[\w \-]+", re.ASCII)
_NEW_NAME = re.compile(r"[\w \-@.]+", re.ASCII)

_USER_PRINCIPAL = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")


class NewKey(msgspec.Struct, frozen=True):
    public_key: str
    private_key: str


class KeyPairs:
    listing = queries.KEY_PAIRS

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas

    def get(self, tx: Tx, user_id: str, name: str) -> KeyPairRow:
        found = tx.one(queries.NAMED, user=user_id, name=name)
        if found is None:
            raise NotFound(f"Keypair {name} not found for user {user_id}")
        return found

    def for_server(self, tx: Tx, user_id: str, name: str) -> ServerKey:
        found = tx.one(queries.NAMED, user=user_id, name=name)
        if found is None:
            raise BadRequest("Invalid key_name provided.")
        return ServerKey(found.name, found.type, found.public_key)

    def check_new(self, tx: Tx, project_id: str | None, user_id: str, name: str) -> None:
        if tx.one(queries.NAMED, user=user_id, name=name) is not None:
            raise Conflict(f"Key pair '{name}' already exists.")
        limit = self._quotas.limit(tx, project_id or "", "server_key_pairs")
        if 0 <= limit <= int(tx.value(queries.COUNT, user=user_id)):
            raise Forbidden("Quota exceeded, too many key pairs.")

    def create(
        self, tx: Tx, user_id: str, name: str, kind: str, public_key: str, principal: Principal
    ) -> KeyPairRow:
        """Keep a public key. Raises Conflict, Forbidden (quota), BadRequest (not a key)."""
        self.check_new(tx, principal.project_id, user_id, name)
        row = KeyPairRow(
            id=0,
            user_id=user_id,
            name=name,
            type=kind,
            public_key=public_key,
            fingerprint=fingerprint_of(kind, public_key),
            created_at=tx.now,
        )
        tx.insert(row)
        emit(tx, "compute.keypair.create", name, principal=principal, user=user_id)
        return self.get(tx, user_id, name)

    def delete(self, tx: Tx, user_id: str, name: str, principal: Principal) -> None:
        tx.delete(self.get(tx, user_id, name))
        emit(tx, "compute.keypair.delete", name, principal=principal, user=user_id)


def check_name(name: str, *, newest: bool) -> None:
    """API 2.92 allows `@` and `.` besides letters, digits, blanks, `_` and `-`."""
    if not (_NEW_NAME if newest else _OLD_NAME).fullmatch(name) or name != name.strip():
        raise BadRequest(
            f"Keypair data is invalid: Keypair name contains unsafe characters: {name!r}"
        )


def generate(kind: str, user_id: str) -> NewKey:
    """A key pair as compute makes it: 2048 bits of RSA; its public half in OpenSSH's form, or as
    a certificate that it has signed itself, good for ten years (WinRM logs users in by it)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    if kind == "x509":
        return NewKey(_certificate(key, user_id), private.decode())
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return NewKey(public.decode() + " Generated-by-Cumulo", private.decode())


def _certificate(key: rsa.RSAPrivateKey, user_id: str) -> str:
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user_id[:64])])
    now = datetime.now(UTC)
    principal = x509.OtherName(_USER_PRINCIPAL, _utf8(f"{user_id}@localhost"))
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([principal]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def _utf8(text: str) -> bytes:
    """An ASN.1 UTF8String; short enough for a length of one byte."""
    raw = text.encode()[:127]
    return bytes((0x0C, len(raw))) + raw


def fingerprint_of(kind: str, public_key: str) -> str:
    """Hexadecimal pairs; BadRequest for what is not a key of that kind."""
    if kind == "x509":
        try:
            return _pairs(
                hashlib.sha1(
                    x509.load_pem_x509_certificate(public_key.encode()).public_bytes(
                        serialization.Encoding.DER
                    )
                ).hexdigest()
            )
        except ValueError as error:
            raise BadRequest(f"Keypair data is invalid: {error}") from None
    parts = public_key.split(None, 2)
    try:
        serialization.load_ssh_public_key(public_key.encode())
        blob = base64.b64decode(parts[1], validate=True)
    except (ValueError, IndexError, binascii.Error, UnsupportedAlgorithm):
        raise BadRequest("Keypair data is invalid: failed to generate fingerprint") from None
    return _pairs(hashlib.md5(blob, usedforsecurity=False).hexdigest())


def _pairs(text: str) -> str:
    return ":".join(text[at : at + 2] for at in range(0, len(text), 2))
