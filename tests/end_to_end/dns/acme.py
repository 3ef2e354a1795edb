"""An ACME server (RFC 8555) as small as a client lets it be: it asks for the `dns-01` challenge,
looks for the answer in DNS by itself, and signs what it is given. It does not check signatures."""

import base64
import contextlib
import datetime
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Lookup = Callable[[str], list[str]]
"""The texts at a name, now."""


def unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Acme:
    def __init__(self, lookup: Lookup) -> None:
        self.base = ""
        self.seen: list[list[str]] = []
        """What was in DNS at each challenge."""
        self._lookup = lookup
        self._thumbprint = ""
        self._orders: dict[str, dict[str, Any]] = {}
        self._authz: dict[str, dict[str, Any]] = {}
        self._chains: dict[str, bytes] = {}
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ACME")])

    def answer(self, path: str, protected: Any, payload: Any) -> tuple[int, Any, dict[str, str]]:
        noun, _, id = path.strip("/").partition("/")
        if noun == "account":
            jwk = protected["jwk"]
            text = json.dumps({k: jwk[k] for k in sorted(jwk)}, separators=(",", ":"))
            self._thumbprint = unpadded(hashlib.sha256(text.encode()).digest())
            return 201, {"status": "valid"}, {"Location": f"{self.base}/account/1"}
        if noun == "order" and not id:
            return self._order(payload["identifiers"])
        if noun == "order":
            return 200, self._orders[id], {}
        if noun == "authz":
            return 200, self._authz[id], {}
        if noun == "challenge":
            return self._challenge(id)
        if noun == "finalize":
            return self._finalize(id, decoded(payload["csr"]))
        return 404, {}, {}

    def _order(self, identifiers: list[Any]) -> tuple[int, Any, dict[str, str]]:
        id = secrets.token_hex(4)
        urls = []
        for each in identifiers:
            at = secrets.token_hex(4)
            challenge = {
                "type": "dns-01",
                "url": f"{self.base}/challenge/{at}",
                "token": secrets.token_urlsafe(16),
                "status": "pending",
            }
            name = each["value"].removeprefix("*.")
            self._authz[at] = {
                "identifier": {"type": "dns", "value": name},
                "status": "pending",
                "wildcard": each["value"].startswith("*."),
                "challenges": [challenge],
                "expires": "2099-01-01T00:00:00Z",
            }
            urls.append(f"{self.base}/authz/{at}")
        self._orders[id] = {
            "status": "pending",
            "identifiers": identifiers,
            "authorizations": urls,
            "finalize": f"{self.base}/finalize/{id}",
            "expires": "2099-01-01T00:00:00Z",
        }
        return 201, self._orders[id], {"Location": f"{self.base}/order/{id}"}

    def _challenge(self, id: str) -> tuple[int, Any, dict[str, str]]:
        authz = self._authz[id]
        (challenge,) = authz["challenges"]
        wanted = hashlib.sha256(f"{challenge['token']}.{self._thumbprint}".encode()).digest()
        found = self._lookup(f"_acme-challenge.{authz['identifier']['value']}.")
        self.seen.append(found)
        state = "valid" if unpadded(wanted) in found else "invalid"
        challenge["status"] = authz["status"] = state
        for order in self._orders.values():
            states = [
                self._authz[url.rpartition("/")[2]]["status"] for url in order["authorizations"]
            ]
            if set(states) == {"valid"}:
                order["status"] = "ready"
        return 200, challenge, {"Link": f'<{self.base}/authz/{id}>;rel="up"'}

    def _finalize(self, id: str, der: bytes) -> tuple[int, Any, dict[str, str]]:
        order = self._orders[id]
        if order["status"] != "ready":
            return 403, {"type": "urn:ietf:params:acme:error:orderNotReady"}, {}
        asked = x509.load_der_x509_csr(der)
        now = datetime.datetime.now(datetime.UTC)
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        made = (
            x509.CertificateBuilder()
            .subject_name(asked.subject)
            .issuer_name(self._name)
            .public_key(asked.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(names.value, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        self._chains[id] = made.public_bytes(serialization.Encoding.PEM)
        order |= {"status": "valid", "certificate": f"{self.base}/chain/{id}"}
        return 200, order, {"Location": f"{self.base}/order/{id}"}

    def chain(self, id: str) -> bytes:
        return self._chains[id]


def _handler(acme: Acme) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

        def reply(self, status: int, body: bytes, kind: str, more: dict[str, str]) -> None:
            self.send_response(status)
            self.send_header("Replay-Nonce", secrets.token_hex(8))
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            for name, value in more.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.reply(200, b"", "application/json", {})

        def do_GET(self) -> None:
            names = {"newNonce": "nonce", "newAccount": "account", "newOrder": "order"}
            urls = {name: f"{acme.base}/{path}" for name, path in names.items()}
            self.reply(200, json.dumps(urls).encode(), "application/json", {})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            protected = json.loads(decoded(body["protected"]))
            payload = json.loads(decoded(body["payload"]) or b"null")
            if self.path.startswith("/chain/"):
                chain = acme.chain(self.path.rpartition("/")[2])
                self.reply(200, chain, "application/pem-certificate-chain", {})
                return
            status, answer, more = acme.answer(self.path, protected, payload)
            self.reply(status, json.dumps(answer).encode(), "application/json", more)

    return Handler


@contextlib.contextmanager
def acme_server(lookup: Lookup) -> Iterator[Acme]:
    acme = Acme(lookup)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(acme))
    acme.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield acme
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
