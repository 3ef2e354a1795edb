"""A real web server in front: nginx, with TLS, client certificates and users of its own."""

import contextlib
import datetime
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier

NAMES = {
    "CN": NameOID.COMMON_NAME,
    "UID": NameOID.USER_ID,
    "O": NameOID.ORGANIZATION_NAME,
    "DC": NameOID.DOMAIN_COMPONENT,
    "EMAILADDRESS": NameOID.EMAIL_ADDRESS,
}

CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
user root;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/front.pem; ssl_certificate_key {folder}/front.key;
    ssl_client_certificate {folder}/authority.pem; ssl_verify_client optional;
    location / {{
      proxy_pass http://127.0.0.1:{behind};
      proxy_set_header Host $host:$server_port;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Client-Certificate $ssl_client_escaped_cert;
      proxy_set_header X-Remote-User $remote_user;
      proxy_set_header X-Remote-Domain "";
      proxy_set_header Authorization $passed_on;
      auth_basic $realm; auth_basic_user_file {folder}/users;
    }}
  }}
  # Whoever comes with a name and a password is a user of this server; others are the cloud's.
  map $http_authorization $realm {{ default off; "~*^basic " company; }}
  map $http_authorization $passed_on {{ default $http_authorization; "~*^basic " ""; }}
}}
"""


@dataclass(frozen=True)
class Certificates:
    """An authority of the test's own, and what it signs."""

    folder: Path
    key: ec.EllipticCurvePrivateKey
    name: x509.Name

    @classmethod
    def new(cls, folder: Path, common_name: str = "company") -> "Certificates":
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        made = cls(folder, ec.generate_private_key(ec.SECP256R1()), name)
        made._sign("authority", name, made.key, authority=True)
        return made

    def sign(self, file: str, names: Sequence[tuple[str, str]]) -> tuple[str, str]:
        """(certificate, key): paths of PEM files."""
        oids: list[tuple[ObjectIdentifier, str]] = [(NAMES[name], word) for name, word in names]
        subject = x509.Name([x509.NameAttribute(oid, word) for oid, word in oids])
        self._sign(file, subject, ec.generate_private_key(ec.SECP256R1()))
        return str(self.folder / f"{file}.pem"), str(self.folder / f"{file}.key")

    def _sign(
        self,
        file: str,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        authority: bool = False,
    ) -> None:
        now = datetime.datetime.now(datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), False
            )
            .sign(self.key, hashes.SHA256())
        )
        pem = made.public_bytes(serialization.Encoding.PEM)
        (self.folder / f"{file}.pem").write_bytes(pem)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (self.folder / f"{file}.key").write_bytes(private)


@contextlib.contextmanager
def web_server(
    folder: Path, port: int, behind: int, certificates: Certificates, users: dict[str, str]
) -> Iterator[None]:
    """`behind`: the cloud's port. `users`: passwords of those whom the server knows."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        pytest.skip("nginx-light is not installed")
    certificates.sign("front", [("CN", "127.0.0.1")])
    lines = [f"{name}:{{PLAIN}}{password}\n" for name, password in users.items()]
    (folder / "users").write_text("".join(lines))
    text = CONFIGURATION.format(folder=folder, port=port, behind=behind)
    (folder / "nginx.conf").write_text(text)
    process = subprocess.Popen([nginx, "-c", str(folder / "nginx.conf"), "-p", str(folder)])
    try:
        _await(port, process, folder / "error.log")
        yield
    finally:
        process.terminate()
        process.wait(10)


def _await(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(200):
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(log.read_text())
