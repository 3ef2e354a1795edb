"""A real guest goes to another machine with its disk, back again, and there for good."""

import os

import pytest

from tests.end_to_end.lab import Lab
from tests.end_to_end.test_hosts import guest, hosts
from tests.end_to_end.test_server_life import KEPT, READ, expect

pytestmark = [
    pytest.mark.guest,
    pytest.mark.skipif(
        "CUMULO_LIFE_TESTS" not in os.environ, reason="minutes of guests; with CUMULO_LIFE_TESTS=1"
    ),
]


def where(lab: Lab) -> str:
    shown = lab.json("server", "list", "--all-projects", "--long", cloud="cumulo")
    return str(shown[0]["Host"])


def test_to_another_machine_and_back() -> None:
    with Lab() as lab:
        second = lab.machine("second")
        lab.cumulo("up", "--listen", "10.77.0.1:5000")
        second.join(lab.cumulo("host", "token", "create"))
        lab.until(lambda: hosts(lab), lambda found: all(each["connected"] for each in found), 60)
        lab.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(lab.folder / "key"))
        lab.openstack("keypair", "create", "k", "--public-key", str(lab.folder / "key.pub"))
        lab.openstack("security", "group", "rule", "create", "default", "--protocol", "tcp")
        guest(lab, "life", "second", "--key-name", "k")
        floating = lab.json("floating", "ip", "create", "public")["floating_ip_address"]
        lab.openstack("server", "add", "floating", "ip", "life", floating)
        lab.ssh(floating, KEPT)
        server = lab.json("server", "show", "life")["id"]
        for last in ("revert", "confirm"):
            lab.openstack("server", "migrate", server, cloud="cumulo")
            expect(lab, "VERIFY_RESIZE")
            assert where(lab) != "second"
            assert lab.ssh(floating, READ) == "kept\n"
            lab.openstack("server", "resize", last, "life")
            expect(lab, "ACTIVE")
            assert (where(lab) == "second") == (last == "revert")
            assert lab.ssh(floating, READ) == "kept\n"
        # An image of it is made where it is now; nothing is left where it was.
        guests = second.data_dir / "guests"
        lab.until(lambda: [each.name for each in guests.iterdir()], lambda found: not found, 30)
        lab.openstack("server", "image", "create", "--name", "copy", "--wait", "life")
        lab.openstack("server", "delete", "--wait", "life")
