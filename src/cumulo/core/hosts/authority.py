"""The cloud's own authority: who is the control plane, and who is which host.

One key and certificate in the control plane's secrets, made when the first host is expected. It
signs certificates of the control plane (for servers), of hosts (for clients, the host's name as the
common name) and of control nodes (for clients, `node:` and the node's id); none passes for
another. A host makes its own key,
which never leaves it. Nothing outside this cloud trusts the authority, and it is good for nothing
else; so no names or addresses of servers are checked, which change more often than machines.
"""

import datetime
import hashlib
import os
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cumulo.core.faults import BadRequest

AUTHORITY_DAYS = 3650
CONTROL_DAYS = 3650
HOST_DAYS = 90
RENEW_DAYS = 60
"""A host asks for a new certificate when the old one has so many days left, or fewer."""
_AHEAD = datetime.timedelta(hours=1)
"""By which clocks may differ."""
_PEM = serialization.Encoding.PEM


class Authority:
    """In this folder (of mode 0700); made at its first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key_path = folder / "hosts-authority.key"
        self.path = folder / "hosts-authority.pem"
        if not self.path.exists():
            self._make()
        key = serialization.load_pem_private_key(self._key_path.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key
        self.certificate = x509.load_pem_x509_certificate(self.path.read_bytes())

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.certificate)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(_PEM)

    def sign_host(self, name: str, request: bytes) -> tuple[bytes, str, datetime.datetime]:
        """The certificate for a host's request (PEM), its serial number, its end. Only the key is
        taken from the request. Raises BadRequest."""
        try:
            wish = x509.load_pem_x509_csr(request)
            key = wish.public_key()
            proved = wish.is_signature_valid
        except Exception:
            raise BadRequest("This is no request for a certificate.") from None
        if not proved or not isinstance(key, ec.EllipticCurvePublicKey):
            raise BadRequest("A host's key is one on an elliptic curve, and signs its request.")
        made = self._sign(name, key, HOST_DAYS, ExtendedKeyUsageOID.CLIENT_AUTH)
        return made.public_bytes(_PEM), serial_of(made), made.not_valid_after_utc

    def make_node_pair(self, name: str, pair: Path) -> None:
        """Key and certificate by which a control node calls the others."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._sign(name, key.public_key(), CONTROL_DAYS, ExtendedKeyUsageOID.CLIENT_AUTH)
        write_private(pair, private_pem(key) + made.public_bytes(_PEM))

    def server_context(self) -> ssl.SSLContext:
        """For the control plane's listener: TLS 1.3; hosts show their certificates, who joins has
        none yet."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = self._sign(
            "control plane", key.public_key(), CONTROL_DAYS, ExtendedKeyUsageOID.SERVER_AUTH
        )
        path = self._folder / "hosts-control.pem"
        write_private(path, private_pem(key) + made.public_bytes(_PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(path)
        context.load_verify_locations(self.path)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def _make(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Cumulo hosts")
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _AHEAD)
            .not_valid_after(now + datetime.timedelta(days=AUTHORITY_DAYS))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        write_private(self._key_path, private_pem(key))
        # Last: with it the authority is there.
        write_private(self.path, made.public_bytes(_PEM))

    def _sign(
        self, name: str, key: ec.EllipticCurvePublicKey, days: int, use: x509.ObjectIdentifier
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _AHEAD)
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=True)
            .sign(self._key, hashes.SHA256())
        )


# --- the host's end ----------------------------------------------------------------------------


def new_request(key_path: Path) -> bytes:
    """A new key in this file, and the request (PEM) for a certificate with it. Whose it will be
    the control plane knows; the request does not say."""
    key = ec.generate_private_key(ec.SECP256R1())
    write_private(key_path, private_pem(key))
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name("a host"))
    return builder.sign(key, hashes.SHA256()).public_bytes(_PEM)


def client_context(authority: Path, pair: Path | None = None) -> ssl.SSLContext:
    """Trusts this authority's control plane alone. `pair`: the host's key and certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False  # see above
    context.load_verify_locations(authority)
    if pair is not None:
        context.load_cert_chain(pair)
    return context


def days_left(pair: Path) -> float:
    made = x509.load_pem_x509_certificate(pair.read_bytes())
    left = made.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return left.total_seconds() / 86400


def fingerprint_of(certificate: x509.Certificate) -> str:
    """SHA-256 of all of it, 64 hexadecimal digits."""
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def fingerprint_of_pem(pem: bytes) -> str:
    """Raises ValueError for what is no certificate."""
    return fingerprint_of(x509.load_pem_x509_certificate(pem))


def serial_of(certificate: x509.Certificate) -> str:
    """As `ssl` shows it: hexadecimal, upper case, an even number of digits."""
    text = f"{certificate.serial_number:X}"
    return text if len(text) % 2 == 0 else f"0{text}"


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def write_private(path: Path, text: bytes) -> None:
    """For us alone, whole or not at all."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
