"""A cloud of three machines: two join by the line that the first one printed, and run guests that
reach one another, are reached from outside, and are told what they ask for."""

import json
import os
import signal
import subprocess
import sys

import pytest

from cumulo.core.run import namespaces
from tests.end_to_end.lab import Lab, Machine
from tests.end_to_end.test_walk import console_answers

pytestmark = pytest.mark.guest


def guest(
    lab: Lab,
    name: str,
    host: str,
    *more: str,
    network: str = "private",
    cloud: str = "cumulo-demo",
) -> str:
    """A server on that host; its address. Hosts other than that one get no new work meanwhile."""
    others = [each["name"] for each in hosts(lab) if each["name"] != host]
    for other in others:
        lab.cumulo("host", "disable", other)
    lab.openstack(
        "server", "create", name, "--image", "cumulo-guest", "--flavor", "m1.nano",
        "--wait", *(more if "--nic" in more else ("--network", network, *more)), cloud=cloud,
    )  # fmt: skip
    for other in others:
        lab.cumulo("host", "enable", other)
    shown = lab.json("server", "show", name, cloud=cloud)
    (address,) = shown["addresses"][network]
    admin = lab.json("server", "show", shown["id"], cloud="cumulo")
    assert admin["OS-EXT-SRV-ATTR:host"] == host
    return str(address)


def hosts(lab: Lab) -> list[dict[str, object]]:
    return list(json.loads(lab.cumulo("host", "list", "--json"))["hosts"])


def pid_of(machine: Machine | Lab) -> int:
    return int(json.loads((machine.data_dir / "run" / "ready.json").read_text())["pid"])


def streaming(lab: Lab, address: str) -> "subprocess.Popen[str]":
    """A connection to a guest that says something every half second."""
    argv = ["ssh", "-i", str(lab.folder / "key"), "-o", "StrictHostKeyChecking=no"]
    argv += ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", f"cumulo@{address}"]
    place = namespaces.namespace_path(lab.namespace)
    loop = "for i in $(seq 1 240); do echo $i; sleep 0.5; done"
    return subprocess.Popen(
        ["nsenter", f"--net={place}", "--", *argv, loop],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=lab.environment,
    )


def volumes_stay_on_their_machine(lab: Lab) -> None:
    """Servers of other machines cannot have one, and are told so."""
    lab.openstack("volume", "create", "data", "--size", "1")
    disk = lab.until(
        lambda: lab.json("volume", "show", "data"), lambda found: found["status"] == "available"
    )
    place = lab.json("volume", "show", disk["id"], cloud="cumulo")["os-vol-host-attr:host"]
    elsewhere = "one" if not place.startswith("second") else "two"
    says = failing(lab, "server", "add", "volume", elsewhere, "data")
    assert "serves the servers of its own machine" in says
    lab.openstack("volume", "delete", "data")


def a_word_on_a_port_opens_nothing(lab: Lab, address: str) -> None:
    """A guest whose owner writes another project's server on its port is told of itself alone."""
    theirs = lab.json("server", "show", "theirs", cloud="cumulo")["id"]
    ports = lab.json("port", "list", "--server", "one")
    for claim in (("set", ports[0]["ID"]), ("create", "claims", "--network", "private")):
        says = failing(lab, "port", claim[0], "--device", theirs, *claim[1:])
        assert "409" in says or "Conflict" in says, says
    # An administrator may write it: it is a word all the same.
    own = lab.json("server", "show", "one")["id"]
    lab.openstack("port", "set", "--device", theirs, ports[0]["ID"], cloud="cumulo")
    told = lab.ssh(address, f"{ASK}/openstack/latest/meta_data.json")
    assert json.loads(told)["name"] == "one" and theirs not in told
    lab.openstack("port", "set", "--device", own, ports[0]["ID"], cloud="cumulo")


ASK = "wget -qO- http://169.254.169.254"


def test_three_machines() -> None:
    with Lab() as lab:
        second, third = lab.machine("second"), lab.machine("third")
        lab.cumulo("up", "--listen", "10.77.0.1:5000")
        for machine in (second, third):
            machine.join(lab.cumulo("host", "token", "create"))
        lab.until(lambda: hosts(lab), lambda found: all(each["connected"] for each in found), 60)
        assert len(hosts(lab)) == 3
        assert "second of the cloud at https://10.77.0.1:5001" in second.cumulo("status")
        assert "ask there" in refused(second, "why", "x")
        lab.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(lab.folder / "key"))
        lab.openstack("keypair", "create", "k", "--public-key", str(lab.folder / "key.pub"))
        for protocol in ("icmp", "tcp"):
            lab.openstack("security", "group", "rule", "create", "default", "--protocol", protocol)
        guest(lab, "one", "second", "--key-name", "k")
        two = guest(lab, "two", "third", "--key-name", "k")
        floating = lab.json("floating", "ip", "create", "public")["floating_ip_address"]
        lab.openstack("server", "add", "floating", "ip", "one", floating)
        # Its address came by DHCP, its key by metadata, its image by the link.
        assert lab.ssh(floating, "hostname").strip() == "one"
        ping = f"ping -c 2 -w 20 {two} >/dev/null && echo reached"
        assert lab.ssh(floating, ping) == "reached\n"
        assert "login:" in lab.openstack("console", "log", "show", "two")
        console_answers(lab, "two")

        volumes_stay_on_their_machine(lab)

        # The same addresses of somebody else.
        lab.openstack("network", "create", "theirs", cloud="cumulo")
        lab.openstack(
            "subnet", "create", "theirs", "--network", "theirs",
            "--subnet-range", "10.0.0.0/24", cloud="cumulo",
        )  # fmt: skip
        nic = "net-id=theirs,v4-fixed-ip=10.0.0.77"
        theirs = guest(lab, "theirs", "third", "--nic", nic, network="theirs", cloud="cumulo")
        assert theirs == "10.0.0.77"
        reached = lab.ssh(
            floating, "ping -c 2 -w 6 10.0.0.77 >/dev/null && echo reached || echo no"
        )
        assert reached == "no\n"
        a_word_on_a_port_opens_nothing(lab, floating)

        # Agents and control plane die; connections live on, and all goes on where it was.
        stream = streaming(lab, floating)
        assert stream.stdout is not None and stream.stdout.readline() == "1\n"
        for dying in (second, lab):
            os.kill(pid_of(dying), signal.SIGKILL)
        second.cumulo("up")
        lab.cumulo("up")
        lab.until(lambda: hosts(lab), lambda found: all(each["connected"] for each in found), 90)
        before = int(stream.stdout.readline())
        assert int(stream.stdout.readline()) == before + 1
        stream.kill()
        stream.communicate()
        assert lab.ssh(floating, "cat /proc/uptime").split()[0] > "10"
        assert lab.ssh(floating, ping) == "reached\n"

        # A host goes when nothing is on it, and is let in no more.
        assert "still has things" in refused(lab, "host", "remove", "third", "--yes")
        lab.openstack("server", "delete", "--wait", "two")
        lab.openstack("server", "delete", "--wait", "theirs", cloud="cumulo")
        lab.until(lambda: lab.cumulo("host", "drain", "third", check=False), empty, 60)
        lab.cumulo("host", "remove", "third", "--yes")
        assert [each["name"] for each in hosts(lab) if each["joined"]] == ["second"]
        assert "third" not in lab.openstack("hypervisor", "list", cloud="cumulo")
        lab.until(lambda: (third.data_dir / "logs/cumulo.log").read_text(), gone, 60)


def refused(place: Lab | Machine, *arguments: str) -> str:
    """What a command that must fail says."""
    lab = place if isinstance(place, Lab) else place.lab
    command = [sys.executable, "-m", "cumulo.cli.main", *arguments]
    done = subprocess.run(
        ["nsenter", f"--net={namespaces.namespace_path(place.namespace)}", "--", *command,
         "--data-dir", str(place.data_dir)],
        env=lab.environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    return done.stderr


def failing(lab: Lab, *arguments: str) -> str:
    """What the stock client says of what must fail."""
    done = subprocess.run(
        ["nsenter", f"--net={namespaces.namespace_path(lab.namespace)}", "--",
         "openstack", "--os-cloud", "cumulo-demo", *arguments],
        env=lab.environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    return done.stderr


def empty(said: str) -> bool:
    return "is empty" in said


def gone(log: str) -> bool:
    return "no host of the cloud any more" in log
