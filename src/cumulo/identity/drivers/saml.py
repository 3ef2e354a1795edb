"""SAML 2.0: believing other people's assertions, and making our own for clouds that believe us.

pysaml2 does the protocol and xmlsec1 the signatures. One key pair and one entity id (the address of
our metadata) serve both roles. Everything here takes milliseconds to tens of them (xmlsec1 is a
process), so callers run it in a thread.
"""

import base64
import datetime
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from defusedxml import minidom
from saml2 import (
    BINDING_HTTP_POST,
    BINDING_HTTP_REDIRECT,
    BINDING_PAOS,
    BINDING_URI,
    SAMLError,
    class_name,
    element_to_extension_element,
)
from saml2.authn_context import PASSWORD
from saml2.client import Saml2Client
from saml2.client_base import ACTOR
from saml2.config import Config, IdPConfig, SPConfig
from saml2.ecp import ecp_auth_request
from saml2.metadata import entity_descriptor
from saml2.profile import ecp
from saml2.response import StatusError
from saml2.saml import NAME_FORMAT_BASIC, NAMEID_FORMAT_UNSPECIFIED, NameID
from saml2.schema import soapenv
from saml2.server import Server
from saml2.sigver import SigverError, pre_signature_part

from cumulo.identity.drivers.xmlsec import put_in_cell
from cumulo.identity.model.assertion import Assertion, NotBelieved

RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
ASSERTION_MINUTES = 60
CERTIFICATE_DAYS = 3650
RESPONSE_LIMIT = 1024 * 1024


class SamlParty:
    """This cloud as a service provider, and as an identity provider for others.

    `base`: the public address of OS-FEDERATION; the paths below it are `saml2/metadata` (also the
    entity id), `saml2/acs` (browsers post assertions here) and `saml2/ecp` (clients do).
    `providers`: by the id of the identity provider, the file with its metadata and which of the
    file's entities it is (empty: its only one).
    """

    def __init__(self, base: str, secrets: Path, providers: Mapping[str, tuple[str, str]]) -> None:
        self.entity_id = f"{base}/saml2/metadata"
        self.acs_url = f"{base}/saml2/acs"
        self.ecp_url = f"{base}/saml2/ecp"
        self._base = base
        self._secrets = secrets
        self._providers = dict(providers)
        self._lock = threading.Lock()
        self._client: Saml2Client | None = None
        self._server: Server | None = None

    def entity_of(self, idp_id: str) -> str:
        """The entity id of a provider. Raises NotBelieved."""
        given = self._providers.get(idp_id)
        if given is None:
            raise NotBelieved(f"no SAML provider {idp_id} is set up")
        file, entity_id = given
        if entity_id:
            return entity_id
        metadata = self._sp().metadata
        names = list(metadata.metadata[file].keys()) if metadata else []
        if len(names) != 1:
            raise NotBelieved(f"{file} is of {len(names)} providers: name one")
        return str(names[0])

    def ecp_request(self, idp_id: str, relay_state: str) -> tuple[str, str]:
        """The request's id, and what an enhanced client takes to its provider."""
        made: tuple[str, str] = ecp_auth_request(
            self._sp(), self.entity_of(idp_id), relay_state, sign=False
        )
        return made

    def login_url(self, idp_id: str, relay_state: str) -> tuple[str, str]:
        """The request's id, and where a browser is sent to sign on."""
        try:
            request_id, info = self._sp().prepare_for_authenticate(
                entityid=self.entity_of(idp_id),
                relay_state=relay_state,
                binding=BINDING_HTTP_REDIRECT,
                response_binding=BINDING_HTTP_POST,
                sigalg=RSA_SHA256,
            )
        except (SAMLError, SigverError) as error:
            raise NotBelieved(f"no sign-on with {idp_id}: {error}") from None
        return request_id, dict(info["headers"])["Location"]

    def read(self, response: bytes, *, paos: bool) -> Assertion:
        """A signed assertion for us, unexpired. Whether it was used before is for the caller."""
        if len(response) > RESPONSE_LIMIT:
            raise NotBelieved("the response is too long")
        try:
            text = _body_of(response) if paos else response.decode("ascii")
            found = self._sp().parse_authn_request_response(text, BINDING_HTTP_POST)
        except StatusError as error:
            raise NotBelieved(f"the provider refused: {error}") from None
        except Exception as error:
            # pysaml2 and the XML parsers below it raise dozens of kinds for foreign bytes.
            raise NotBelieved(f"the response is not good: {type(error).__name__}") from None
        if found is None or found.assertion is None or found.name_id is None:
            raise NotBelieved("the response has no good assertion for this cloud")
        until = found.not_on_or_after or 0
        if until <= time.time():
            raise NotBelieved("the assertion does not say until when it is good")
        return Assertion(
            id=str(found.assertion.id),
            issuer=str(found.issuer()),
            name_id=str(found.name_id.text or ""),
            attributes={name: [str(each) for each in found.ava[name]] for name in found.ava},
            in_response_to=found.in_response_to,
            expires=float(until),
        )

    def metadata(self) -> str:
        """Both roles, for those who shall believe us or be believed."""
        config = Config()
        config.load(
            {**self._common(), "service": {**self._sp_service(), **self._idp_service()}},
        )
        return str(entity_descriptor(config))

    def issue(self, sp_url: str, user: str, attributes: Mapping[str, Sequence[str]]) -> str:
        """A response with a signed assertion that `sp_url` is to believe."""
        server = self._idp()
        made = server.create_authn_response(
            identity={name: list(values) for name, values in attributes.items()},
            in_response_to=None,
            destination=sp_url,
            sp_entity_id=None,
            name_id=NameID(format=NAMEID_FORMAT_UNSPECIFIED, text=user),
            authn={"class_ref": PASSWORD, "authn_auth": self.entity_id},
            sign_assertion=False,
            sign_response=False,
        )
        assertion = made.assertion
        # Only the address of the other cloud is known, not how it calls itself: the subject's
        # recipient binds the assertion to it.
        assertion.conditions.audience_restriction = []
        assertion.signature = pre_signature_part(
            assertion.id, server.sec.my_cert, 1, sign_alg=RSA_SHA256, digest_alg=SHA256
        )
        signed = server.sec.sign_statement(
            str(made),
            class_name(assertion),
            key_file=str(self._key_pair()[0]),
            node_id=assertion.id,
        )
        return str(signed)

    @staticmethod
    def envelope(response: str, relay_state: str) -> str:
        """The response as an enhanced client hands it over."""
        state = ecp.RelayState(actor=ACTOR, must_understand="1", text=relay_state)
        envelope = str(
            soapenv.Envelope(
                header=soapenv.Header(extension_elements=[element_to_extension_element(state)]),
                body=soapenv.Body(),
            )
        )
        # The signed assertion goes in as it is: written anew, its signature would not hold.
        bare = response.partition("?>")[2] if response.startswith("<?xml") else response
        head, _, tail = envelope.rpartition("Body")
        prefix = head[head.rfind("<") + 1 :]
        closed = f"<{prefix}Body />"
        if not (head.endswith(f"<{prefix}") and tail.lstrip().startswith("/>")):
            raise AssertionError(f"an envelope of another shape: {envelope}")
        return envelope.replace(closed, f"<{prefix}Body>{bare}</{prefix}Body>")

    @staticmethod
    def relay_state_of(envelope: bytes) -> str | None:
        """What an enhanced client brings back from the request, if anything."""
        try:
            document = minidom.parseString(envelope)
        except Exception:
            # Expat and defusedxml raise kinds of their own for foreign bytes; `read` says why.
            return None
        found = document.getElementsByTagNameNS(ecp.NAMESPACE, "RelayState")
        if len(found) != 1 or found[0].firstChild is None:
            return None
        return str(found[0].firstChild.nodeValue)

    def _sp(self) -> Saml2Client:
        with self._lock:
            if self._client is None:
                config = SPConfig()
                files = sorted({file for file, _ in self._providers.values()})
                config.load(
                    {**self._common(), "metadata": {"local": files}, "service": self._sp_service()}
                )
                self._client = Saml2Client(config)
                put_in_cell(self._client)
            return self._client

    def _idp(self) -> Server:
        with self._lock:
            if self._server is None:
                config = IdPConfig()
                config.load({**self._common(), "service": self._idp_service()})
                self._server = Server(config=config)
                put_in_cell(self._server)
            return self._server

    def _common(self) -> dict[str, Any]:
        key, certificate = self._key_pair()
        return {
            "entityid": self.entity_id,
            "key_file": str(key),
            "cert_file": str(certificate),
            "allow_unknown_attributes": True,
            "accepted_time_diff": 60,
        }

    def _sp_service(self) -> dict[str, Any]:
        return {
            "sp": {
                "endpoints": {
                    "assertion_consumer_service": [
                        (self.acs_url, BINDING_HTTP_POST),
                        (self.ecp_url, BINDING_PAOS),
                        # pysaml2 reads what came by PAOS as if it had been posted.
                        (self.ecp_url, BINDING_HTTP_POST),
                    ]
                },
                # The caller compares what a response answers with what was asked.
                "allow_unsolicited": True,
                "want_assertions_signed": True,
                "want_response_signed": False,
                "authn_requests_signed": True,
                "signing_algorithm": RSA_SHA256,
                "digest_algorithm": SHA256,
            }
        }

    def _idp_service(self) -> dict[str, Any]:
        return {
            "idp": {
                "endpoints": {"single_sign_on_service": [(f"{self._base}/saml2/sso", BINDING_URI)]},
                "policy": {
                    "default": {
                        "lifetime": {"minutes": ASSERTION_MINUTES},
                        "attribute_restrictions": None,
                        "name_form": NAME_FORMAT_BASIC,
                    }
                },
            }
        }

    def _key_pair(self) -> tuple[Path, Path]:
        """Our key and its certificate; made at the first use."""
        folder = self._secrets / "saml"
        key_path, certificate_path = folder / "key.pem", folder / "certificate.pem"
        if not certificate_path.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            made = folder / f"new-{uuid.uuid4().hex}"
            key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
            made.touch(mode=0o600)
            made.write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
            made.replace(key_path)
            made.write_bytes(self._certificate(key).public_bytes(serialization.Encoding.PEM))
            made.replace(certificate_path)
        return key_path, certificate_path

    def _certificate(self, key: rsa.RSAPrivateKey) -> x509.Certificate:
        # Self-signed: whoever believes us is given this very certificate, no authority is asked.
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cumulo identity")])
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=CERTIFICATE_DAYS))
            .sign(key, hashes.SHA256())
        )


def _body_of(envelope: bytes) -> str:
    """The response in a SOAP envelope, in base64 as a browser would post it.

    With the prefixes that it has, and with the namespaces of the envelope around it: its signature
    is about those characters. Raises what the parser raises.
    """
    document = minidom.parseString(envelope)
    bodies = document.getElementsByTagNameNS(soapenv.NAMESPACE, "Body")
    if len(bodies) != 1:
        raise ValueError("one body is expected")
    inner = [node for node in bodies[0].childNodes if node.nodeType == node.ELEMENT_NODE]
    if len(inner) != 1:
        raise ValueError("one response is expected")
    for outer in (bodies[0], document.documentElement):
        for name, value in outer.attributes.items():
            if name.startswith("xmlns") and not inner[0].hasAttribute(name):
                inner[0].setAttribute(name, value)
    return base64.b64encode(inner[0].toxml().encode()).decode()
