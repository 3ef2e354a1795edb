"""A Ceph cluster of one monitor, one manager and one OSD on a file, on the loopback device.

Debian's ceph-mon, ceph-mgr, ceph-osd and ceph-common are too large for every run, so tests that
need it run when these are installed and CUMULO_CEPH_TESTS=1 is set. It is up after about 12 s.
"""

import contextlib
import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.ports import free_port

START_SECONDS = 90.0
_CONF = """
[global]
fsid = {fsid}
mon host = {mon}
mon initial members = x
public addr = 127.0.0.1
auth allow insecure global id reclaim = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon allow pool delete = true
mon warn on pool no redundancy = false
mon max pg per osd = 500
mon data avail crit = 1
run dir = {here}/run
pid file = {here}/run/$name.pid
admin socket = {here}/run/$name.$pid.asok
log file = {here}/log/$name.log
keyring = {here}/$name.keyring
osd objectstore = bluestore
bluestore block size = 4294967296
bluestore cache autotune = false
bluestore cache size = 67108864
osd memory target = 939524096
[mon.x]
mon data = {here}/mon
[osd.0]
osd data = {here}/osd0
[mgr.x]
mgr data = {here}/mgr
"""


@dataclass
class Ceph:
    here: Path
    fsid: str = field(default_factory=lambda: str(uuid.uuid4()))
    _children: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def conf(self) -> Path:
        return self.here / "ceph.conf"

    def run(self, *argv: str, stdin: bytes = b"", seconds: float = 60) -> bytes:
        vector = [argv[0], "-c", str(self.conf), *argv[1:]]
        done = subprocess.run(vector, input=stdin, capture_output=True, timeout=seconds)
        assert done.returncode == 0, (argv, done.returncode, done.stderr[-2000:])
        return done.stdout

    def pool(self) -> str:
        """A new pool for images."""
        name = f"images-{uuid.uuid4().hex[:8]}"
        self.run("ceph", "osd", "pool", "create", name, "4", "4")
        self.run("ceph", "osd", "pool", "application", "enable", name, "rbd")
        return name

    def images(self, pool: str) -> list[str]:
        return sorted(self.run("rbd", "ls", f"--pool={pool}").decode().split())

    def snapshots(self, pool: str, image: str) -> dict[str, bool]:
        """The names of an image's snapshots, and whether each is protected."""
        argv = ("snap", "ls", f"--pool={pool}", f"--image={image}", "--format=json")
        found = json.loads(self.run("rbd", *argv))
        return {row["name"]: row["protected"] == "true" for row in found}

    def start(self) -> None:
        for name in ("mon", "osd0", "run", "mgr", "log"):
            (self.here / name).mkdir()
        # The monitor speaks both versions of the protocol, as clients of any age expect.
        mon = f"[v2:127.0.0.1:{free_port()},v1:127.0.0.1:{free_port()}]"
        self.conf.write_text(_CONF.format(fsid=self.fsid, mon=mon, here=self.here))
        key, admin = str(self.here / "mon.x.keyring"), str(self.here / "client.admin.keyring")
        new = ("ceph-authtool", "--create-keyring")
        self.run(*new, key, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
        caps = [word for name in ("mon", "osd", "mgr") for word in ("--cap", name, "allow *")]
        self.run(*new, admin, "--gen-key", "-n", "client.admin", *caps)
        self.run("ceph-authtool", key, "--import-keyring", admin)
        monmap = str(self.here / "monmap")
        self.run("monmaptool", "--create", "--fsid", self.fsid, "--addv", "x", mon, monmap)
        self.run("ceph-mon", "--mkfs", "-i", "x", "--monmap", monmap, "--keyring", key)
        self._daemon("ceph-mon", "x")
        allowed = ("mon", "allow profile mgr", "osd", "allow *", "mds", "allow *")
        keyring = self.run("ceph", "auth", "get-or-create", "mgr.x", *allowed)
        (self.here / "mgr.x.keyring").write_bytes(keyring)
        self._daemon("ceph-mgr", "x")
        self._osd()

    def _osd(self) -> None:
        one = str(uuid.uuid4())
        secret = self.run("ceph-authtool", "--gen-print-key").decode().strip()
        body = json.dumps({"cephx_secret": secret}).encode()
        self.run("ceph", "osd", "new", one, "-i", "-", stdin=body)
        keyring = self.here / "osd.0.keyring"
        new = ("ceph-authtool", "--create-keyring", str(keyring))
        self.run(*new, "--name", "osd.0", "--add-key", secret)
        shutil.copy(keyring, self.here / "osd0" / "keyring")
        self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", one)
        self._daemon("ceph-osd", "0")
        end = time.monotonic() + START_SECONDS
        while json.loads(self.run("ceph", "osd", "stat", "--format=json"))["num_up_osds"] < 1:
            assert all(child.poll() is None for child in self._children), "a daemon has ended"
            assert time.monotonic() < end, "the OSD is not up"
            time.sleep(0.2)

    def _daemon(self, program: str, name: str) -> None:
        argv = [program, "-c", str(self.conf), "-i", name, "-f"]
        with (self.here / "log" / f"{program}.out").open("ab") as output:
            child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        self._children.append(child)

    def stop(self) -> None:
        """The OSD first, which tells the monitor; each by its pid."""
        for child in reversed(self._children):
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@contextlib.contextmanager
def ceph_cluster(here: Path) -> Iterator[Ceph]:
    if os.environ.get("CUMULO_CEPH_TESTS") != "1":
        pytest.skip("CUMULO_CEPH_TESTS=1 is not set")
    if shutil.which("ceph-osd") is None or shutil.which("rbd") is None:
        pytest.skip("ceph-mon, ceph-mgr, ceph-osd and ceph-common are not installed")
    cluster = Ceph(here)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
