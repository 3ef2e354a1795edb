"""A control plane with fake drivers as a process of its own, for clients that speak HTTP.

with served_cloud(tmp_path) as cloud:
    session = cloud.session("admin")

Settings that `up` has no options for go into the data directory's `cumulo.toml`.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from keystoneauth1.identity import v3
from keystoneauth1.session import Session

from .ports import free_port

START_SECONDS = 60.0


@dataclass(frozen=True)
class ServedCloud:
    data: Path
    url: str

    @property
    def auth_url(self) -> str:
        return f"{self.url}/identity/v3"

    def password(self, user: str) -> str:
        return (self.data / "secrets" / f"{user}-password").read_text().strip()

    def plugin(self, user: str, project: str | None = None) -> v3.Password:
        return v3.Password(
            auth_url=self.auth_url,
            username=user,
            password=self.password(user),
            user_domain_id="default",
            project_name=project or user,
            project_domain_id="default",
        )

    def session(self, user: str) -> Session:
        return Session(auth=self.plugin(user))


@contextlib.contextmanager
def served_cloud(
    data: Path,
    *,
    port: int | None = None,
    settings: str = "",
    top: Mapping[str, object] | None = None,
) -> Iterator[ServedCloud]:
    """`settings`: TOML besides the cheap passwords that tests want; begins in `[identity]`. `top`:
    settings of no table."""
    listen = f"127.0.0.1:{port or free_port()}"
    data.mkdir(parents=True, exist_ok=True)
    # JSON's strings and lists are TOML's, too.
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in (top or {}).items())
    (data / "cumulo.toml").write_text(f"{lines}[identity]\npassword_rounds = 4\n{settings}\n")
    argv = [sys.executable, "-m", "cumulo.cli.main", "up", "--foreground", "--fake"]
    home = data.parent / f"home-{data.name}"
    home.mkdir(exist_ok=True)
    log = (data.parent / f"{data.name}.log").open("wb")
    process = subprocess.Popen(
        [*argv, "--data-dir", str(data), "--listen", listen],
        env={**os.environ, "HOME": str(home), "PYTHONPATH": "src"},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    cloud = ServedCloud(data, f"http://{listen}")
    try:
        _await(cloud, process, Path(log.name))
        yield cloud
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        log.close()


def _await(cloud: ServedCloud, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            # The demo user's password file is the last thing of the first run that tests need.
            with urllib.request.urlopen(f"{cloud.auth_url}/", timeout=2):
                cloud.session("demo").get_token()
                return
        except Exception:
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < end, log.read_text()[-3000:]
            time.sleep(0.1)
