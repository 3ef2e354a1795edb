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
