"""One cloud on this machine: where it lives, whether it runs, how to talk to it."""

import fcntl
import hashlib
import json
import os
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import msgspec

from cumulo.core.run.daemons import Daemon
from cumulo.settings import Settings, flat


class Running(msgspec.Struct, frozen=True):
    """What a control plane says of itself once it answers."""

    pid: int
    started: int
    """Start time in clock ticks since boot: tells our process from a later one of that pid."""
    base_url: str
    since: float
    """Seconds since the epoch."""
    listen: str = ""
    """The address itself; `base_url` may be that of a proxy."""
    settings: dict[str, str] = {}
    """The settings that it started with: name → digest of the value (some are secrets)."""

    @property
    def daemon(self) -> Daemon:
        return Daemon(self.pid, self.started)


def run_dir(settings: Settings) -> Path:
    path = settings.data_dir / "run"
    path.mkdir(parents=True, exist_ok=True)
    return path


def running(settings: Settings) -> Running | None:
    """The control plane of this data directory, if it is alive and ready."""
    path = settings.data_dir / "run" / "ready.json"
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        return None
    return found if found.daemon.alive() else None


def announce(settings: Settings, started: int) -> None:
    """Written by the control plane when all its APIs answer."""
    digests = _digests(settings)
    ready = Running(os.getpid(), started, settings.base_url, time.time(), settings.listen, digests)
    path = run_dir(settings) / "ready.json"
    temporary = path.with_suffix(".new")
    temporary.write_bytes(msgspec.json.encode(ready))
    temporary.replace(path)


def host_here(settings: Settings) -> str | None:
    """The host's name, where this data directory is that of a machine that joined a cloud."""
    path = settings.data_dir / "joined.json"
    try:
        return str(json.loads(path.read_bytes())["name"])
    except FileNotFoundError:
        return None


def changed(settings: Settings, found: Running) -> list[str]:
    """The settings that are others now than those that the running control plane has."""
    if not found.settings:
        return []
    now = _digests(settings)
    names = [*found.settings, *(name for name in now if name not in found.settings)]
    return [name for name in names if found.settings.get(name) != now.get(name)]


def _digests(settings: Settings) -> dict[str, str]:
    return {
        name: hashlib.sha256(msgspec.json.encode(value, enc_hook=str)).hexdigest()[:16]
        for name, value in flat(settings)
    }


def cloud_of(settings: Settings) -> str:
    """Where the cloud of this joined machine is."""
    return str(json.loads((settings.data_dir / "joined.json").read_bytes())["url"])


TOKENS = "/identity/v3/auth/tokens?nocatalog"


class AlreadyRunning(Exception):
    """Another control plane works on this data directory."""


def lock(settings: Settings) -> int:
    """Take the data directory for this process, until it ends. Raises AlreadyRunning."""
    descriptor = os.open(run_dir(settings) / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise AlreadyRunning(str(settings.data_dir)) from None
    return descriptor


class ApiError(Exception):
    """The cloud refused, or did not answer."""


class NotLetIn(ApiError):
    """It does not know us."""


def _words(body: bytes, otherwise: str) -> str:
    """The message of an answer that refuses, without its JSON."""
    try:
        fault = json.loads(body)["error"]
        return str(fault["message"])
    except (ValueError, KeyError, TypeError):
        return f"{otherwise} {body[:500].decode(errors='replace')}"


class Client:
    """The command line's own client, as the first run's admin."""

    def __init__(self, settings: Settings, base_url: str) -> None:
        self._base = base_url
        host = host_here(settings)
        if host is not None:
            raise ApiError(f"this is the host {host} of a cloud that runs elsewhere: ask there")
        password = (settings.secrets_dir / "admin-password").read_text().strip()
        user = {"name": "admin", "domain": {"id": "default"}, "password": password}
        scope = {"project": {"name": "admin", "domain": {"id": "default"}}}
        auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}
        try:
            _, headers = self._send(
                "POST", "/identity/v3/auth/tokens?nocatalog", {"auth": auth}, {}
            )
        except NotLetIn as error:
            raise ApiError(
                f"{error} (This command signs in as admin with the password in "
                f"{settings.secrets_dir / 'admin-password'}: write the one of today there.)"
            ) from None
        self._token = headers["x-subject-token"]

    def get(self, path: str) -> Any:
        body, _ = self._send("GET", path, None, {"X-Auth-Token": self._token})
        return body

    def post(self, path: str, body: Any) -> Any:
        answer, _ = self._send("POST", path, body, {"X-Auth-Token": self._token})
        return answer

    def _send(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> tuple[Any, dict[str, str]]:
        request = urllib.request.Request(
            self._base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )
        # Our own address: never through a proxy that the environment names.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as answer:
                names = {name.lower(): value for name, value in answer.headers.items()}
                return json.loads(answer.read() or b"null"), names
        except urllib.error.HTTPError as error:
            kind = NotLetIn if error.code == 401 else ApiError
            raise kind(_words(error.read(4096), f"{path}: {error.code}")) from None
        except OSError as error:
            raise ApiError(f"{self._base} does not answer: {error}") from None
