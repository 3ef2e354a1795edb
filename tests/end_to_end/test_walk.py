"""The promise of the README, kept: from `cumulo up` to a guest that answers, and back to nothing.

Real guests, real packets, the stock `openstack` client.
"""

import sys
from pathlib import Path

import pytest

from cumulo.core.run import namespaces
from tests.end_to_end.lab import Lab
from tests.end_to_end.leftovers import at_first, leftovers

pytestmark = pytest.mark.guest


def make_network(lab: Lab) -> None:
    lab.openstack("network", "create", "walk")
    lab.openstack(
        "subnet",
        "create",
        "walk",
        "--network",
        "walk",
        "--subnet-range",
        "10.99.0.0/24",
        "--dns-nameserver",
        "10.99.0.1",
    )
    lab.openstack("router", "create", "walk")
    lab.openstack("router", "set", "walk", "--external-gateway", "public")
    lab.openstack("router", "add", "subnet", "walk", "walk")
    lab.openstack(
        "security", "group", "rule", "create", "default", "--protocol", "tcp", "--dst-port", "22"
    )
    lab.openstack("security", "group", "rule", "create", "default", "--protocol", "icmp")


CLOUD_CONFIG = """#cloud-config
packages: [nginx]
users:
  - default
  - name: ann
    shell: /bin/bash
    ssh_authorized_keys:
      - {key}
write_files:
  - path: /etc/walk.conf
    permissions: '0640'
    content: |
      a = "b"
        c
runcmd:
  - echo "it's $(id -un)" > /etc/walk.ran
  - [sh, -c, 'echo "$0" >> /etc/walk.ran', two words]
"""


def cloud_config_was_carried_out(lab: Lab, address: str) -> None:
    lab.until(lambda: lab.ssh(address, "cat /run/cloud-boot.done || true"), bool, 60)
    assert lab.ssh(address, "cat /etc/walk.conf") == 'a = "b"\n  c\n'
    assert lab.ssh(address, "stat -c %a /etc/walk.conf").strip() == "640"
    assert lab.ssh(address, "cat /etc/walk.ran").splitlines()[1] == "two words"
    assert lab.ssh(address, "whoami; pwd", user="ann").split() == ["ann", "/home/ann"]
    told = lab.openstack("console", "log", "show", "walk")
    assert "packages: left out: this small guest has no package manager" in told


def remove_all(lab: Lab, address: str) -> None:
    lab.openstack("server", "delete", "--wait", "walk")
    lab.openstack("volume", "delete", "walk")
    lab.openstack("floating", "ip", "delete", address)
    lab.openstack("router", "remove", "subnet", "walk", "walk")
    lab.openstack("router", "delete", "walk")
    lab.openstack("network", "delete", "walk")
    lab.openstack("keypair", "delete", "walk")


def test_the_walk(tmp_path: Path) -> None:
    with Lab() as lab:
        lab.only_packages("run")
        lab.cumulo("up")
        prefix = (lab.data_dir / "instance").read_text().strip()
        before = at_first(lab, prefix)
        lab.run(
            "openstack",
            "--os-cloud",
            "cumulo-demo",
            "keypair",
            "create",
            "walk",
            "--private-key",
            str(lab.folder / "key"),
        )
        (lab.folder / "key").chmod(0o600)
        key = lab.run("ssh-keygen", "-y", "-f", str(lab.folder / "key")).strip()
        (lab.folder / "user-data").write_text(CLOUD_CONFIG.format(key=key))
        make_network(lab)
        lab.openstack(
            "server",
            "create",
            "walk",
            "--image",
            "cumulo-guest",
            "--flavor",
            "m1.nano",
            "--network",
            "walk",
            "--key-name",
            "walk",
            "--user-data",
            str(lab.folder / "user-data"),
            "--wait",
        )
        address = lab.json("floating", "ip", "create", "public")["floating_ip_address"]
        lab.openstack("server", "add", "floating", "ip", "walk", address)
        assert lab.ssh(address, "hostname").strip() == "walk"
        cloud_config_was_carried_out(lab, address)
        assert "cloud-boot" in lab.openstack("console", "log", "show", "walk")
        console_answers(lab)
        volume = use_volume(lab, address)
        reboots(lab, address)
        lab.openstack("server", "remove", "volume", "walk", "walk")
        lab.until(
            lambda: lab.json("volume", "show", "walk")["status"],
            lambda status: status == "available",
        )
        assert volume[:20] not in lab.ssh(address, "cat /sys/block/vd*/serial")
        stop_and_start(lab, address)
        restart_control_plane(lab, address)
        remove_all(lab, address)
        lab.until(lambda: leftovers(lab, prefix), lambda found: found == before, 30)
        lab.cumulo("down", "--purge", "--yes")
        assert not lab.data_dir.exists()
        assert namespaces.list_namespaces(prefix) == []
        assert prefix not in lab.run("ip", "link") + lab.run("nft", "list", "ruleset")


_SCREEN = """
import sys
from urllib.parse import parse_qs, urlsplit
from websockets.sync.client import connect
page = urlsplit(sys.argv[1])
socket = f"ws://{page.netloc}/{parse_qs(page.query)['path'][0]}"
with connect(socket, subprotocols=["binary"]) as screen:
    print(screen.recv(timeout=10))
"""


def console_answers(lab: Lab, name: str = "walk") -> None:
    """The guest's screen greets by the protocol of screens; a wrong token opens nothing."""
    url = lab.json("console", "url", "show", name, "--novnc")["url"]
    assert "RFB 003.008" in lab.run(sys.executable, "-c", _SCREEN, url)
    assert "RFB" not in lab.run(sys.executable, "-c", _SCREEN, url[:-4] + "none", check=False)


def use_volume(lab: Lab, address: str) -> str:
    """Create, attach, mkfs, write; the id of the volume."""
    volume: str = lab.json("volume", "create", "walk", "--size", "1")["id"]
    lab.until(lambda: lab.json("volume", "show", "walk")["status"], lambda s: s == "available")
    lab.openstack("server", "add", "volume", "walk", "walk")
    lab.until(lambda: lab.json("volume", "show", "walk")["status"], lambda s: s == "in-use")
    find = f"grep -l {volume[:20]} /sys/block/*/serial | cut -d/ -f4"
    disk = lab.until(lambda: lab.ssh(address, find).strip(), bool, 30)
    lab.ssh(
        address,
        f"mkfs.ext4 -q /dev/{disk} && mkdir -p /mnt/v && mount /dev/{disk} /mnt/v "
        "&& echo kept > /mnt/v/file && sync && umount /mnt/v",
    )
    return volume


def read_file(lab: Lab, address: str) -> str:
    """What is in the file on the volume, whatever the disk is called after a boot."""
    return lab.ssh(
        address,
        "mkdir -p /mnt/v; for d in /dev/vdb /dev/vdc /dev/vdd; do "
        "mount -t ext4 $d /mnt/v 2>/dev/null && break; done; cat /mnt/v/file; umount /mnt/v",
    ).strip()


def reboots(lab: Lab, address: str) -> None:
    for kind in ("--soft", "--hard"):
        before = lab.ssh(address, "cat /proc/sys/kernel/random/boot_id")
        lab.openstack("server", "reboot", kind, "--wait", "walk")
        lab.until(
            lambda: lab.ssh(address, "cat /proc/sys/kernel/random/boot_id"),
            lambda now, before=before: now != before,
        )
        assert read_file(lab, address) == "kept"


def stop_and_start(lab: Lab, address: str) -> None:
    lab.openstack("server", "stop", "walk")
    lab.until(lambda: lab.json("server", "show", "walk")["status"], lambda s: s == "SHUTOFF")
    lab.openstack("server", "start", "walk")
    lab.until(lambda: lab.json("server", "show", "walk")["status"], lambda s: s == "ACTIVE")
    assert lab.ssh(address, "hostname").strip() == "walk"


def restart_control_plane(lab: Lab, address: str) -> None:
    """The guest and its network go on while the control plane is away, and after."""
    before = lab.ssh(address, "cat /proc/sys/kernel/random/boot_id")
    lab.cumulo("down")
    assert lab.ssh(address, "cat /proc/sys/kernel/random/boot_id") == before
    lab.cumulo("up")
    assert lab.json("server", "show", "walk")["status"] == "ACTIVE"
    assert lab.ssh(address, "cat /proc/sys/kernel/random/boot_id") == before
