"""What is done to a real guest, as it sees it itself: a file on its disk, the seconds since it
booted, the size of its disk, who may log in."""

import os
from typing import Any

import pytest

from tests.end_to_end.lab import Lab

pytestmark = [
    pytest.mark.guest,
    pytest.mark.skipif(
        "CUMULO_LIFE_TESTS" not in os.environ, reason="minutes of guests; with CUMULO_LIFE_TESTS=1"
    ),
]
KEPT = "echo kept | sudo tee /root/file >/dev/null && sync"
READ = "sudo cat /root/file"
SIZE = "lsblk -dbno SIZE /dev/vda 2>/dev/null || cat /sys/block/vda/size"


def status(lab: Lab, wanted: str, name: str = "life") -> Any:
    return lab.until(
        lambda: lab.json("server", "show", name), lambda s: s["status"] in (wanted, "ERROR"), 120
    )


def expect(lab: Lab, wanted: str, name: str = "life") -> None:
    shown = status(lab, wanted, name)
    assert shown["status"] == wanted, shown


def uptime(lab: Lab, address: str) -> float:
    return float(lab.ssh(address, "cat /proc/uptime").split()[0])


def begin(lab: Lab) -> str:
    """A server with a key, reached by a floating IP; its address."""
    lab.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(lab.folder / "key"))
    lab.openstack("keypair", "create", "k", "--public-key", str(lab.folder / "key.pub"))
    for protocol in ("icmp", "tcp"):
        lab.openstack("security", "group", "rule", "create", "default", "--protocol", protocol)
    lab.openstack(
        "server", "create", "life", "--image", "cumulo-guest", "--flavor", "m1.nano",
        "--network", "private", "--key-name", "k", "--wait",
    )  # fmt: skip
    floating = lab.json("floating", "ip", "create", "public")["floating_ip_address"]
    lab.openstack("server", "add", "floating", "ip", "life", floating)
    lab.ssh(floating, KEPT)
    return str(floating)


def test_the_life_of_a_server() -> None:
    with Lab() as lab:
        lab.cumulo("up")
        address = begin(lab)
        sleep_and_wake(lab, address)
        rescue(lab, address)
        resize(lab, address)
        image(lab, address)
        shelve(lab, address)
        change_password(lab, address)
        rebuild(lab, address)
        lab.openstack("server", "delete", "--wait", "life")
        assert list((lab.data_dir / "guests").iterdir()) == []


def sleep_and_wake(lab: Lab, address: str) -> None:
    """Its memory is in a file meanwhile: the guest has not booted again."""
    before = uptime(lab, address)
    lab.openstack("server", "suspend", "life")
    expect(lab, "SUSPENDED")
    (folder,) = (lab.data_dir / "guests").iterdir()
    assert (folder / "memory").stat().st_size > 1 << 20
    lab.openstack("server", "resume", "life")
    expect(lab, "ACTIVE")
    assert uptime(lab, address) > before
    assert not (folder / "memory").exists()


def rescue(lab: Lab, address: str) -> None:
    """It runs from another disk, and has its own beside it."""
    last = ("--property", "hw_rescue_device=disk")  # its own disks keep their names
    lab.openstack("image", "set", *last, "cumulo-guest", cloud="cumulo")
    lab.openstack("server", "rescue", "--image", "cumulo-guest", "life")
    expect(lab, "RESCUE")
    assert lab.ssh(address, f"{READ} 2>/dev/null || echo none") == "none\n"
    mounted = (
        "sudo mkdir -p /mnt/own && sudo mount /dev/vda2 /mnt/own && sudo cat /mnt/own/root/file"
    )
    assert lab.ssh(address, mounted) == "kept\n"
    lab.openstack("server", "unrescue", "life")
    expect(lab, "ACTIVE")
    assert lab.ssh(address, READ) == "kept\n"


def resize(lab: Lab, address: str) -> None:
    """Back, and then for good, to a larger disk and more memory."""
    lab.openstack(
        "flavor", "create", "larger", "--ram", "160", "--disk", "2", "--vcpus", "1",
        cloud="cumulo",
    )  # fmt: skip
    before = lab.ssh(address, SIZE)
    lab.openstack("server", "resize", "--flavor", "larger", "life")
    expect(lab, "VERIFY_RESIZE")
    assert lab.ssh(address, READ) == "kept\n"
    assert int(lab.ssh(address, SIZE)) > int(before)
    lab.ssh(address, "sudo rm /root/file && sync")
    lab.openstack("server", "resize", "revert", "life")
    expect(lab, "ACTIVE")
    assert lab.ssh(address, READ) == "kept\n", "its disk is the one that it had before"
    assert lab.ssh(address, SIZE) == before
    lab.openstack("server", "resize", "--flavor", "larger", "life")
    expect(lab, "VERIFY_RESIZE")
    lab.openstack("server", "resize", "confirm", "life")
    expect(lab, "ACTIVE")
    assert lab.ssh(address, READ) == "kept\n"


def image(lab: Lab, address: str) -> None:
    """A server of the image of a server has what that one had."""
    lab.openstack("server", "image", "create", "--name", "copy", "--wait", "life")
    lab.openstack(
        "server", "create", "second", "--image", "copy", "--flavor", "larger",
        "--network", "private", "--key-name", "k", "--wait",
    )  # fmt: skip
    other = lab.json("floating", "ip", "create", "public")["floating_ip_address"]
    lab.openstack("server", "add", "floating", "ip", "second", other)
    assert lab.ssh(other, READ) == "kept\n"
    lab.openstack("server", "delete", "--wait", "second")


def shelve(lab: Lab, address: str) -> None:
    lab.openstack("server", "shelve", "--wait", "life")
    expect(lab, "SHELVED_OFFLOADED")
    assert list((lab.data_dir / "guests").iterdir()) == []
    lab.openstack("server", "unshelve", "--wait", "life")
    expect(lab, "ACTIVE")
    assert lab.ssh(address, READ) == "kept\n"


def change_password(lab: Lab, address: str) -> None:
    """By the agent inside the guest."""
    secret = "sudo grep ^cumulo: /etc/shadow"  # whom the image calls its administrator
    before = lab.ssh(address, secret)
    lab.openstack("server", "set", "--password", "other-secret", "life")
    assert lab.ssh(address, secret) != before


def rebuild(lab: Lab, address: str) -> None:
    """Its disk is new."""
    lab.openstack("server", "rebuild", "--image", "cumulo-guest", "--wait", "life")
    expect(lab, "ACTIVE")
    assert lab.ssh(address, f"{READ} 2>/dev/null || echo none") == "none\n"
