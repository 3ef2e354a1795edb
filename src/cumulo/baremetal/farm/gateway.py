"""The one door from the machines to the cloud: what agents ask, and the images that they write.

A machine is not trusted: only these paths go through, and no token does, so that who has taken over
a machine is an anonymous caller of the cloud's public agent calls, and nothing else.
"""

import http.client
import re
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

PORT = 6385
_OPEN = re.compile(
    r"/(v1/?)?|/v1/(lookup|heartbeat/[0-9a-zA-Z-]{1,64}|agent/[0-9a-zA-Z._/-]{1,300})"
)
_PASSES = ("accept", "content-type", "range", "user-agent", "x-openstack-ironic-api-version",
           "openstack-api-version")  # fmt: skip
_COMES_BACK = ("content-type", "content-length", "content-range", "etag", "vary")
MOST_BODY = 256 * 1024
PIECE = 256 * 1024
SECONDS = 60.0


def passes(path: str) -> bool:
    """Whether machines may ask for it."""
    return ".." not in path and _OPEN.fullmatch(urlsplit(path).path) is not None


def handler(cloud: str) -> type[BaseHTTPRequestHandler]:
    """`cloud`: the URL of the bare metal API."""
    target = urlsplit(cloud)

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = SECONDS

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it, and paths have tickets in them."""

        def _pass(self) -> None:
            self.close_connection = True
            length = self.headers.get("content-length", "0")
            if not passes(self.path) or not (length.isdecimal() and int(length) <= MOST_BODY):
                self.send_error(404)
                return
            body = self.rfile.read(int(length))
            headers = {n: v for n, v in self.headers.items() if n.lower() in _PASSES}
            there = http.client.HTTPConnection(target.netloc, timeout=SECONDS)
            try:
                there.request(self.command, f"{target.path}{self.path}", body or None, headers)
                answer = there.getresponse()
            except (OSError, http.client.HTTPException):
                self.send_error(502)
                return
            with answer:
                self._answer(answer.status, dict(answer.getheaders()), answer)

        def _answer(self, status: int, headers: Mapping[str, str], source: Any) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() in _COMES_BACK or name.lower().startswith("x-openstack-"):
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            while piece := source.read(PIECE):
                self.wfile.write(piece)

        do_GET = do_POST = _pass

    return Door
