"""One-time passwords: the vectors of RFC 4226 and RFC 6238, and the window."""

import base64

import pytest

from cumulo.identity.service.authentication.totp import counter_of, decoded, hotp

KEY = b"12345678901234567890"
SECRET = base64.b32encode(KEY).decode()


@pytest.mark.parametrize(
    ("counter", "code"),
    [
        (0, "755224"),
        (1, "287082"),
        (2, "359152"),
        (3, "969429"),
        (4, "338314"),
        (8, "399871"),
        (9, "520489"),
    ],
)
def test_rfc_4226(counter: int, code: str) -> None:
    assert hotp(KEY, counter) == code


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_rfc_6238(seconds: int, code: str) -> None:
    assert hotp(KEY, seconds // 30, digits=8) == code
    step = seconds // 30
    assert counter_of(SECRET, code[2:], seconds) == step
    assert counter_of(SECRET, code[2:], seconds + 30) == step
    assert counter_of(SECRET, code[2:], seconds + 60) is None
    assert counter_of(SECRET, code[2:], seconds - 30) is None


def test_secrets_come_without_padding_in_any_case_and_with_blanks() -> None:
    assert decoded("gezd gnbv gy3t qojq") == b"1234567890"
    assert decoded("MZXW6===") == decoded("mzxw6") == b"foo"
    assert decoded("") is None
    assert decoded("not base32!") is None
    assert counter_of("not base32!", "000000", 0.0) is None
    assert counter_of(SECRET, "\ud800", 59) is None
