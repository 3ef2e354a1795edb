"""The signature of S3 requests, against the examples that AWS publishes."""

import hashlib

from cumulo.image.drivers.s3 import S3Options, signed_headers

OPTIONS = S3Options(
    url="https://examplebucket.s3.amazonaws.com",
    bucket="examplebucket",
    access_key="AKIAIOSFODNN7EXAMPLE",
    secret_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
)
HOST = {"host": "examplebucket.s3.amazonaws.com"}
NOTHING = hashlib.sha256(b"").hexdigest()


def signature(path: str, query: str, **more: str) -> str:
    made = signed_headers(
        OPTIONS, "20130524T000000Z", "GET", path, query, {**HOST, **more}, NOTHING
    )
    return made["Authorization"].rpartition("Signature=")[2]


def test_get_object() -> None:
    found = signature("/test.txt", "", range="bytes=0-9")
    assert found == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"


def test_bucket_lifecycle() -> None:
    found = signature("/", "lifecycle=")
    assert found == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"


def test_list_objects() -> None:
    found = signature("/", "max-keys=2&prefix=J")
    assert found == "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
