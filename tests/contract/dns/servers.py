"""BIND and PowerDNS from Debian, each in a folder of its own, on ports of its own."""

import asyncio
import contextlib
import shutil
import socket
import sqlite3
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from tests.contract.dns.certificates import a_certificate
from tests.support.ports import free_port

_NAMED = """
options {{ directory "{here}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  pid-file "{here}/named.pid"; session-keyfile "{here}/session.key"; {recursion}
  allow-new-zones yes; allow-query {{ any; }}; allow-notify {{ 127.0.0.1; }}; notify no;
  dnssec-validation no; masterfile-format text; {catalog} }};
key rk {{ algorithm hmac-sha256; secret "aGVsbG8gd29ybGQgMTIzNDU2Nzg5MA=="; }};
controls {{ inet 127.0.0.1 port {control} allow {{ 127.0.0.1; }} keys {{ rk; }}; }};
"""
_RECURSION = """recursion yes; allow-recursion {{ any; }}; forward only;
  forwarders {{ 127.0.0.1 port {world}; }};"""
_CATALOG = """catalog-zones {{ zone "{catalog}" min-update-interval 0
  default-primaries {{ 127.0.0.1 port {primary}; }}; }};"""
_CATALOG_ZONE = """
zone "CATALOG" {{ type secondary; file "catalog.db"; primaries {{ 127.0.0.1 port PORT; }}; }};
"""
_RNDC = """
key rk {{ algorithm hmac-sha256; secret "aGVsbG8gd29ybGQgMTIzNDU2Nzg5MA=="; }};
options {{ default-key rk; default-server 127.0.0.1; default-port {control}; }};
"""
_PDNS = """
launch=gsqlite3
gsqlite3-database={here}/pdns.sqlite3
gsqlite3-pragma-synchronous=0
local-address=127.0.0.1
local-port={port}
api=yes
api-key=k
webserver=yes
webserver-address=127.0.0.1
webserver-port={control}
webserver-allow-from=127.0.0.0/8
webserver-loglevel=none
socket-dir={here}
guardian=no
daemon=no
disable-syslog=yes
loglevel=3
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
"""
_SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")


@contextlib.contextmanager
def running(argv: Sequence[str], here: Path, port: int) -> Iterator[None]:
    with (here / "output").open("wb") as output:
        child = subprocess.Popen(argv, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert child.poll() is None and time.monotonic() < end, (here / "output").read_text()
            time.sleep(0.05)
        yield
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


class ABind:
    """May be stopped and started again: it keeps its zones."""

    def __init__(
        self, here: Path, catalog: str = "", primary: int = 0, world: int | None = None
    ) -> None:
        """`catalog`: the zone that says what it has, from the `primary`'s port. `world`: it is a
        resolver, too, and hears of other zones at this port."""
        if shutil.which("named") is None or shutil.which("rndc") is None:
            pytest.skip("bind9 is missing")
        self.here = here
        here.mkdir(parents=True, exist_ok=True)
        self.port, self.control = free_port(), free_port()
        values = {"here": here, "port": self.port, "control": self.control, "catalog": ""}
        values["recursion"] = "recursion no;"
        if world is not None:
            values["recursion"] = _RECURSION.format(world=world)
        conf = _NAMED
        if catalog:
            values["catalog"] = _CATALOG.format(catalog=catalog, primary=primary)
            conf += _CATALOG_ZONE.replace("CATALOG", catalog).replace("PORT", str(primary))
        (here / "named.conf").write_text(conf.format(**values))
        self.rndc_conf = here / "rndc.conf"
        self.rndc_conf.write_text(_RNDC.format(**values))

    def running(self) -> contextlib.AbstractContextManager[None]:
        argv = ["named", "-c", str(self.here / "named.conf"), "-g", "-n", "1"]
        return running(argv, self.here, self.control)


@contextlib.asynccontextmanager
async def by_tls(port: int, folder: Path) -> AsyncIterator[tuple[int, Path]]:
    """What is at a port of this machine by TLS, too: at which port, and its certificate."""
    certificate, key = folder / "tls.pem", folder / "tls.key"
    a_certificate(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            theirs, ours = await asyncio.open_connection("127.0.0.1", port)
        except OSError:  # it is away
            writer.close()
            return
        await asyncio.gather(copy(reader, ours), copy(theirs, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], certificate
    finally:
        server.close()


class APowerDns:
    def __init__(self, here: Path) -> None:
        if shutil.which("pdns_server") is None or not _SCHEMA.exists():
            pytest.skip("pdns-server and pdns-backend-sqlite3 are missing")
        self.here = here
        here.mkdir(parents=True, exist_ok=True)
        self.port, self.control = free_port(), free_port()
        values = {"here": here, "port": self.port, "control": self.control}
        (here / "pdns.conf").write_text(_PDNS.format(**values))
        with contextlib.closing(sqlite3.connect(here / "pdns.sqlite3")) as database:
            database.executescript(_SCHEMA.read_text())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.control}"

    def running(self) -> contextlib.AbstractContextManager[None]:
        return running(["pdns_server", f"--config-dir={self.here}"], self.here, self.control)
