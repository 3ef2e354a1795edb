"""`cumulo doctor`: every check is a row of `CHECKS`; what it finds names the command that mends it.

Checks try the thing itself where they can (a bridge in a namespace made for it and gone with it)
instead of reading what the kernel was built with: containers and lockdown make the two differ.
"""

import os
import re
import shutil
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import click
import msgspec

from cumulo.cli import instance
from cumulo.cli.options import data_dir_option, load_settings
from cumulo.cli.packages import SetupFailed, missing, wanted
from cumulo.cli.setup import builder_present, guest_image
from cumulo.core.run.accelerator import probe
from cumulo.core.run.commands import CommandFailed, run_blocking
from cumulo.settings import Settings

Outcome = Literal["ok", "warn", "fail"]
GIB = 1 << 30
_MEND = re.compile(r"\((apt-get install [^)]+)\)")
"""The command in a host's own words"""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the checks look at; the defaults are one machine that does everything.

    `networks`: interface of each of the four networks; None: what `up` makes itself.
    """

    api_port: int = 5000
    ours: bool = False
    """The cloud of this data directory runs and listens there."""
    state: Path = Path("/var/lib/cumulo")
    unknown: tuple[tuple[str, str, int], ...] | None = None
    """(host, kind, how many) of what is on hosts and nobody knows; None: nobody could be asked."""
    faults: tuple[tuple[str, str, str], ...] = ()
    """(host, kind, why) of work that hosts can do nothing of."""
    networks: tuple[tuple[str, str | None], ...] = (
        ("management", None),
        ("guest", None),
        ("external", None),
        ("API", None),
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's answer. `mend`: the command that would make it ok, or empty."""

    outcome: Outcome
    message: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    look: Callable[[Machine], Finding]


def check_python(machine: Machine) -> Finding:
    # Older ones do not get as far as here: the launcher refuses them.
    version = ".".join(map(str, sys.version_info[:3]))
    major, minor = map(int, version.split(".")[:2])
    if (major, minor) <= (3, 13):
        return Finding("ok", version)
    return Finding("warn", f"{version} is newer than 3.13, the newest that Cumulo is tried with")


def check_root(machine: Machine) -> Finding:
    if os.geteuid() == 0:
        return Finding("ok", "runs as root")
    return Finding("fail", "networks and guests need root", "sudo ./cumulo doctor")


def check_packages(machine: Machine) -> Finding:
    try:
        names = wanted("run")
        lacking = missing(names)
    except (SetupFailed, OSError) as error:
        return Finding("fail", str(error))
    if lacking:
        return Finding("fail", f"missing: {' '.join(lacking)}", "./cumulo setup")
    return Finding("ok", f"all {len(names)} installed")


def check_kvm(machine: Machine) -> Finding:
    slow = "guests run in emulation (TCG), about 10 times slower"
    device = Path("/dev/kvm")
    if not device.exists():
        return Finding("warn", f"no /dev/kvm: {slow}", "modprobe -a kvm_intel kvm_amd")
    try:
        os.close(os.open(device, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return Finding(
            "warn", f"/dev/kvm cannot be opened ({error.strerror}): {slow}", "usermod -aG kvm $USER"
        )
    binary = shutil.which("qemu-system-x86_64")
    if binary is None:
        return Finding("warn", "KVM is there; QEMU is not, to try it", "./cumulo setup")
    # A device that opens may still not start a 64-bit guest: boot one for a moment.
    if probe(binary).name != "kvm":
        return Finding("warn", f"/dev/kvm is there, but a guest does not start on it: {slow}")
    return Finding("ok", "hardware virtualisation: a guest was started on KVM")


def check_disk(machine: Machine) -> Finding:
    folder = machine.state
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / GIB
    message = f"{free:.1f} GiB free at {folder}"
    if free < 1:
        return Finding("fail", message + ", needs 1")
    return Finding("ok" if free >= 10 else "warn", message)


def check_memory(machine: Machine) -> Finding:
    fields = dict(
        line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines() if ":" in line
    )
    free = int(fields["MemAvailable"].split()[0]) / (1 << 20)
    message = f"{free:.1f} GiB available"
    if free < 0.5:
        return Finding("fail", message + ", needs 0.5")
    return Finding("ok" if free >= 2 else "warn", message)


def check_port(machine: Machine) -> Finding:
    port = machine.api_port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except PermissionError:
            return Finding("fail", f"port {port} needs root", "sudo ./cumulo doctor")
        except OSError:
            pass
        else:
            return Finding("ok", f"port {port} is free")
    if machine.ours:
        return Finding("ok", f"port {port} is this cloud's")
    return Finding("fail", f"port {port} is another program's", f"ss -ltnp sport = :{port}")


PROBES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("bridge", ("ip", "link", "add", "cumulo0", "type", "bridge")),
    ("veth", ("ip", "link", "add", "cumulo0", "type", "veth", "peer", "name", "cumulo1")),
    ("vxlan", ("ip", "link", "add", "cumulo0", "type", "vxlan", "id", "1", "dstport", "4789")),
    ("tun", ("ip", "tuntap", "add", "cumulo0", "mode", "tap")),
    ("nftables", ("nft", "add", "table", "inet", "cumulo")),
    ("nftables bridge family", ("nft", "add", "table", "bridge", "cumulo")),
)


def check_kernel(machine: Machine) -> Finding:
    if not Path("/proc/self/ns/net").exists():
        return Finding("fail", "no network namespaces in this kernel")
    if os.geteuid() != 0:
        return Finding("warn", "only root can try it", "sudo ./cumulo doctor")
    lacking = []
    for name, argv in PROBES:
        try:
            # In a namespace of its own, which is gone when the command ends.
            run_blocking(["unshare", "--net", "--", *argv], timeout=10)
        except CommandFailed as error:
            lacking.append(f"{name} ({error.stderr.strip().splitlines()[-1:] or ['no answer']})")
    if lacking:
        return Finding(
            "fail",
            f"does not work: {', '.join(lacking)}",
            "./cumulo setup && modprobe -a bridge veth vxlan tun nf_tables",
        )
    return Finding("ok", f"namespaces, {', '.join(name for name, _ in PROBES)}")


def check_tagging(machine: Machine) -> Finding:
    """What the built-in data plane does not do, and some kernels could not: told, no failure."""
    told = "the built-in data plane tags no frames: sub-ports of trunks carry nothing"
    if os.geteuid() != 0:
        return Finding("ok", told)
    lines = b"link add v0 type veth peer name v1\nlink add link v0 name v2 type vlan id 2\n"
    try:
        run_blocking(["unshare", "--net", "--", "ip", "-batch", "-"], stdin=lines, timeout=10)
    except CommandFailed:
        return Finding("ok", f"no 802.1Q in this kernel; {told}")
    return Finding("ok", f"802.1Q is there; {told}")


def check_bridge_filter(machine: Machine) -> Finding:
    if Path("/proc/sys/net/bridge/bridge-nf-call-iptables").exists():
        return Finding("ok", "net.bridge is there: security groups can follow connections")
    return Finding(
        "fail", "no net.bridge: security groups cannot follow connections", "modprobe br_netfilter"
    )


def check_networks(machine: Machine) -> Finding:
    present = {name for _, name in socket.if_nameindex()}
    gone = [f"{role}: {name}" for role, name in machine.networks if name and name not in present]
    if gone:
        return Finding("fail", f"no such interface: {', '.join(gone)}", "ip -brief link")
    placed = [f"{role} on {name or 'this machine'}" for role, name in machine.networks]
    return Finding("ok", ", ".join(placed))


def check_guest_image(machine: Machine) -> Finding:
    image = guest_image()
    if image.exists():
        return Finding("ok", f"{image}, {image.stat().st_size / (1 << 20):.0f} MiB")
    mend = "./cumulo setup" if builder_present() else ""
    return Finding("warn", f"not built yet: {image}", mend)


def check_unknown(machine: Machine) -> Finding:
    if machine.unknown is None:
        return Finding("ok", "the cloud does not run")
    if not machine.unknown:
        return Finding("ok", "nothing that the cloud does not know")
    told = ", ".join(f"{n} of {kind} on {host}" for host, kind, n in machine.unknown)
    return Finding("warn", f"kept, though nobody knows them: {told}", "./cumulo host unknown list")


def check_hosts(machine: Machine) -> Finding:
    if machine.unknown is None:
        return Finding("ok", "the cloud does not run")
    told = [f"{kind} on {host}: {why}" for host, kind, why in machine.faults]
    if not told:
        return Finding("ok", "each can do what it is for")
    mend = next((found[1] for why in told if (found := _MEND.search(why))), "")
    return Finding("warn", "; ".join(told), mend)


CHECKS: tuple[Check, ...] = (
    Check("python", check_python),
    Check("root", check_root),
    Check("debian packages", check_packages),
    Check("virtualisation", check_kvm),
    Check("disk", check_disk),
    Check("memory", check_memory),
    Check("API port", check_port),
    Check("kernel networking", check_kernel),
    Check("bridge filter", check_bridge_filter),
    Check("VLAN tags", check_tagging),
    Check("networks", check_networks),
    Check("guest image", check_guest_image),
    Check("work on hosts", check_hosts),
    Check("unknown things", check_unknown),
)


def examine(machine: Machine, checks: Sequence[Check] = CHECKS) -> list[tuple[str, Finding]]:
    """Run all checks. One that breaks is a failed one, and the others still run."""
    found = []
    for check in checks:
        try:
            finding = check.look(machine)
        except Exception as error:
            finding = Finding("fail", f"the check itself failed: {error!r}")
        found.append((check.name, finding))
    return found


def machine_of(settings: Settings) -> Machine:
    """What the settings say of the machine."""
    hosts = _hosts(settings)
    return Machine(
        api_port=settings.port,
        ours=instance.running(settings) is not None,
        unknown=None if hosts is None else _of(hosts, "unknown"),
        faults=_of(hosts or [], "faults"),
        state=settings.data_dir,
    )


def _hosts(settings: Settings) -> list[Any] | None:
    found = instance.running(settings)
    if found is None:
        return None
    try:
        hosts: list[Any] = instance.Client(settings, found.base_url).get("/cumulo/status")["hosts"]
    except (instance.ApiError, OSError):
        return None
    return hosts


def _of(hosts: Sequence[Any], what: str) -> tuple[tuple[str, str, Any], ...]:
    """(host, kind of work, what is said of it)"""
    return tuple((host["id"], kind, said) for host in hosts for kind, said in host[what].items())


@click.command()
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(data_dir: Path | None, as_json: bool) -> None:
    """Check the machine. Exit status 1 if anything fails (warnings do not count)."""
    found = examine(machine_of(load_settings(data_dir, forgiving=True)))
    failed = any(finding.outcome == "fail" for _, finding in found)
    if as_json:
        rows = [{"name": name, **asdict(finding)} for name, finding in found]
        click.echo(msgspec.json.encode({"ok": not failed, "checks": rows}))
    else:
        width = max(len(name) for name, _ in found)
        for name, finding in found:
            click.echo(f"{finding.outcome:4}  {name:{width}}  {finding.message}")
            if finding.mend and finding.outcome != "ok":
                click.echo(f"{'':{width + 8}}mend: {finding.mend}")
    raise SystemExit(1 if failed else 0)
