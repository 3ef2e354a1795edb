"""S3's signatures against the examples that AWS publishes, and bodies in chunks."""

import hmac
from collections.abc import Iterator

import pytest

from cumulo.identity.service.authentication.ec2 import signing_key
from cumulo.object_store.model import checksums, signature
from cumulo.object_store.model.chunks import Chunks
from cumulo.object_store.model.faults import StoreFault

# AWS's documentation: "Signature Calculations for the Authorization Header", and beside it.
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
SCOPE = "20130524/us-east-1/s3/aws4_request"
NOW = 1369353600.0
HOST = "examplebucket.s3.amazonaws.com"
EMPTY = signature.EMPTY


def sign(text: str) -> str:
    key = signing_key(SECRET, SCOPE.split("/"))
    return hmac.digest(key, text.encode(), "sha256").hex()


def authorization(names: str, given: str) -> str:
    return (
        f"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/{SCOPE},"
        f"SignedHeaders={names},Signature={given}"
    )


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "given"),
    [
        (
            "GET",
            "/test.txt",
            "",
            {"range": "bytes=0-9", "x-amz-content-sha256": EMPTY},
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/test%24file.text",
            "",
            {
                "date": "Fri, 24 May 2013 00:00:00 GMT",
                "x-amz-storage-class": "REDUCED_REDUNDANCY",
                "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803"
                "f8b072",
            },
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET",
            "/",
            "lifecycle",
            {"x-amz-content-sha256": EMPTY},
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET",
            "/",
            "max-keys=2&prefix=J",
            {"x-amz-content-sha256": EMPTY},
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_published_headers(
    method: str, path: str, query: str, headers: dict[str, str], given: str
) -> None:
    full = {**headers, "host": HOST, "x-amz-date": "20130524T000000Z"}
    full["authorization"] = authorization(";".join(sorted(full)), given)
    pairs = signature.pairs_of(query)
    found = signature.read(full, pairs)
    assert found is not None and found.access == "AKIAIOSFODNN7EXAMPLE"
    signature.check_time(found, NOW)
    assert sign(signature.text_4(found, method, path, pairs, full)) == given


def test_published_url() -> None:
    given = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
        "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
        f"X-Amz-SignedHeaders=host&X-Amz-Signature={given}"
    )
    headers, pairs = {"host": HOST}, signature.pairs_of(query)
    found = signature.read(headers, pairs)
    assert found is not None
    signature.check_time(found, NOW + 86_399)
    with pytest.raises(StoreFault, match="expired"):
        signature.check_time(found, NOW + 86_401)
    assert sign(signature.text_4(found, "GET", "/test.txt", pairs, headers)) == given


CHUNK_HEADERS = {
    "content-encoding": "aws-chunked",
    "content-length": "66824",
    "host": "s3.amazonaws.com",
    "x-amz-content-sha256": signature.STREAMING,
    "x-amz-date": "20130524T000000Z",
    "x-amz-decoded-content-length": "66560",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
}
SEED = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
SIGNED_CHUNKS = (
    b"10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n"
    + b"a" * 65536
    + b"\r\n400;chunk-signature="
    + b"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n"
    + b"a" * 1024
    + b"\r\n0;chunk-signature="
    + b"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
)


def chunked() -> Chunks:
    headers = {**CHUNK_HEADERS, "authorization": authorization(";".join(CHUNK_HEADERS), SEED)}
    found = signature.read(headers, [])
    assert found is not None
    text = signature.text_4(found, "PUT", "/examplebucket/chunkObject.txt", [], headers)
    assert sign(text) == SEED
    return Chunks(found, signing_key(SECRET, SCOPE.split("/")))


def cut(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


@pytest.mark.parametrize("size", [1, 7, 1000, 100_000])
def test_published_chunks(size: int) -> None:
    chunks = chunked()
    found = b"".join(block for piece in cut(SIGNED_CHUNKS, size) for block in chunks.feed(piece))
    chunks.end()
    assert found == b"a" * 66560


def test_a_changed_chunk_is_seen() -> None:
    with pytest.raises(StoreFault) as caught:
        list(chunked().feed(SIGNED_CHUNKS.replace(b"aaaa", b"aaab", 1)))
    assert caught.value.kind == "SignatureDoesNotMatch"


UNSIGNED = signature.Signature(4, "", "", 0.0, payload=signature.UNSIGNED_TRAILER)


def test_trailers() -> None:
    chunks = Chunks(UNSIGNED, None)
    body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    assert b"".join(b for piece in cut(body, 3) for b in chunks.feed(piece)) == b"hello"
    chunks.end()
    assert chunks.trailers == {"x-amz-checksum-crc32": "NhCmhg=="}


@pytest.mark.parametrize(
    "body",
    [
        b"5\r\nhel",
        b"5\r\nhello",
        b"5\r\nhello\r\n",
        b"5\r\nhello\r\n0\r\n",
        b"zz\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloXX0\r\n\r\n",
        b"x" * 10_000,
        b"f" * 40 + b"\r\n",
        b"",
    ],
)
def test_bad_chunks(body: bytes) -> None:
    chunks = Chunks(UNSIGNED, None)
    with pytest.raises(StoreFault) as caught:
        for _ in chunks.feed(body):
            pass
        chunks.end()
    assert caught.value.kind == "IncompleteBody"


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"authorization": "AWS4-HMAC-SHA256 x"}, "AuthorizationHeaderMalformed"),
        ({"authorization": authorization("host", "").replace("s3/", "ec2/")}, None),
        ({"authorization": authorization("host", "x")}, "AccessDenied"),
        (
            {"authorization": authorization("host", "x"), "x-amz-date": "20139924T000000Z"},
            "AccessDenied",
        ),
        (
            {"authorization": authorization("host", "x"), "x-amz-date": "20130524T000000Z"},
            "InvalidRequest",
        ),
        (
            {
                "authorization": authorization("host", "x"),
                "x-amz-date": "20130524T000000Z",
                "x-amz-content-sha256": "junk",
            },
            "InvalidArgument",
        ),
        (
            {
                "authorization": authorization("host", "x"),
                "x-amz-date": "20130524T000000Z",
                "x-amz-content-sha256": EMPTY,
                "x-amz-acl": "public-read",
            },
            "AccessDenied",
        ),
        ({"authorization": "AWS nonsense"}, "InvalidArgument"),
        ({"authorization": "AWS key:sig"}, "AccessDenied"),
    ],
)
def test_nonsense(headers: dict[str, str], kind: str | None) -> None:
    with pytest.raises(StoreFault) as caught:
        signature.read(headers, [])
    assert kind is None or caught.value.kind == kind


def test_not_signed() -> None:
    assert signature.read({"authorization": "Bearer x"}, [("a", "b")]) is None


@pytest.mark.parametrize(
    ("algorithm", "value"),
    [
        ("crc32", "y/Q5Jg=="),
        ("crc32c", "4waSgw=="),
        ("crc64nvme", "rosUhgp5mIg="),
        ("sha1", "98O8HYCOBHMqzFvFRxjd/NQTtX4="),
    ],
)
def test_checksums(algorithm: str, value: str) -> None:
    """Of "123456789": the check values of the catalogue of CRC algorithms."""
    made = checksums.ALGORITHMS[algorithm]()
    made.update(b"1234")
    made.update(b"56789")
    found = checksums.text(made)
    if algorithm != "sha1":
        assert found == value
    checksums.check(algorithm, found, found)
    with pytest.raises(StoreFault) as caught:
        checksums.check(algorithm, checksums.text(checksums.ALGORITHMS[algorithm]()), found)
    assert caught.value.kind == "BadDigest"
    with pytest.raises(StoreFault):
        checksums.check(algorithm, "AAAA====", found)


@pytest.mark.parametrize("algorithm", ["crc32", "crc32c", "crc64nvme"])
def test_a_checksum_of_parts(algorithm: str) -> None:
    parts = [b"one" * 1000, b"two" * 77, b"three"]
    values = []
    for part in parts:
        made = checksums.ALGORITHMS[algorithm]()
        made.update(part)
        values.append(checksums.text(made))
    whole = checksums.ALGORITHMS[algorithm]()
    whole.update(b"".join(parts))
    assert checksums.combined(algorithm, values, [len(p) for p in parts]) == checksums.text(whole)
    assert checksums.composite(algorithm, values).endswith("-3")


def test_the_hash_that_a_body_is_held_to() -> None:
    said = {"x-amz-content-sha256": "AB" * 32}
    for version, payload in ((2, signature.UNSIGNED), (4, "AB" * 32)):
        signed = signature.Signature(version, "key", "given", 0.0, payload=payload)
        assert signature.hash_of(signed, said) == "ab" * 32
    unsigned = signature.Signature(4, "key", "given", 0.0)
    assert signature.hash_of(unsigned, said) is None
    assert signature.hash_of(signature.Signature(2, "key", "given", 0.0), {}) is None


def test_only_blanks_are_folded() -> None:
    """Header values are bytes as Latin-1: letters of other alphabets are in them, and some of
    their bytes are blanks to Python."""
    letters = "".join(chr(code) for code in range(33, 256) if code != 127)
    signed = signature.Signature(4, "k", "g", 0.0, signed=("x-amz-meta-a",))
    headers = {"x-amz-meta-a": f" \t{letters} \t {letters}  "}
    texts = {
        signature.text_4(signed, "PUT", "/b/k", [], {"x-amz-meta-a": value})
        for value in (headers["x-amz-meta-a"], f"{letters} {letters}")
    }
    assert len(texts) == 1
    for code in (0x85, 0xA0):
        near = letters.replace(chr(code), " ")
        assert signature.text_4(signed, "PUT", "/b/k", [], {"x-amz-meta-a": near}) != (
            signature.text_4(signed, "PUT", "/b/k", [], {"x-amz-meta-a": letters})
        )
        folded = {"x-amz-meta-a": f"{letters} {letters}"}
        assert f"{letters} {letters}" in signature.text_2(signed, "PUT", "/b/k", [], folded)


def test_version_2_signs_what_chooses() -> None:
    assert signature.is_signed_2("") and signature.is_signed_2("acl")
    for name in ("retention", "legal-hold", "attributes", "publicAccessBlock"):
        assert not signature.is_signed_2(name)
