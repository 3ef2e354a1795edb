"""A real directory: slapd from Debian, on the loopback interface.

with slapd(tmp_path) as directory:
    directory.add_person("ann", "secret-of-ann")
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import ldap3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .ports import free_port

SUFFIX = "dc=firm,dc=example"
MANAGER = f"cn=manager,{SUFFIX}"
SECRET = "secret-of-the-manager"
SERVER = shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
PEOPLE, TEAMS = f"ou=Users,{SUFFIX}", f"ou=UserGroups,{SUFFIX}"


@dataclass
class Slapd:
    folder: Path
    port: int
    tls_port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"

    @property
    def ca_file(self) -> str:
        return str(self.folder / "ca.pem")

    def options(self, **more: Any) -> dict[str, Any]:
        """The group `ldap` of a domain's configuration."""
        return {
            "url": self.url,
            "user": MANAGER,
            "password": SECRET,
            "suffix": SUFFIX,
            "user_name_attribute": "uid",
            "user_id_attribute": "uid",
            "user_enabled_attribute": "employeeType",
            "group_name_attribute": "cn",
            **more,
        }

    def start(self) -> None:
        assert self.process is None and SERVER is not None
        log = (self.folder / "log").open("ab")
        listen = f"{self.url}/ {self.tls_url}/"
        argv = [SERVER, "-f", str(self.folder / "conf"), "-h", listen, "-d", "0"]
        self.process = subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT)
        log.close()
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(Exception):
                self._admin().unbind()
                return
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < end, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(number)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self.process = None

    def _admin(self) -> Any:
        server = ldap3.Server(self.url, get_info=ldap3.NONE)
        return ldap3.Connection(server, MANAGER, SECRET, auto_bind=True, raise_exceptions=True)

    def add(self, dn: str, kinds: str | list[str], **attributes: Any) -> None:
        with self._admin() as admin:
            admin.add(dn, kinds, attributes)

    def change(self, dn: str, **attributes: Any) -> None:
        """Replace the values; None takes the attribute away."""
        with self._admin() as admin:
            named = {
                k: [(ldap3.MODIFY_REPLACE, [] if v is None else v if isinstance(v, list) else [v])]
                for k, v in attributes.items()
            }
            admin.modify(dn, named)

    def remove(self, dn: str) -> None:
        with self._admin() as admin:
            admin.delete(dn)

    # The verbs of the simulated one

    def add_person(
        self, name: str, password: str, *, enabled: bool = True, email: str = ""
    ) -> None:
        more = {"mail": email} if email else {}
        self.add(
            f"cn=Person {name},{PEOPLE}",
            "inetOrgPerson",
            uid=name,
            sn=name,
            userPassword=password,
            employeeType=str(enabled).upper(),
            **more,
        )

    def add_team(self, name: str, *members: str) -> None:
        dns = [f"cn=Person {each},{PEOPLE}" for each in members]
        self.add(f"cn={name},{TEAMS}", "groupOfNames", member=dns)

    def remove_person(self, name: str) -> None:
        self.remove(f"cn=Person {name},{PEOPLE}")


def _started(folder: Path, port: int | None) -> Slapd:
    """A free port may be somebody else's by the time that it is taken."""
    for _ in range(2):
        made = Slapd(folder, port or free_port(), free_port())
        with contextlib.suppress(AssertionError):
            made.start()
            return made
    made = Slapd(folder, port or free_port(), free_port())
    made.start()
    return made


@contextlib.contextmanager
def slapd(folder: Path, *, port: int | None = None) -> Iterator[Slapd]:
    if SERVER is None:
        pytest.skip("slapd is not installed: cumulo setup --tests")
    folder.mkdir(parents=True)
    (folder / "db").mkdir()
    certificates(folder)
    (folder / "conf").write_text(_configuration(folder))
    made = _started(folder, port)
    try:
        made.add(SUFFIX, ["dcObject", "organization"], dc="firm", o="Firm")
        made.add(PEOPLE, "organizationalUnit")
        made.add(TEAMS, "organizationalUnit")
        yield made
    finally:
        made.stop()


def _configuration(folder: Path) -> str:
    """Like many in the world: few entries an answer, and binds without a password are let in."""
    return f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
allow bind_anon_cred bind_anon_dn
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
database mdb
directory {folder}/db
suffix "{SUFFIX}"
rootdn "{MANAGER}"
rootpw {SECRET}
access to attrs=userPassword by anonymous auth by * none
access to * by * read
"""


def certificates(folder: Path) -> None:
    """A certificate authority and the server's certificate for 127.0.0.1."""
    now = datetime.now(UTC)

    def write(name: str, key: Any) -> None:
        kind, plain = serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        text = key.private_bytes(serialization.Encoding.PEM, kind, plain)
        (folder / name).write_bytes(text)

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    authority, key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    for name, subject, public in (("ca", "ca", authority), ("cert", "127.0.0.1", key)):
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named("ca"))
            .public_key(public.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
        )
        if name == "cert":
            names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
            builder = builder.add_extension(names, critical=False)
        made = builder.sign(authority, hashes.SHA256())
        (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    write("key.pem", key)
