"""Zones as a user makes them: the stock command line, with `dig` as the judge."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tests.end_to_end.dns.acme import acme_server
from tests.support.served import ServedCloud, served_cloud

WITHIN = 1.0
"""Seconds from the end of a command to the answer."""

pytestmark = pytest.mark.skipif(shutil.which("dig") is None, reason="bind9-dnsutils is missing")


class User:
    """Runs `openstack` and `dig`."""

    def __init__(self, cloud: ServedCloud, name: str) -> None:
        self.cloud = cloud
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(cloud.data),
            "PYTHONWARNINGS": "ignore",
            "LC_ALL": "C.UTF-8",
            "OS_AUTH_URL": cloud.auth_url,
            "OS_USERNAME": name,
            "OS_PASSWORD": cloud.password(name),
            "OS_PROJECT_NAME": name,
            "OS_USER_DOMAIN_ID": "default",
            "OS_PROJECT_DOMAIN_ID": "default",
            "OS_IDENTITY_API_VERSION": "3",
        }

    def openstack(self, *arguments: str, fails: bool = False) -> str:
        argv = ["openstack", *arguments]
        done = subprocess.run(
            argv, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode != 0) is fails, f"{argv}\n{done.stdout}\n{done.stderr}"
        return done.stderr if fails else done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.openstack(*arguments, "-f", "json"))

    def dig(self, *arguments: str) -> str:
        port = (self.cloud.data / "dns" / "port").read_text().strip()
        argv = ["dig", "-p", port, "@127.0.0.1", "+time=2", "+tries=1", *arguments]
        return subprocess.run(
            argv, capture_output=True, text=True, timeout=20, check=False
        ).stdout.strip()

    def until(self, wanted: str, *arguments: str) -> None:
        """What `dig +short` says is this within a second."""
        end = time.monotonic() + WITHIN
        while (found := self.dig("+short", *arguments)) != wanted:
            assert time.monotonic() < end, f"{arguments}: {found!r}, not {wanted!r}"
            time.sleep(0.02)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    with served_cloud(tmp_path_factory.mktemp("dns") / "data") as cloud:
        yield User(cloud, "demo")


def a_servers_name_because_a_network_says_so(demo: User) -> None:
    demo.openstack("network", "set", "--dns-domain", "example.org.", "private")
    demo.openstack("subnet", "set", "--dns-publish-fixed-ip", "private-subnet")
    server = demo.json(
        "server", "create", "named", "--image", "cumulo-guest", "--flavor", "m1.nano",
        "--network", "private", "--wait",
    )  # fmt: skip
    (address,) = server["addresses"]["private"]
    demo.until(address, "named.example.org.")
    demo.openstack("server", "delete", "named", "--wait")
    demo.until("", "named.example.org.")


def test_a_zone_from_its_making_to_its_end(demo: User) -> None:
    zone = demo.json("zone", "create", "--email", "a.b@example.org", "example.org.")
    assert zone["status"] == "PENDING" and zone["action"] == "CREATE"
    demo.until("ns1.cumulo.internal.", "example.org.", "NS")
    assert demo.json("zone", "show", "example.org.")["status"] == "ACTIVE"
    soa = demo.dig("+short", "example.org.", "SOA").split()
    assert soa[:3] == ["ns1.cumulo.internal.", r"a\.b.example.org.", str(zone["serial"])]

    www = ["--type", "A", "--record", "192.0.2.7", "--ttl", "60", "example.org.", "www"]
    record = demo.json("recordset", "create", *www)
    assert record["status"] == "PENDING" and record["name"] == "www.example.org."
    demo.until("192.0.2.7", "www.example.org.")
    assert "60" in demo.dig("www.example.org.", "+noall", "+answer").split()
    assert int(demo.dig("+short", "example.org.", "SOA").split()[2]) > zone["serial"]

    demo.openstack("recordset", "set", "--record", "192.0.2.8", "example.org.", "www.example.org.")
    demo.until("192.0.2.8", "www.example.org.")
    wild = ["--type", "TXT", "--record", '"any name"', "example.org.", "*"]
    wild_id = demo.json("recordset", "create", *wild)["id"]
    demo.until('"any name"', "what.ever.example.org.", "TXT")
    assert "status: NOERROR" in demo.dig("what.ever.example.org.", "AAAA")
    assert "ANSWER: 0" in demo.dig("what.ever.example.org.", "AAAA")
    assert demo.dig("+short", "+tcp", "www.example.org.") == "192.0.2.8"
    assert "status: REFUSED" in demo.dig("www.example.com.")
    assert "status: REFUSED" in demo.dig("version.bind.", "CH", "TXT")

    a_servers_name_because_a_network_says_so(demo)
    listed = {row["type"] for row in demo.json("recordset", "list", "example.org.")}
    assert listed == {"SOA", "NS", "A", "TXT"}
    said = demo.openstack("zone", "create", "--email", "x@y.z", "no-dot.org", fails=True)
    assert "does not end with a dot" in said
    demo.openstack("recordset", "delete", "example.org.", wild_id)
    demo.until("", "what.ever.example.org.", "TXT")
    assert "status: NXDOMAIN" in demo.dig("what.ever.example.org.", "TXT")
    demo.openstack("zone", "delete", "example.org.")
    end = time.monotonic() + WITHIN
    while "status: REFUSED" not in demo.dig("www.example.org."):
        assert time.monotonic() < end
    assert demo.json("zone", "list") == []


HOOK = """#!{python}
import os, sys
from keystoneauth1.identity import v3
from keystoneauth1.session import Session
from designateclient.v2.client import Client

word, name, text = sys.argv[1:]
own = {{key: os.environ["OS_" + key.upper()] for key in (
    "auth_url", "username", "password", "project_name", "user_domain_id", "project_domain_id")}}
dns = Client(session=Session(v3.Password(**own)))
value = '"' + text + '"'
there = dns.recordsets.list("acme.test.", criterion={{"name": name, "type": "TXT"}})
records = there[0]["records"] if there else []
left = [each for each in records if each != value] + ([value] if word == "present" else [])
if there and left:
    dns.recordsets.update("acme.test.", there[0]["id"], {{"records": left}})
elif there:
    dns.recordsets.delete("acme.test.", there[0]["id"])
elif left:
    dns.recordsets.create("acme.test.", name, "TXT", left)
"""
"""What lego's provider `designate` does, which Debian's lego is built without."""


@pytest.mark.skipif(shutil.which("lego") is None, reason="lego is missing")
def test_lego_gets_a_certificate(demo: User, tmp_path: Path) -> None:
    """Two challenges at one name: both are there at a time, and both go."""
    demo.openstack("zone", "create", "--email", "a@acme.test", "acme.test.")
    demo.until("ns1.cumulo.internal.", "acme.test.", "NS")
    port = (demo.cloud.data / "dns" / "port").read_text().strip()
    hook = tmp_path / "hook"
    hook.write_text(HOOK.format(python=sys.executable))
    hook.chmod(0o755)

    def texts(name: str) -> list[str]:
        return [line.strip('"') for line in demo.dig("+short", name, "TXT").splitlines()]

    with acme_server(texts) as acme:
        argv = [
            "lego", "--accept-tos", "--email", "a@acme.test", "--server", f"{acme.base}/directory",
            "--path", str(tmp_path), "--dns", "exec", "--dns.resolvers", f"127.0.0.1:{port}",
            "--dns.disable-cp", "--domains", "acme.test", "--domains", "*.acme.test", "run",
        ]  # fmt: skip
        environment = {
            **demo.environment,
            "EXEC_PATH": str(hook),
            "EXEC_POLLING_INTERVAL": "1",
            "EXEC_SEQUENCE_INTERVAL": "1",
        }
        done = subprocess.run(
            argv, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert len(acme.seen) == 2, acme.seen
    made = (tmp_path / "certificates" / "acme.test.crt").read_bytes()
    assert x509.load_pem_x509_certificate(made).issuer.rfc4514_string() == "CN=ACME"
    demo.until("", "_acme-challenge.acme.test.", "TXT")
