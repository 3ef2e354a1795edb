"""A control plane as a process of its own, which can be told where to die."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cumulo.core.sim.points import DIED_AT
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]


class Died(Exception):
    """The process ended at the point that it is named for, or was killed from outside ("")."""

    @property
    def at(self) -> str:
        return str(self.args[0])


class ControlPlane:
    """`cumulo serve` on one data directory; started as often as it dies."""

    def __init__(self, data_dir: Path, *, settings: str = "", fake: bool = True) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.fake = fake
        self.restarts = 0
        data_dir.mkdir(parents=True, exist_ok=True)
        (data_dir / "cumulo.toml").write_text(f"[identity]\npassword_rounds = 4\n{settings}")
        self._child: subprocess.Popen[bytes] | None = None
        self._tokens: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        """What else every request says: a microversion."""

    def start(self, *, crash_at: str = "", points: Path | None = None) -> None:
        """Start and wait until it answers. Raises Died when it dies before that."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "CUMULO_CRASH_AT": crash_at,
            "CUMULO_POINTS_LOG": str(points) if points else "",
        }
        argv = [sys.executable, "-m", "cumulo.cli.main", "serve"]
        argv += ["--data-dir", str(self.data_dir), "--listen", f"127.0.0.1:{self.port}"]
        argv += ["--fake"] if self.fake else []
        (self.data_dir / "run" / "ready.json").unlink(missing_ok=True)
        with (self.data_dir / "output").open("ab") as output:
            self._child = subprocess.Popen(argv, env=environment, stdout=output, stderr=output)
        end = time.monotonic() + 60
        while not (self.data_dir / "run" / "ready.json").exists():
            self.check()
            assert time.monotonic() < end, "not ready after a minute"
            time.sleep(0.01)

    def check(self) -> None:
        """Raises Died if the process was killed; fails if it ended in any other way."""
        assert self._child is not None
        status = self._child.poll()
        if status is None:
            return
        if status == -signal.SIGKILL:
            raise Died(self._died_at())
        output = (self.data_dir / "output").read_text(errors="replace")[-5000:]
        raise AssertionError(f"the control plane ended with {status}:\n{output}")

    def _died_at(self) -> str:
        last = (self.data_dir / "output").read_text(errors="replace").splitlines()[-1:]
        return last[0].removeprefix(DIED_AT) if last and last[0].startswith(DIED_AT) else ""

    def stop(self) -> None:
        """Raises Died when it dies at a point of its ending."""
        if self._child is None or self._child.poll() is not None:
            return
        self._child.terminate()
        try:
            self._child.wait(20)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
            return
        if self._child.returncode == -signal.SIGKILL:
            raise Died(self._died_at())

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def send(
        self, method: str, path: str, body: Any = None, user: str | None = "demo"
    ) -> tuple[int, dict[str, str], Any]:
        """One request; Died when the process dies under it."""
        headers = {"Content-Type": "application/json", **self.headers}
        if user is not None:
            headers["X-Auth-Token"] = self._token(user)
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        if isinstance(body, bytes):
            headers["Content-Type"] = "application/octet-stream"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, None if body is None else payload, headers)
            answer = connection.getresponse()
            raw = answer.read()
        except (OSError, http.client.HTTPException) as error:
            assert self._child is not None
            try:
                self._child.wait(5)
            except subprocess.TimeoutExpired:
                raise AssertionError(f"{method} {path}: {error}, and nothing died") from error
            self.check()
            raise
        finally:
            connection.close()
        named = {name.lower(): value for name, value in answer.headers.items()}
        found = json.loads(raw) if raw[:1] in (b"{", b"[") else raw
        return answer.status, named, found

    def ask(
        self, method: str, path: str, body: Any = None, *, user: str = "demo", ok: Any = ()
    ) -> Any:
        """The same, for requests that must succeed (or end with a status in `ok`)."""
        status, _, found = self.send(method, path, body, user)
        assert status < 300 or status in ok, f"{method} {path}: {status} {found}"
        return found

    def _token(self, user: str) -> str:
        if user not in self._tokens:
            password = (self.data_dir / "secrets" / f"{user}-password").read_text().strip()
            domain = {"id": "default"}
            who = {"name": user, "domain": domain, "password": password}
            identity = {"methods": ["password"], "password": {"user": who}}
            auth = {"identity": identity, "scope": {"project": {"name": user, "domain": domain}}}
            path = "/identity/v3/auth/tokens"
            status, headers, found = self.send("POST", path, {"auth": auth}, None)
            assert status == 201, found
            self._tokens[user] = headers["x-subject-token"]
        return self._tokens[user]
