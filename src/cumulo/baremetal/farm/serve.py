"""The farm's process: the BMC of all machines, and their gateway.

    python -m cumulo.baremetal.farm.serve FOLDER

It keeps nothing in memory that matters: what it is asked it reads from the machines' folders and
from QEMU. Machines that come later are seen at the next request.
"""

import json
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cumulo.baremetal.farm import gateway, ipmi
from cumulo.baremetal.farm.farm import FarmRecord, Folders
from cumulo.baremetal.farm.machine import Machine
from cumulo.baremetal.farm.place import GATEWAY, Place
from cumulo.baremetal.farm.redfish import Bmc
from cumulo.core.run.namespaces import in_namespace

MOST_BODY = 64 * 1024


class Machines:
    """The farm's machines, one object each, however often the folder is read."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._known: dict[str, Machine] = {}
        self._lock = threading.Lock()

    def __call__(self) -> dict[str, Machine]:
        with self._lock:
            there = {path.parent.name for path in self._folders.machines.glob("*/machine.json")}
            for gone in self._known.keys() - there:
                self._known.pop(gone)
            for new in there - self._known.keys():
                self._known[new] = self._folders.machine(new)
            return dict(self._known)


def bmc_handler(bmc: Bmc) -> type[BaseHTTPRequestHandler]:
    class Front(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30.0

        def log_message(self, format: str, *args: Any) -> None:
            """What is asked is no news."""

        def _ask(self) -> None:
            self.close_connection = True
            length = self.headers.get("content-length", "0")
            if not length.isdecimal() or int(length) > MOST_BODY:
                self.send_error(413)
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = bmc.answer(self.command, self.path, headers, self.rfile.read(int(length)))
            body = b"" if answer.body is None else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="BMC"')
            self.send_header("Content-Type", "application/json")
            self.send_header("OData-Version", "4.0")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = _ask

    return Front


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def _listener(address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    made.listen(64)
    return made


def _serve(listener: socket.socket, handler: type[BaseHTTPRequestHandler]) -> Server:
    server = Server(listener.getsockname()[:2], handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    folders = Folders(Path(sys.argv[1]))
    record: FarmRecord = folders.load()
    place = Place(record.namespace)
    machines = Machines(folders)
    bmc = Bmc(machines, record.user, record.password, lambda m: place.tap(m.made))
    outside = _listener("127.0.0.1", record.port)
    if record.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folders.certificate, folders.key)
        outside = context.wrap_socket(outside, server_side=True, do_handshake_on_connect=False)
    _serve(outside, bmc_handler(bmc))
    inside = in_namespace(record.namespace, _listener, GATEWAY, gateway.PORT)
    _serve(inside, gateway.handler(record.cloud))
    if record.ipmi_port:
        ipmi.serve(
            machines(), record.user, record.password, record.ipmi_port, lambda m: place.tap(m.made)
        )
    folders.ready.touch()
    threading.Event().wait()


if __name__ == "__main__":
    main()
