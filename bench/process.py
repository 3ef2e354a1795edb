"""A control plane of the benchmark's own, asked by the load generator's client (`cumulo rally`)."""

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from cumulo.benchmark.client.http import Http, HttpError

T = TypeVar("T")


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
    _http: Http = field(default_factory=Http)
    _runner: asyncio.Runner = field(
        default_factory=lambda: asyncio.Runner(loop_factory=uvloop.new_event_loop)
    )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """A coroutine to its end, on the loop whose connections are kept."""
        return self._runner.run(work)

    def close(self) -> None:
        self._http.close()
        self._runner.close()

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

    async def ask(
        self, method: str, path: str, body: Any = None, user: str | None = "demo", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """One request on a kept connection."""
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        if user is not None:
            named["X-Auth-Token"] = await self._token(user)
        payload = None
        if body is not None:
            payload = json.dumps(body).encode()
            named["Content-Type"] = "application/json"
        url = f"http://127.0.0.1:{self.port}{path}"
        answer = await self._http.request(method, url, named, payload, timeout=60)
        return answer.status, answer.headers, answer.body

    async def fetch(
        self, method: str, path: str, body: Any = None, user: str = "demo", **headers: str
    ) -> Any:
        status, _, raw = await self.ask(method, path, body, user, **headers)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {raw[:500]!r}")
        return json.loads(raw) if raw else None

    def send(self, *words: Any, **more: Any) -> tuple[int, dict[str, str], bytes]:
        """`ask` where no loop runs."""
        return self.run(self.ask(*words, **more))

    def json(self, *words: Any, **more: Any) -> Any:
        """`fetch` where no loop runs."""
        return self.run(self.fetch(*words, **more))

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
        return self.run(self._token(user))

    async def _token(self, user: str) -> str:
        if user not in self.tokens:
            self.tokens[user] = ""
            path = "/identity/v3/auth/tokens"
            status, headers, raw = await self.ask("POST", path, self.auth_body(user), None)
            if status != 201:
                raise RuntimeError(raw.decode())
            self.tokens[user] = headers["x-subject-token"]
        return self.tokens[user]

    async def until(self, path: str, accept: Any, user: str = "demo", seconds: float = 60.0) -> Any:
        end = time.monotonic() + seconds
        while True:
            found = await self.fetch("GET", path, user=user)
            if accept(found):
                return found
            if time.monotonic() > end:
                raise RuntimeError(f"{path}: {found}")
            await asyncio.sleep(0.01)


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
        cloud = Cloud(child.pid, port, data_dir, time.monotonic() - began)
        try:
            yield cloud
        finally:
            cloud.close()
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
            if asyncio.run(_status(port)) == 200 and (data_dir / "run/ready.json").exists():
                return
        except HttpError:
            pass
        time.sleep(0.01)
    raise RuntimeError("the control plane is not ready after a minute")


async def _status(port: int) -> int:
    http = Http()
    try:
        url = f"http://127.0.0.1:{port}/identity/v3"
        return (await http.request("GET", url, {}, timeout=5)).status
    finally:
        http.close()
