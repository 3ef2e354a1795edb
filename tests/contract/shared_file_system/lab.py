"""A data plane of a few lines: a bridge, the tap of an export server's port, two clients."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

import msgspec

from cumulo.shared_file_system.drivers.local.pool import missing
from cumulo.shared_file_system.model.orders import Port, WantedServer

PREFIX = f"cmt{os.getpid() % 10000}"
"""Tests run beside each other."""
SERVER = WantedServer(
    id="aaaaaaaa-1111-4111-8111-111111111111",
    mac="fa:16:3e:00:00:01",
    address="10.9.0.5/24",
    gateway=None,
    mtu=1450,
    tap="tapaaaa",
)
SIX_SERVER = "fd09::5"
WIDE = msgspec.structs.replace(
    SERVER,
    more=(Port(mac="fa:16:3e:00:00:02", address=f"{SIX_SERVER}/64", gateway=None, mtu=1450,
               tap="tapbbbb"),),
)  # fmt: skip
ONLY_SIX = msgspec.structs.replace(SERVER, address=f"{SIX_SERVER}/64")
SIX = {"a": "fd09::11", "b": "fd09::12"}
CLIENTS = {"a": "10.9.0.11", "b": "10.9.0.12"}
_NAMESPACES = ("host", *CLIENTS, "s-aaaaaaaa")


def lacking() -> str | None:
    """Why there can be no real shares here."""
    client = None if shutil.which("nfs-ls") else "not installed: nfs-ls (libnfs-utils)"
    return missing() or client


def ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=True, timeout=20)


def _remove() -> None:
    for name in _NAMESPACES:
        ip("netns", "del", f"{PREFIX}-{name}", check=False)


@contextlib.contextmanager
def plane() -> Iterator[None]:
    host = f"{PREFIX}-host"
    _remove()
    try:
        ip("netns", "add", host)
        ip("-n", host, "link", "add", "br1", "type", "bridge")
        ip("-n", host, "link", "set", "br1", "up")
        for port in WIDE.ports():
            ip("-n", host, "tuntap", "add", port.tap, "mode", "tap")
            ip("-n", host, "link", "set", port.tap, "master", "br1", "up")
        for name, address in CLIENTS.items():
            own, outer = f"{PREFIX}-{name}", f"v{name}"
            ip("netns", "add", own)
            ip("-n", host, "link", "add", outer, "type", "veth", "peer", "eth0", "netns", own)
            ip("-n", host, "link", "set", outer, "master", "br1", "up")
            ip("-n", own, "addr", "add", f"{address}/24", "dev", "eth0")
            ip("-n", own, "addr", "add", f"{SIX[name]}/64", "dev", "eth0", "nodad")
            ip("-n", own, "link", "set", "eth0", "up")
        yield
    finally:
        _remove()


def client(name: str, *argv: str) -> tuple[bool, str]:
    """A command in a client's namespace: whether it succeeded, and all it said."""
    vector = ["nsenter", f"--net=/run/netns/{PREFIX}-{name}", "--", *argv]
    done = subprocess.run(vector, capture_output=True, text=True, timeout=30)
    return done.returncode == 0, done.stdout + done.stderr


def url(share: str, name: str = "", folder: str = "shares", address: str = "10.9.0.5") -> str:
    return f"nfs://{address}/{folder}/{share}{name}?version=4"


def listing(
    who: str, share: str, folder: str = "shares", address: str = "10.9.0.5"
) -> list[str] | None:
    """Names in the share, or None where it cannot be mounted. (libnfs takes IPv6 as it is.)"""
    works, text = client(who, "nfs-ls", url(share, folder=folder, address=address))
    return [line.split()[-1] for line in text.splitlines()] if works else None


def copy(who: str, path: str, share: str, name: str) -> bool:
    return client(who, "nfs-cp", path, url(share, name))[0]
