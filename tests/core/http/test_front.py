"""What a web server in front says, and whom it is believed."""

import datetime
from base64 import b64encode
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.auth.vouched import NOBODY
from cumulo.core.http.front import CERTIFICATE_LIMIT, Front, Header, pem_of


def certificate() -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ann")])
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )


def saying(**headers: str) -> Header:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return named.get


def test_the_word_of_strangers_does_not_count() -> None:
    front = Front(["192.0.2.7", "2001:db8::/64"])
    header = saying(X_Remote_User="admin", X_Forwarded_For="198.51.100.1")
    for stranger in ("192.0.2.8", "2001:db8:0:1::1", "", "nonsense"):
        assert front.read(stranger, header) == (stranger, NOBODY)
    assert Front().read("127.0.0.1", header) == ("127.0.0.1", NOBODY)
    for trusted in ("192.0.2.7", "2001:db8::1"):
        address, said = front.read(trusted, header)
        assert (address, said.user) == ("198.51.100.1", "admin")


def test_the_client_is_the_last_address_listed() -> None:
    front = Front(["192.0.2.7"])
    header = saying(X_Forwarded_For="203.0.113.9, 198.51.100.1")
    assert front.read("192.0.2.7", header)[0] == "198.51.100.1"
    assert front.read("192.0.2.7", saying())[0] == "192.0.2.7"


def test_a_certificate_has_one_spelling() -> None:
    made = certificate()
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    der = made.public_bytes(serialization.Encoding.DER)
    ways = [pem, quote(pem, safe=""), pem.replace("\n", " "), b64encode(der).decode()]
    assert {pem_of(way) for way in ways} == {pem}


@given(st.text())
def test_junk_is_no_certificate_or_stays_one(text: str) -> None:
    found = pem_of(text)
    assert found == "" or pem_of(found) == found


def test_what_is_too_long_is_none() -> None:
    assert pem_of("A" * (CERTIFICATE_LIMIT + 4)) == ""


def test_a_wrong_address_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="web"):
        Front(["web.example"])
