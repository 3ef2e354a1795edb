"""Shares on a real host: how soon a share, a rule and a snapshot are there, and what is written to
a share in a second, over the same NFS server set up by hand. `python -m bench.shares`.

Needs root, btrfs, nfs-ganesha and libnfs-utils. Everything happens in a network namespace without a
way out. The client is libnfs, in the namespace of the export server: what is measured has no
network in it, neither here nor by hand. What is written goes in pieces of 3 KiB, one after another
(libnfs 4 sends no larger ones by NFSv4), so it is the server's work that counts and not its disk's.
"""

import contextlib
import ctypes
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.process import Cloud, free_port, wait_until_answering
from cumulo.core.run import namespaces

ROUNDS = 5
MEGABYTES = 16
_PIECE = 3 << 10
_VERSION = {"X_OpenStack_Manila_API_Version": "2.99"}
_BY_HAND = """NFS_CORE_PARAM {{ Protocols = 4; NFS_Port = 2049;
  Enable_NLM = false; Enable_RQUOTA = false; mount_path_pseudo = true; }}
NFSV4 {{ Graceless = true; Minor_Versions = 0, 1, 2; RecoveryBackend = fs;
  RecoveryRoot = "{folder}/recovery"; Only_Numeric_Owners = true; }}
NFS_KRB5 {{ Active_krb5 = false; }}
LOG {{ Default_Log_Level = EVENT; }}
EXPORT {{ Export_Id = 1; Path = {place}; Pseudo = /shares/hand; Access_Type = RW; Protocols = 4;
  Transports = TCP; SecType = sys; Squash = No_Root_Squash; Filesystem_Id = 1.1;
  FSAL {{ Name = VFS; }} }}
"""


def measure() -> str:
    namespace = f"cb{secrets.token_hex(3)}"
    data_dir = Path(tempfile.mkdtemp(prefix="cumulo-bench-"))
    data_dir.chmod(0o755)
    namespaces.create_namespace(namespace)
    try:
        _inside(namespace, "ip", "link", "set", "lo", "up")
        argv = [sys.executable, "-m", "bench.shares", str(data_dir), namespace]
        return _inside(namespace, *argv, timeout=900)
    finally:
        namespaces.delete_namespace(namespace)
        shutil.rmtree(data_dir, ignore_errors=True)


def _inside(namespace: str, *argv: str, timeout: float = 60, check: bool = True) -> str:
    place = namespaces.namespace_path(namespace)
    done = subprocess.run(["nsenter", f"--net={place}", "--", *argv], stdout=subprocess.PIPE,
                          text=True, timeout=timeout, check=check)  # fmt: skip
    return done.stdout if done.returncode == 0 else ""


@contextlib.contextmanager
def _cloud(data_dir: Path) -> Iterator[Cloud]:
    port = free_port()
    options = ["--data-dir", str(data_dir)]
    main = [sys.executable, "-m", "cumulo.cli.main"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen([*main, "serve", *options, "--listen", f"127.0.0.1:{port}"], **quiet)
    try:
        wait_until_answering(child, port, data_dir)
        yield Cloud(child.pid, port, data_dir, 0.0)
    finally:
        child.terminate()
        child.wait(30)
        subprocess.run([*main, "down", "--purge", "--yes", *options], check=True, **quiet)


class _Shares:
    """A share network on the demo project's network, and what is made in it."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        [net] = cloud.json("GET", "/network/v2.0/networks?name=private")["networks"]
        place = {"neutron_net_id": net["id"], "neutron_subnet_id": net["subnets"][0]}
        self._here = self.ask("POST", "share-networks", {"share_network": place})
        self.address = ""

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._cloud.json(method, f"/share/v2/{path}", body, **_VERSION)
        return next(iter(answer.values())) if answer else None

    def until(self, path: str, accept: Callable[[Any], bool]) -> Any:
        end = time.monotonic() + 60
        while not accept(found := self.ask("GET", path)):
            if time.monotonic() > end or "error" in str(found):
                raise RuntimeError(f"{path}: {found}")
            time.sleep(0.002)
        return found

    def share(self) -> tuple[str, float]:
        began = time.monotonic()
        wish = {"share_proto": "NFS", "size": 1, "share_network_id": self._here["id"]}
        id = self.ask("POST", "shares", {"share": wish})["id"]
        self.until(f"shares/{id}", lambda share: share["status"] == "available")
        seconds = time.monotonic() - began
        [place] = self.ask("GET", f"shares/{id}/export_locations")
        self.address = place["path"].partition(":")[0]
        return str(id), seconds

    def rule(self, share: str, see: Callable[[], bool]) -> float:
        """Until the client is let in; then it is taken away again."""
        began = time.monotonic()
        allow = {"access_type": "ip", "access_to": self.address}
        made = self.ask("POST", f"shares/{share}/action", {"allow_access": allow})
        while not see():
            if time.monotonic() > began + 60:
                raise RuntimeError("the client is not let in")
        seconds = time.monotonic() - began
        self.until(f"share-access-rules/{made['id']}", lambda rule: rule["state"] == "active")
        self.ask("POST", f"shares/{share}/action", {"deny_access": {"access_id": made["id"]}})
        self.until(f"share-access-rules?share_id={share}", lambda rules: rules == [])
        return seconds

    def admit(self, share: str) -> None:
        allow = {"access_type": "ip", "access_to": self.address}
        made = self.ask("POST", f"shares/{share}/action", {"allow_access": allow})
        self.until(f"share-access-rules/{made['id']}", lambda rule: rule["state"] == "active")

    def snapshot(self, share: str) -> float:
        began = time.monotonic()
        id = self.ask("POST", "snapshots", {"snapshot": {"share_id": share}})["id"]
        self.until(f"snapshots/{id}", lambda each: each["status"] == "available")
        return time.monotonic() - began


def _written(namespace: str, url: str) -> float:
    """Megabytes in a second"""
    return float(_inside(namespace, sys.executable, "-m", "bench.shares", f"{url}?version=4"))


class _Url(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p) for name in ("server", "path", "file")]


def _write(url: str) -> float:
    """In the namespace of a server: by libnfs, with one mount and one open."""
    lib = ctypes.CDLL("libnfs.so.13")
    lib.nfs_init_context.restype = ctypes.c_void_p
    lib.nfs_get_error.restype = ctypes.c_char_p
    lib.nfs_parse_url_full.restype = ctypes.POINTER(_Url)
    context = ctypes.c_void_p(lib.nfs_init_context())
    parsed = lib.nfs_parse_url_full(context, url.encode()).contents
    server, path, file = (ctypes.c_char_p(each) for each in (parsed.server, parsed.path,
                                                             parsed.file))  # fmt: skip
    handle = ctypes.c_void_p()

    def checked(result: int) -> None:
        if result < 0:
            raise OSError(f"{url}: {lib.nfs_get_error(context)!r}")

    checked(lib.nfs_mount(context, server, path))
    checked(lib.nfs_open(context, file, os.O_CREAT | os.O_WRONLY, ctypes.byref(handle)))
    piece, pieces = secrets.token_bytes(_PIECE), (MEGABYTES << 20) // _PIECE
    began = time.monotonic()
    for _ in range(pieces):
        checked(lib.nfs_write(context, handle, ctypes.c_uint64(_PIECE), piece))
    checked(lib.nfs_fsync(context, handle))
    return MEGABYTES / (time.monotonic() - began)


@contextlib.contextmanager
def _by_hand(namespace: str, folder: Path) -> Iterator[str]:
    """A btrfs in a file and one server of it: the URL of its root."""
    image, place = folder / "hand.img", folder / "hand"
    (folder / "recovery").mkdir()
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(4 << 30)
    subprocess.run(["mkfs.btrfs", "-q", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(place)], check=True)
    place.chmod(0o777)
    config = folder / "hand.conf"
    config.write_text(_BY_HAND.format(folder=folder, place=place))
    argv = ["ganesha.nfsd", "-F", "-f", str(config), "-L", str(folder / "hand.log"),
            "-p", str(folder / "hand.pid")]  # fmt: skip
    place_of = namespaces.namespace_path(namespace)
    child = subprocess.Popen(["nsenter", f"--net={place_of}", "--", *argv])
    url = "nfs://127.0.0.1/shares/hand"
    try:
        end = time.monotonic() + 20
        while not _lists(namespace, url):
            if time.monotonic() > end:
                raise RuntimeError((folder / "hand.log").read_text()[-1000:])
            time.sleep(0.05)
        yield url
    finally:
        child.terminate()
        child.wait(20)
        subprocess.run(["umount", str(place)], check=True)


def _lists(namespace: str, url: str) -> bool:
    argv = ["nsenter", f"--net={namespaces.namespace_path(namespace)}", "--", "nfs-ls",
            f"{url}?version=4"]  # fmt: skip
    return subprocess.run(argv, capture_output=True, timeout=60).returncode == 0


def _run(data_dir: Path, namespace: str) -> None:
    scratch = Path(tempfile.mkdtemp(prefix="cumulo-bench-hand-"))
    known = set(Path("/run/netns").iterdir())
    try:
        with _cloud(data_dir) as cloud:
            shares = _Shares(cloud)
            share, first = shares.share()
            [server] = [path.name for path in set(Path("/run/netns").iterdir()) - known
                        if "-s-" in path.name]  # fmt: skip
            ready = [shares.share()[1] for _ in range(ROUNDS)]
            url = f"nfs://{shares.address}/shares/{share}"
            rules = [shares.rule(share, lambda: _lists(server, url)) for _ in range(ROUNDS)]
            snapshots = [shares.snapshot(share) for _ in range(ROUNDS)]
            shares.admit(share)
            with _by_hand(namespace, scratch) as hand:
                own, other = [], []
                for number in range(ROUNDS):
                    other.append(_written(namespace, f"{hand}/file{number}"))
                    own.append(_written(server, f"{url}/file{number}"))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    middle = statistics.median
    print(f"first share of a share network, with its export server: {first * 1000:.0f} ms")
    print(f"share ready: {middle(ready) * 1000:.0f} ms")
    print(f"rule, until its client is let in: {middle(rules) * 1000:.0f} ms")
    print(f"snapshot ready: {middle(snapshots) * 1000:.0f} ms")
    print(
        f"written: {middle(own):.0f} MB/s, by hand {middle(other):.0f} MB/s "
        f"({middle(own) / middle(other) * 100:.0f} %)"
    )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        _run(Path(sys.argv[1]), sys.argv[2])
    elif len(sys.argv) == 2:
        print(_write(sys.argv[1]))
    else:
        print(measure(), end="")
