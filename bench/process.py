"""A control plane of the benchmark's own, and a client that costs little."""

import contextlib
import http.client
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Cloud:
    pid: int
    port: int
    data_dir: Path
    seconds_to_ready: float
    """From the start of the process to its first 200."""
    tokens: dict[str, str] = field(default_factory=dict)
    _connection: http.client.HTTPConnection | None = None

    def cpu(self) -> float:
        """Seconds of CPU that the process has used, all its threads together.

        By the scheduler's own nanoseconds: the ticks of /proc/PID/stat are samples, and a server
        that works for 100 µs at a time is sampled wrongly by a factor of two.
        """
        spent = 0
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                spent += int((thread / "schedstat").read_text().split()[0])
        return spent / 1e9

    def memory_mb(self) -> float:
        for line in Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def send(
        self, method: str, path: str, body: Any = None, user: str | None = "demo", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """One request on a kept connection."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        if user is not None:
            named["X-Auth-Token"] = self.token(user)
        payload = None
        if body is not None:
            payload = json.dumps(body).encode()
            named["Content-Type"] = "application/json"
        self._connection.request(method, path, payload, named)
        answer = self._connection.getresponse()
        raw = answer.read()
        return answer.status, {k.lower(): v for k, v in answer.headers.items()}, raw

    def json(self, method: str, path: str, body: Any = None, user: str = "demo", **h: str) -> Any:
        status, _, raw = self.send(method, path, body, user, **h)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {raw[:500]!r}")
        return json.loads(raw) if raw else None

    def auth_body(self, user: str) -> dict[str, Any]:
        password = (self.data_dir / "secrets" / f"{user}-password").read_text().strip()
        domain = {"id": "default"}
        identity = {
            "methods": ["password"],
            "password": {"user": {"name": user, "domain": domain, "password": password}},
        }
        return {
            "auth": {"identity": identity, "scope": {"project": {"name": user, "domain": domain}}}
        }

    def token(self, user: str) -> str:
        if user not in self.tokens:
            self.tokens[user] = ""
            path = "/identity/v3/auth/tokens"
            status, headers, raw = self.send("POST", path, self.auth_body(user), None)
            if status != 201:
                raise RuntimeError(raw.decode())
            self.tokens[user] = headers["x-subject-token"]
        return self.tokens[user]

    def until(self, path: str, accept: Any, user: str = "demo", seconds: float = 60.0) -> Any:
        end = time.monotonic() + seconds
        while True:
            found = self.json("GET", path, user=user)
            if accept(found):
                return found
            if time.monotonic() > end:
                raise RuntimeError(f"{path}: {found}")
            time.sleep(0.01)


@contextlib.contextmanager
def fake_cloud(hosts: int = 4) -> Iterator[Cloud]:
    """A fresh cloud with simulated hosts; it and its data go with the block."""
    data_dir = Path(tempfile.mkdtemp(prefix="cumulo-bench-"))
    (data_dir / "cumulo.toml").write_text(
        f"[hosts]\nfake = {hosts}\n[compute]\ncpu_allocation_ratio = 1000.0\n"
        "ram_allocation_ratio = 1000.0\ndisk_allocation_ratio = 1000.0\n"
    )
    port = free_port()
    argv = [
        sys.executable,
        "-m",
        "cumulo.cli.main",
        "serve",
        "--fake",
        "--data-dir",
        str(data_dir),
        "--listen",
        f"127.0.0.1:{port}",
    ]
    output = (data_dir / "output").open("wb")
    began = time.monotonic()
    child = subprocess.Popen(argv, stdout=output, stderr=output)
    try:
        wait_until_answering(child, port, data_dir)
        yield Cloud(child.pid, port, data_dir, time.monotonic() - began)
    finally:
        child.terminate()
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        output.close()
        shutil.rmtree(data_dir)


def wait_until_answering(child: "subprocess.Popen[bytes]", port: int, data_dir: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if child.poll() is not None:
            raise RuntimeError((data_dir / "output").read_text())
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/identity/v3")
            if connection.getresponse().status == 200 and (data_dir / "run/ready.json").exists():
                return
        except OSError:
            pass
        time.sleep(0.01)
    raise RuntimeError("the control plane is not ready after a minute")
