"""A SAML identity provider on the loopback interface, made of pysaml2's own server.

It knows one user, speaks ECP (a SOAP request with a password) and the redirect binding of browsers
(whoever comes is signed on already).
"""

import base64
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from saml2 import BINDING_HTTP_REDIRECT, BINDING_SOAP, element_to_extension_element
from saml2.authn_context import PASSWORD as BY_PASSWORD
from saml2.client_base import ACTOR
from saml2.config import IdPConfig
from saml2.metadata import entity_descriptor
from saml2.profile import ecp
from saml2.saml import NAME_FORMAT_BASIC, NAMEID_FORMAT_UNSPECIFIED, NameID
from saml2.schema import soapenv
from saml2.server import Server

from cumulo.identity.drivers.saml import RSA_SHA256, SHA256
from tests.support.ports import free_port

USER = "erin"
PASSWORD = "secret-of-erin"


@dataclass
class SamlIdentityProvider:
    url: str
    server: Server
    attributes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def entity_id(self) -> str:
        return f"{self.url}/metadata"

    def respond(self, request: Any) -> str:
        arguments = self.server.response_args(request.message)
        response = self.server.create_authn_response(
            identity=self.attributes,
            in_response_to=request.message.id,
            destination=request.message.assertion_consumer_service_url,
            sp_entity_id=arguments["sp_entity_id"],
            name_id=NameID(format=NAMEID_FORMAT_UNSPECIFIED, text=USER),
            authn={"class_ref": BY_PASSWORD, "authn_auth": self.entity_id},
            sign_assertion=True,
            sign_response=False,
            sign_alg=RSA_SHA256,
            digest_alg=SHA256,
        )
        return str(response)


@contextlib.contextmanager
def saml_provider(folder: Path, key: Path, certificate: Path) -> Iterator[SamlIdentityProvider]:
    """Writes its metadata to `folder/metadata.xml`; `believe` tells it of a service provider."""
    url = f"http://127.0.0.1:{free_port()}"
    folder.mkdir(exist_ok=True)
    config = _config(url, key, certificate)
    (folder / "metadata.xml").write_text(str(entity_descriptor(config)))
    provider = SamlIdentityProvider(url, Server(config=config))
    server = ThreadingHTTPServer(("127.0.0.1", int(url.rpartition(":")[2])), _handler(provider))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()


def believe(provider: SamlIdentityProvider, metadata: Path) -> None:
    provider.server.metadata.load("local", str(metadata))


def _config(url: str, key: Path, certificate: Path) -> IdPConfig:
    config = IdPConfig()
    config.load(
        {
            "entityid": f"{url}/metadata",
            "key_file": str(key),
            "cert_file": str(certificate),
            "metadata": {"inline": []},
            "service": {
                "idp": {
                    "endpoints": {
                        "single_sign_on_service": [
                            (f"{url}/soap", BINDING_SOAP),
                            (f"{url}/redirect", BINDING_HTTP_REDIRECT),
                        ]
                    },
                    "policy": {
                        "default": {
                            "lifetime": {"minutes": 15},
                            "attribute_restrictions": None,
                            "name_form": NAME_FORMAT_BASIC,
                        }
                    },
                }
            },
        }
    )
    return config


def _handler(provider: SamlIdentityProvider) -> type[BaseHTTPRequestHandler]:
    expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if self.headers.get("Authorization") != expected:
                self.send_error(401)
                return
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = provider.server.parse_authn_request(body.decode(), BINDING_SOAP)
            consumer = request.message.assertion_consumer_service_url
            self._say(_envelope(provider.respond(request), consumer).encode(), "text/xml")

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            request = provider.server.parse_authn_request(
                query["SAMLRequest"][0], BINDING_HTTP_REDIRECT
            )
            # What a page of a real provider would have the browser post.
            self._say(base64.b64encode(provider.respond(request).encode()), "text/plain")

        def _say(self, text: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *arguments: object) -> None:
            """Quiet."""

    return Handler


def _envelope(response: str, consumer: str) -> str:
    header = soapenv.Header()
    answer = ecp.Response(actor=ACTOR, must_understand="1", assertion_consumer_service_url=consumer)
    header.extension_elements = [element_to_extension_element(answer)]
    envelope = str(soapenv.Envelope(header=header, body=soapenv.Body()))
    bare = response.partition("?>")[2] if response.startswith("<?xml") else response
    return envelope.replace("<ns0:Body />", f"<ns0:Body>{bare}</ns0:Body>")
