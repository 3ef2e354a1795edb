"""Real S3 and Swift servers, started by a test and ended with it.

The S3 server (moto) is one of the packages of the tests. Swift has to be compiled, so it comes from
a virtual environment with the dependency group `stores`; CUMULO_STORE_SERVERS names its bin folder.
Without it, tests that need Swift are skipped.
"""

import contextlib
import os
import socketserver
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.served import ServedCloud


def folder() -> Path:
    named = os.environ.get("CUMULO_STORE_SERVERS")
    if not named:
        pytest.skip("CUMULO_STORE_SERVERS names no folder with swift-*")
    return Path(named)


def _until_it_answers(url: str, child: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            assert child.poll() is None, "the server has ended"
            assert time.monotonic() < end, f"no answer from {url}"
            time.sleep(0.1)


@contextlib.contextmanager
def _running(argv: list[str], log: Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        child = subprocess.Popen(argv, stdout=output, stderr=output, env={**os.environ, **env})
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextlib.contextmanager
def s3_server(tmp: Path) -> Iterator[str]:
    """The URL of an S3 server without buckets."""
    port = free_port()
    moto = Path(sys.executable).with_name("moto_server")
    argv = [str(moto), "-H", "127.0.0.1", "-p", str(port)]
    with _running(argv, tmp / "s3.log") as child:
        url = f"http://127.0.0.1:{port}"
        _until_it_answers(f"{url}/moto-api/data.json", child)
        yield url


_CONFIG = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {tmp}
devices = {tmp}/devices
mount_check = false
workers = 0
log_name = swift
"""
_PROXY = """
[pipeline:main]
pipeline = catch_errors cache {auth} slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{memcached}
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:slo]
use = egg:swift#slo
rate_limit_under_size = 0
"""
# A token is asked for at keystone, by a service user; members of a project have its account.
_KEYSTONE = """
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
www_authenticate_uri = {auth_url}
auth_url = {auth_url}
auth_type = password
user_domain_id = default
project_domain_id = default
username = admin
project_name = admin
password = {password}
delay_auth_decision = true
include_service_catalog = false
[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = admin, member
"""


# In Swift's own interpreter: swift-ring-builder takes a process for each step.
_RINGS = """
import sys
from swift.common.ring import RingBuilder
for place in sys.argv[1:]:
    path, _, port = place.rpartition(":")
    builder = RingBuilder(4, 1, 1)
    where = {"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "d1"}
    builder.add_dev({**where, "replication_ip": "127.0.0.1", "replication_port": int(port),
                     "weight": 1.0, "meta": ""})
    builder.rebalance()
    builder.get_ring().save(path + ".ring.gz")
"""


class _Memcached(socketserver.StreamRequestHandler):
    """As much of memcached as Swift's tokens need: get, set, add, delete."""

    kept: dict[bytes, tuple[bytes, bytes]] = {}

    def handle(self) -> None:
        while words := self.rfile.readline().split():
            verb, key = words[0], words[1]
            if verb == b"get":
                if key in self.kept:
                    flags, data = self.kept[key]
                    head = b"VALUE %s %s %d\r\n" % (key, flags, len(data))
                    self.wfile.write(head + data + b"\r\n")
                self.wfile.write(b"END\r\n")
            elif verb in (b"set", b"add"):
                data = self.rfile.read(int(words[4]) + 2)[:-2]
                self.kept[key] = words[2], data
                self.wfile.write(b"STORED\r\n")
            else:
                self.kept.pop(key, None)
                self.wfile.write(b"NOT_FOUND\r\n")


@contextlib.contextmanager
def _memcached() -> Iterator[int]:
    _Memcached.kept.clear()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Memcached) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


@contextlib.contextmanager
def swift_server(tmp: Path, cloud: ServedCloud | None = None) -> Iterator[str]:
    """The URL of a Swift store on one device. Its own version 1 tokens are at /auth/v1.0 (user
    test:tester, key testing); with `cloud` it takes that one's keystone tokens instead."""
    bin, kinds = folder(), ("account", "container", "object", "proxy")
    ports = {kind: free_port() for kind in kinds}
    (tmp / "devices" / "d1").mkdir(parents=True)
    (tmp / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = tests\n")
    rings = [f"{tmp}/{kind}:{ports[kind]}" for kind in kinds[:3]]
    argv = [str(bin / "python"), "-c", _RINGS, *rings]
    subprocess.run(argv, check=True, capture_output=True, timeout=120)
    user = os.environ.get("USER", "root")
    with contextlib.ExitStack() as stack:
        children = {}
        for kind in kinds:
            text = _CONFIG.format(port=ports[kind], user=user, tmp=tmp)
            if kind == "proxy":
                auth = "tempauth" if cloud is None else "authtoken keystoneauth"
                text += _PROXY.format(memcached=stack.enter_context(_memcached()), auth=auth)
                if cloud is not None:
                    known = {"auth_url": cloud.auth_url, "password": cloud.password("admin")}
                    text += _KEYSTONE.format(**known)
            else:
                text += f"[pipeline:main]\npipeline = {kind}-server\n"
                text += f"[app:{kind}-server]\nuse = egg:swift#{kind}\n"
            (tmp / f"{kind}.conf").write_text(text)
            argv = [str(bin / f"swift-{kind}-server"), str(tmp / f"{kind}.conf"), "-v"]
            children[kind] = stack.enter_context(_running(argv, tmp / f"{kind}.log"))
        for kind, child in children.items():
            _until_it_answers(f"http://127.0.0.1:{ports[kind]}/", child)
        yield f"http://127.0.0.1:{ports['proxy']}"


def object_store(cloud: ServedCloud, url: str) -> None:
    """Put a Swift store into the catalog."""
    session, v3 = cloud.session("admin"), cloud.auth_url
    for old in session.get(f"{v3}/services?type=object-store").json()["services"]:
        session.delete(f"{v3}/services/{old['id']}")
    body = {"service": {"type": "object-store", "name": "swift"}}
    service = session.post(f"{v3}/services", json=body).json()["service"]["id"]
    wish = {
        "service_id": service,
        "interface": "public",
        "region_id": "RegionOne",
        "url": f"{url}/v1/AUTH_$(project_id)s",
    }
    session.post(f"{v3}/endpoints", json={"endpoint": wish})
