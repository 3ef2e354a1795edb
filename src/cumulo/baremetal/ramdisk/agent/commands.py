"""The commands API: who knows the token says what this machine does next.

    GET  /v1/status                     since when it runs
    GET  /v1/commands[/ID]              what was asked, and what became of it
    POST /v1/commands[?wait=true]       {"name": "standby.prepare_image", "params": {…}}

One command that takes long runs at a time; another one is 409.
"""

import hmac
import json
import ssl
import threading
import time
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cumulo.baremetal.ramdisk.agent.work import Work

VERSION = "10.0.0"
"""Of the protocol: ironic-python-agent's of that version."""
PORT = 9999
MOST_BODY = 100 * 1024 * 1024
MOST_KEPT = 100
WAIT_SECONDS = 3600.0


class Busy(Exception):
    """Another command runs."""


class Unknown(Exception):
    """There is no such command."""


class Commands:
    """`ended` is called when a long command has ended."""

    def __init__(self, work: Work, ended: Callable[[], None] = lambda: None) -> None:
        self._work = work
        self._ended = ended
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Any]] = {}
        self._done: dict[str, threading.Event] = {}
        self.progress = 0

    def all(self) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(each) for each in self._known.values()]

    def get(self, id: str) -> dict[str, Any] | None:
        with self._lock:
            found = self._known.get(id)
            return None if found is None else dict(found)

    def run(self, name: str, params: dict[str, Any], wait: bool) -> dict[str, Any]:
        """Raises Busy, Unknown."""
        short, long = self._work.short.get(name), self._work.long.get(name)
        if short is None and long is None:
            raise Unknown(name)
        with self._lock:
            running = [each for each in self._known.values() if each["command_status"] == "RUNNING"]
            if running:
                raise Busy(f"{running[0]['command_name']} is running")
            result: dict[str, Any] = {
                "id": str(uuid.uuid4()),
                "command_name": name.partition(".")[2],
                "command_params": {},
                "command_status": "RUNNING",
                "command_error": None,
                "command_result": None,
            }
            self._known[result["id"]] = result
            while len(self._known) > MOST_KEPT:
                oldest = next(iter(self._known))
                self._known.pop(oldest)
                self._done.pop(oldest, None)
            done = self._done[result["id"]] = threading.Event()
        if short is not None:
            self._finish(result, lambda: short(params), done)
        else:
            assert long is not None
            does = long
            threading.Thread(
                target=lambda: self._finish(result, lambda: does(params, self._note), done, True),
                daemon=True,
            ).start()
            if wait:
                done.wait(WAIT_SECONDS)
        return self.get(result["id"]) or result

    def _note(self, progress: int) -> None:
        self.progress = progress

    def _finish(
        self,
        result: dict[str, Any],
        does: Callable[[], Any],
        done: threading.Event,
        tell: bool = False,
    ) -> None:
        status, value, error = "SUCCEEDED", None, None
        try:
            value = does()
        except Exception as fault:
            status = "FAILED"
            error = {
                "type": type(fault).__name__,
                "code": 500,
                "message": str(fault) or type(fault).__name__,
                "details": str(fault) or type(fault).__name__,
            }
        with self._lock:
            found = value if isinstance(value, dict) else {"result": value}
            result |= {"command_status": status, "command_error": error}
            result["command_result"] = found if status == "SUCCEEDED" else None
        done.set()
        if tell:
            self._ended()


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60.0
    commands: Commands
    token: str
    began: float

    def log_message(self, format: str, *args: Any) -> None:
        """The token is in the path."""

    def _say(self, status: int, body: Any) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(raw)
        self.close_connection = True

    def _refuse(self, status: int, text: str) -> None:
        fault = {"type": "Refused", "code": status, "message": text, "details": text}
        self._say(status, {"command_error": fault, **fault})

    def _knows(self, query: dict[str, list[str]]) -> bool:
        given = query.get("agent_token", [""])[0]
        return hmac.compare_digest(given.encode(), self.token.encode())

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        path, query = parts.path.rstrip("/"), parse_qs(parts.query)
        if path == "/v1/status":
            self._say(200, {"started_at": self.began, "version": VERSION})
        elif not path.startswith("/v1/commands"):
            self._refuse(404, "there is nothing here")
        elif not self._knows(query):
            self._refuse(401, "the agent token is another one")
        elif path == "/v1/commands":
            self._say(200, {"commands": self.commands.all()})
        elif (found := self.commands.get(path.rpartition("/")[2])) is not None:
            self._say(200, found)
        else:
            self._refuse(404, "there is no such command")

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        length = self.headers.get("content-length", "0")
        if parts.path.rstrip("/") != "/v1/commands":
            self._refuse(404, "there is nothing here")
        elif not self._knows(query):
            self._refuse(401, "the agent token is another one")
        elif not length.isdecimal() or int(length) > MOST_BODY:
            self._refuse(413, "the command is too large")
        else:
            self._run(self.rfile.read(int(length)), query)

    def _run(self, raw: bytes, query: dict[str, list[str]]) -> None:
        try:
            wish = json.loads(raw)
            name, params = str(wish["name"]), wish.get("params") or {}
            wait = query.get("wait", ["false"])[0].lower() == "true"
            self._say(200, self.commands.run(name, dict(params), wait))
        except (ValueError, KeyError, TypeError, AttributeError):
            self._refuse(400, "a command has a name and params")
        except Busy as busy:
            self._refuse(409, str(busy))
        except Unknown as unknown:
            self._refuse(404, f"there is no command {str(unknown)[:100]}")


def handler(commands: Commands, token: str) -> type[Front]:
    told = {"commands": commands, "token": token, "began": time.time()}
    return type("Front", (Front,), told)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # Handshakes are the connections' own, in their threads: none holds up the others.

    def __init__(
        self,
        address: tuple[str, int],
        front: type[BaseHTTPRequestHandler],
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(address, front)
        if tls is not None:
            self.socket = tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )
