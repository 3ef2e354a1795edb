"""Two real guests mount one share over their own network: they see each other's files, run into its
size and grow it, are cut off with the rule, and get yesterday's file out of a snapshot.

Minutes under emulation: on request, with CUMULO_SHARE_TESTS=1 (`pytest -n 0 -m shares`).
"""

import os
from typing import Any

import pytest

from tests.contract.shared_file_system.lab import lacking
from tests.end_to_end.lab import Lab

pytestmark = [
    pytest.mark.guest,
    pytest.mark.shares,
    pytest.mark.skipif(
        os.environ.get("CUMULO_SHARE_TESTS") != "1", reason="CUMULO_SHARE_TESTS=1 is not set"
    ),
    pytest.mark.skipif(lacking() is not None, reason=str(lacking())),
]
GUESTS = ("one", "two")


def rule(lab: Lab, share: str, address: str, level: str) -> str:
    words = ("share", "access", "create", share, "ip", address, "--access-level", level, "--wait")
    shown = lab.json(*words)
    assert shown["state"] == "active"
    return str(shown["id"])


def path_of(lab: Lab, share: str) -> str:
    [place] = lab.json("share", "export", "location", "list", share)
    return str(place["Path"])


def guests(lab: Lab) -> dict[str, tuple[str, str]]:
    """name → (fixed address, address from outside)"""
    lab.run("openstack", "--os-cloud", "cumulo-demo", "keypair", "create", "shares",
            "--private-key", str(lab.folder / "key"))  # fmt: skip
    (lab.folder / "key").chmod(0o600)
    group = ("security", "group", "rule", "create", "default", "--protocol", "tcp")
    lab.openstack(*group, "--dst-port", "22")
    for name in GUESTS:
        lab.openstack("server", "create", name, "--image", "cumulo-guest", "--flavor", "m1.nano",
                      "--network", "private", "--key-name", "shares")  # fmt: skip
    found = {}
    for name in GUESTS:
        server: Any = lab.until(lambda name=name: lab.json("server", "show", name),
                                lambda s: s["status"] == "ACTIVE")  # fmt: skip
        outside = lab.json("floating", "ip", "create", "public")["floating_ip_address"]
        lab.openstack("server", "add", "floating", "ip", name, outside)
        found[name] = (server["addresses"]["private"][0], outside)
    return found


def test_two_guests_and_a_share() -> None:
    with Lab() as lab:
        lab.cumulo("up")
        net = lab.json("network", "show", "private")
        lab.openstack("share", "network", "create", "--name", "here", "--neutron-net-id",
                      net["id"], "--neutron-subnet-id", net["subnets"][0])  # fmt: skip
        can = ("snapshot", "create-share-from-snapshot", "revert-to-snapshot", "mount-snapshot")
        words = [word for each in can for word in (f"--{each}-support", "true")]
        lab.openstack("share", "type", "create", "wide", "true", *words, cloud="cumulo")
        lab.openstack("share", "create", "NFS", "1", "--name", "data", "--share-network", "here",
                      "--share-type", "wide", "--wait")  # fmt: skip
        assert lab.json("share", "show", "data")["status"] == "available"
        found = guests(lab)
        (first, one), (second, two) = found["one"], found["two"]
        path = path_of(lab, "data")
        mount = f"sudo mkdir -p /mnt/s && sudo mount.nfs {path} /mnt/s -o soft,timeo=50,retrans=2"
        # Nobody is admitted yet.
        assert "refused" in lab.ssh(one, f"({mount}) >/dev/null 2>&1 || echo refused")
        admitted = rule(lab, "data", first, "rw")
        lab.ssh(one, f"{mount} && echo from one | sudo tee /mnt/s/one")
        reading = rule(lab, "data", second, "ro")
        lab.ssh(two, mount)
        assert "from one" in lab.ssh(two, "cat /mnt/s/one")
        assert "refused" in lab.ssh(two, "touch /mnt/s/two 2>/dev/null || echo refused")
        lab.openstack("share", "access", "delete", "data", reading, "--wait")
        rule(lab, "data", second, "rw")
        lab.ssh(two, "echo from two | sudo tee /mnt/s/two")
        lab.until(
            lambda: lab.ssh(one, "cat /mnt/s/two 2>/dev/null; true"), lambda t: "two" in t, 70
        )
        lab.openstack("share", "snapshot", "create", "data", "--name", "yesterday", "--wait")
        lab.ssh(one, "sudo rm /mnt/s/one")
        # Into its size, and beyond it once it has grown.
        fill = "dd if=/dev/zero of=/mnt/s/big bs=1M count=1100 conv=fsync 2>&1"
        said = lab.ssh(one, f"{fill}; true")
        assert "No space" in said or "quota" in said, said
        lab.openstack("share", "resize", "data", "2", "--wait")
        said = lab.ssh(one, f"{fill} && stat -c %s /mnt/s/big")
        assert said.split()[-1] == "1153433600", said
        # Cut off: the mount is there still, and gives nothing.
        lab.openstack("share", "access", "delete", "data", admitted, "--wait")
        look = "cat /mnt/s/two >/dev/null 2>&1 || echo refused"
        lab.until(lambda: lab.ssh(one, look), lambda text: "refused" in text, 70)
        assert "from two" in lab.ssh(two, "cat /mnt/s/two")
        # Yesterday's file.
        yesterday = lab.json("share", "snapshot", "show", "yesterday")["id"]
        source = ("--snapshot-id", yesterday)
        lab.openstack("share", "create", "NFS", "1", "--name", "copy", *source, "--wait")
        rule(lab, "copy", second, "ro")
        again = f"sudo mkdir -p /mnt/c && sudo mount.nfs {path_of(lab, 'copy')} /mnt/c -o soft"
        assert "from one" in lab.ssh(two, f"{again} && cat /mnt/c/one")
        snapshot_is_mounted(lab, second, two)
        nothing_is_lost_by_shrinking(lab, two)
        is_yesterday_s_again(lab, two, mount)
        for words in (("snapshot", "delete", "yesterday"), ("delete", "copy"), ("delete", "data")):
            lab.openstack("share", *words, "--wait")
        lab.openstack("share", "network", "delete", "here")
        lab.until(
            lambda: lab.json("share", "server", "list", cloud="cumulo"), lambda s: s == [], 30
        )


def snapshot_is_mounted(lab: Lab, address: str, host: str) -> None:
    """To be read by whom its own rules admit, and by nobody to be written."""
    of = ("share", "snapshot")
    lab.openstack(*of, "access", "create", "yesterday", "ip", address)
    lab.until(
        lambda: lab.json(*of, "access", "list", "yesterday"),
        lambda rules: [rule["State"] for rule in rules] == ["active"],
        30,
    )
    [place] = lab.json(*of, "export", "location", "list", "yesterday")
    mount = f"sudo mkdir -p /mnt/y && sudo mount.nfs {place['Path']} /mnt/y -o soft"
    assert "from one" in lab.ssh(host, f"{mount} && cat /mnt/y/one")
    assert "refused" in lab.ssh(host, "sudo touch /mnt/y/new 2>/dev/null || echo refused")
    lab.ssh(host, "sudo umount /mnt/y")


def nothing_is_lost_by_shrinking(lab: Lab, host: str) -> None:
    def wait(status: str) -> Any:
        return lab.until(lambda: lab.json("share", "show", "data"),
                         lambda share: share["status"] == status, 60)  # fmt: skip

    lab.openstack("share", "resize", "data", "1")
    assert wait("shrinking_possible_data_loss_error")["size"] == 2
    assert lab.ssh(host, "stat -c %s /mnt/s/big").split()[-1] == "1153433600"
    lab.openstack("share", "set", "data", "--status", "available", cloud="cumulo")
    wait("available")
    lab.ssh(host, "sudo rm /mnt/s/big && sync")
    # What a client has given up its host has given up some seconds later.
    for _ in range(10):
        lab.openstack("share", "resize", "data", "1")
        share = lab.until(lambda: lab.json("share", "show", "data"),
                          lambda share: share["status"] != "shrinking", 60)  # fmt: skip
        if share["status"] == "available":
            break
    assert share["size"] == 1


def is_yesterday_s_again(lab: Lab, host: str, mount: str) -> None:
    assert "gone" in lab.ssh(host, "cat /mnt/s/one 2>/dev/null || echo gone")
    lab.ssh(host, "sudo umount /mnt/s")
    lab.openstack("share", "revert", "yesterday", "--wait")
    assert lab.json("share", "show", "data")["status"] == "available"
    assert "from one" in lab.ssh(host, f"{mount} && cat /mnt/s/one")
    assert "written" in lab.ssh(host, "echo new | sudo tee /mnt/s/new && echo written")
