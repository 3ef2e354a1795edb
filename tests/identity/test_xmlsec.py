"""pysaml2 signs and believes by way of xmlsec1 in a cell."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from saml2 import sigver

from cumulo.identity.drivers.saml import SamlParty
from cumulo.identity.drivers.xmlsec import XmlsecInCell


def test_nothing_is_run_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An assertion of our own is signed, and believed; no process of pysaml2's own is started."""

    def popen(argv: list[str], **more: Any) -> Any:
        assert argv[1:] == ["--version"], argv
        return subprocess.Popen(argv, **more)

    monkeypatch.setattr(sigver, "Popen", popen)
    party = SamlParty("https://cloud.test/v3/OS-FEDERATION", tmp_path, {})
    signed = party.issue("https://other.test/acs", "eve", {"openstack_user": ["eve"]})
    assert "SignatureValue>" in signed
    server = party._idp()
    crypto = server.sec.crypto
    assert isinstance(crypto, XmlsecInCell)
    certificate = str(party._key_pair()[1])
    name = "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"

    def believed(text: str) -> bool:
        id = text.partition("Assertion ")[2].partition('ID="')[2].partition('"')[0]
        return bool(crypto.validate_signature(text, certificate, "pem", name, id))

    assert believed(signed)
    with pytest.raises(sigver.SigverError):
        believed(signed.replace(">eve<", ">root<"))
