"""A machine of the farm from its enrolment to ssh and back, by the stock command line alone."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cumulo.baremetal.drivers.media import ISOLINUX
from cumulo.baremetal.ramdisk import builder
from tests.end_to_end.lab import Lab

pytestmark = pytest.mark.guest
NAME = "metal-1"
LONG = os.environ.get("CUMULO_METAL_TESTS") == "1"


def have_ramdisk(image: Path) -> None:
    """The lab has no way out to fetch packages: it is built before, once."""
    folder = image.parent.parent
    if not builder.present(folder / "ramdisk", image.parent):
        builder.build(folder / "ramdisk", image.parent, folder / "packages", lambda line: None)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        have_ramdisk(Path(lab.environment["CUMULO_GUEST_IMAGE"]))
        lab.cumulo("up")
        lab.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(lab.folder / "key"))
        yield lab


def node(lab: Lab, *arguments: str) -> Any:
    return lab.openstack("baremetal", "node", *arguments, cloud="cumulo")


def shown(lab: Lab) -> Any:
    return lab.json("baremetal", "node", "show", NAME, cloud="cumulo")


def enrol(lab: Lab) -> str:
    """As `farm list` says; the machine's address."""
    told = lab.cumulo("baremetal", "farm", "list")
    [command] = re.findall(r"openstack (baremetal node create .*)", told)
    lab.openstack(*command.split(), cloud="cumulo")
    return re.search(r"172\.29\.0\.\d+", told)[0]  # type: ignore[index]


def ssh(lab: Lab, who: str, command: str, seconds: float = 90, password: str = "") -> str:
    """What it prints, as soon as somebody lets us in: by our key, or by a password."""
    namespace = re.search(r"exec (\S+-farm)", lab.cumulo("baremetal", "farm", "list"))
    assert namespace is not None
    ask = lab.folder / "ask"
    ask.write_text(f"#!/bin/sh\necho '{password}'\n")
    ask.chmod(0o700)
    proof = ["-i", str(lab.folder / "key"), "-o", "BatchMode=yes"]
    if password:
        proof = ["-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1"]
    argv = [
        "nsenter", f"--net=/run/netns/{namespace[1]}", "--", "ssh", *proof,
        "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
        "-o", "ConnectTimeout=5", "-o", "LogLevel=ERROR", who, command,
    ]  # fmt: skip
    environment = {**os.environ, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}

    def attempt() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip

    found = lab.until(attempt, lambda done: done.returncode == 0, seconds)
    return str(found.stdout)


@pytest.mark.skipif(
    shutil.which("xorriso") is None or not ISOLINUX.exists(), reason="needs xorriso and isolinux"
)
def test_a_real_deployment(lab: Lab) -> None:
    lab.cumulo("baremetal", "farm", "up", "1")
    address = enrol(lab)
    assert shown(lab)["driver_info"]["redfish_password"] == "******"
    node(lab, "manage", "--wait", "60", NAME)
    node(lab, "inspect", "--wait", "60", NAME)
    assert shown(lab)["properties"]["memory_mb"] == 512
    [port] = lab.json("baremetal", "port", "list", "--node", NAME, cloud="cumulo")
    assert port["address"].startswith("52:54:")
    # Cleaning is of another test.
    node(lab, "set", NAME, "--no-automated-clean", "--network-interface", "neutron")
    node(lab, "provide", "--wait", "60", NAME)
    [image] = lab.json("image", "list", cloud="cumulo")
    node(lab, "set", NAME, "--instance-info", f"image_source={image['ID']}")
    floating = a_place_in_the_network(lab)
    node(lab, "vif", "attach", NAME, lab.json("port", "show", "vif")["id"])
    key = (lab.folder / "key.pub").read_text().strip()
    drive = {"meta_data": {"public_keys": {"k": key}, "hostname": "iron"}}
    node(lab, "deploy", "--wait", "240", "--config-drive", json.dumps(drive), NAME)
    assert shown(lab)["power_state"] == "power on"
    vif = lab.json("port", "show", "vif")
    assert (vif["mac_address"], vif["status"]) == (port["address"], "ACTIVE")
    said = lab.ssh(floating, "hostname; df -m / | tail -1; cat /run/cloud-source")
    assert said.split()[0] == "iron" and said.split()[-1] == "config-drive"
    assert int(said.split()[2]) > 3000
    apart(lab, floating, address, vif["fixed_ips"][0]["ip_address"])


def a_place_in_the_network(lab: Lab) -> str:
    """A port of the tenant's, that lets ssh in; its floating address."""
    for protocol in ("tcp", "icmp"):
        lab.openstack("security", "group", "rule", "create", "default", "--protocol", protocol)
    lab.openstack("port", "create", "--network", "private", "vif")
    made = lab.json("floating", "ip", "create", "public", "--port", "vif")
    return str(made["floating_ip_address"])


def apart(lab: Lab, floating: str, provisioning: str, own: str) -> None:
    """The tenant's machine and the provisioning network do not reach each other, by any address."""
    told = lab.cumulo("baremetal", "farm", "list")
    [farm] = re.findall(r"exec (\S+-farm)", told)
    take = f"ip addr add {provisioning}/24 dev eth0; ip link show eth0"
    assert "eth0" in lab.ssh(floating, take)
    assert "via" in lab.ssh(floating, "ip route get 172.29.0.1 from " + own + "; ip route")
    reach = lab.ssh(floating, "ping -c 2 -W 1 172.29.0.1 >/dev/null 2>&1 && echo in || echo out")
    assert reach.strip() == "out"
    for address in (own, provisioning):
        ping = ["nsenter", f"--net=/run/netns/{farm}", "--", "ping", "-c", "2", "-W", "1", address]
        assert subprocess.run(ping, capture_output=True, check=False).returncode != 0
    lab.ssh(floating, f"ip addr del {provisioning}/24 dev eth0")


@pytest.mark.skipif(not LONG, reason="minutes: set CUMULO_METAL_TESTS=1")
def test_rescued_and_back(lab: Lab) -> None:
    """After the test above."""
    address = re.search(r"172\.29\.0\.\d+", lab.cumulo("baremetal", "farm", "list"))
    assert address is not None
    node(lab, "rescue", "--wait", "240", "--rescue-password", "let-me-in", NAME)
    assert shown(lab)["provision_state"] == "rescue"
    said = ssh(lab, f"rescue@{address[0]}", "hostname; ls /dev/vda", password="let-me-in")
    assert said.split() == ["deploy", "/dev/vda"]
    node(lab, "unrescue", "--wait", "120", NAME)
    assert "rescue_password" not in shown(lab)["instance_info"]
    [floating] = lab.json("floating", "ip", "list")
    assert lab.ssh(floating["Floating IP Address"], "hostname").strip() == "iron"
    story = lab.cumulo("why", shown(lab)["uuid"])
    assert "wait call-back" in story and "rescue wait" in story


@pytest.mark.skipif(not LONG, reason="minutes: set CUMULO_METAL_TESTS=1")
def test_booted_by_the_network(lab: Lab) -> None:
    """The same machine, cleaned by a ramdisk that iPXE loads over HTTP."""
    node(lab, "undeploy", "--wait", "240", NAME)
    node(lab, "set", NAME, "--boot-interface", "ipxe", "--automated-clean")
    node(lab, "manage", "--wait", "60", NAME)
    node(lab, "provide", "--wait", "240", NAME)
    log = (lab.data_dir / "logs" / "cumulo.log").read_text()
    assert not list(lab.data_dir.glob("baremetal/media/*")), log[-2000:]
    node(lab, "set", NAME, "--boot-interface", "redfish-virtual-media", "--no-automated-clean")
    [image] = lab.json("image", "list", cloud="cumulo")
    node(lab, "set", NAME, "--instance-info", f"image_source={image['ID']}")
    node(lab, "deploy", "--wait", "240", NAME)


@pytest.mark.skipif(not LONG, reason="minutes: set CUMULO_METAL_TESTS=1")
def test_given_back_and_clean(lab: Lab) -> None:
    """After the test above: the disk that the next one gets holds nothing."""
    node(lab, "set", NAME, "--automated-clean")
    [disk] = lab.data_dir.glob("baremetal/farm/machines/*/q/disk.qcow2")
    node(lab, "undeploy", "--wait", "240", NAME)
    assert lab.json("port", "show", "vif")["device_owner"] == ""
    after = shown(lab)
    assert (after["provision_state"], after["power_state"]) == ("available", "power off")
    assert after["instance_info"] == {}
    mapped = json.loads(lab.run("qemu-img", "map", "--output=json", str(disk)))
    assert not any(part["data"] for part in mapped)
    assert not list(lab.data_dir.glob("baremetal/media/*"))


@pytest.mark.skipif(not LONG, reason="minutes: set CUMULO_METAL_TESTS=1")
def test_by_ipmi_and_the_network(lab: Lab) -> None:
    """Another machine, whose BMC knows no media: deployed, rebuilt, reached."""
    lab.cumulo("baremetal", "farm", "up", "2", "--ipmi")
    told = lab.cumulo("baremetal", "farm", "list")
    line = next(line for line in told.splitlines() if line.startswith("metal-2 "))
    address, mac = line.split()[-1], line.split()[-2]
    info = re.findall(r"--driver ipmi (.*)", told)[1]
    lab.openstack(
        "baremetal", "node", "create", "--driver", "ipmi", "--name", "metal-2",
        "--no-automated-clean", *info.split(), cloud="cumulo",
    )  # fmt: skip
    lab.openstack("baremetal", "port", "create", mac, "--node", "metal-2", cloud="cumulo")
    node(lab, "manage", "--wait", "60", "metal-2")
    node(lab, "inspect", "--wait", "240", "metal-2")
    node(lab, "provide", "--wait", "60", "metal-2")
    [image] = lab.json("image", "list", cloud="cumulo")
    node(lab, "set", "metal-2", "--instance-info", f"image_source={image['ID']}")
    key = (lab.folder / "key.pub").read_text().strip()
    drive = {"meta_data": {"public_keys": {"k": key}, "hostname": "copper"}}
    node(lab, "deploy", "--wait", "240", "--config-drive", json.dumps(drive), "metal-2")
    assert ssh(lab, f"cumulo@{address}", "hostname; touch /root/mark").strip() == "copper"
    node(lab, "rebuild", "--wait", "240", "metal-2")
    assert ssh(lab, f"cumulo@{address}", "hostname; ls /root").strip() == "copper"
    inventory = lab.openstack("baremetal", "node", "inventory", "save", "metal-2", cloud="cumulo")
    assert json.loads(inventory)["inventory"]["system_vendor"]["manufacturer"] == "Cumulo"


@pytest.mark.skipif(not LONG, reason="minutes: set CUMULO_METAL_TESTS=1")
def test_a_server_has_the_machine(lab: Lab) -> None:
    """The first machine, which was given back: compute gives it to a server of the demo project."""
    node(lab, "set", NAME, "--resource-class", "iron", "--no-automated-clean")
    lab.openstack(
        "flavor", "create", "metal", "--vcpus", "1", "--ram", "512", "--disk", "4",
        *(f"--property=resources:{name}=0" for name in ("VCPU", "MEMORY_MB", "DISK_GB")),
        "--property=resources:CUSTOM_IRON=1", cloud="cumulo",
    )  # fmt: skip
    lab.openstack("keypair", "create", "--public-key", str(lab.folder / "key.pub"), "k")
    [image] = lab.json("image", "list")
    lab.openstack(
        "server", "create", "--flavor", "metal", "--image", image["ID"], "--network", "private",
        "--key-name", "k", "--wait", "anvil",
    )  # fmt: skip
    floating = lab.json("floating", "ip", "create", "public")["floating_ip_address"]
    lab.openstack("server", "add", "floating", "ip", "anvil", floating)
    assert lab.ssh(floating, "hostname; echo there > /root/mark").strip() == "anvil"
    assert shown(lab)["instance_uuid"] == lab.json("server", "show", "anvil")["id"]
    # Both ways: another guest of the network, and the router.
    lab.openstack("server", "reboot", "--hard", "--wait", "anvil")
    assert lab.ssh(floating, "cat /root/mark").strip() == "there"
    lab.openstack("server", "delete", "--wait", "anvil")
    lab.until(lambda: shown(lab)["provision_state"], lambda state: state == "available")
    assert shown(lab)["instance_uuid"] is None
    assert lab.json("port", "list", "--device-owner", "compute:nova") == []
