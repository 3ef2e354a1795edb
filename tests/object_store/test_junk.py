"""Junk in names, headers, queries and bodies, by tokens and by signed requests: never a 5xx."""

import asyncio
import random
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_from_bytes

import botocore.auth
import botocore.awsrequest
import botocore.credentials

from tests.support.cloud import BASE, Answer, TestCloud, running_cloud

NAMES = (
    b"o",
    b"a/../b",
    b"//",
    b"a//b/",
    b"\x00",
    b"\xff\xfe",
    "é€\U0001f600".encode(),
    b"x" * 1024,
    b"x" * 1025,
    b"%2e%2e",
    b"?#&=+ ",
    b"\r\n",
    b"<script>",
)
HEADERS = (
    *("Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Range", "ETag"),
    *("X-Copy-From", "Destination", "X-Copy-From-Account", "Destination-Account"),
    *("X-Delete-At", "X-Delete-After", "X-Object-Manifest", "X-Container-Read"),
    *("X-Container-Write", "X-Container-Meta-Quota-Bytes", "X-Container-Meta-", "Accept"),
    *("X-Versions-Location", "X-Versions-Enabled", "X-Symlink-Target", "Content-Type"),
    *("X-Container-Meta-Web-Index", "X-Account-Meta-Temp-Url-Key", "Content-Encoding"),
    *("x-amz-copy-source", "x-amz-acl", "x-amz-tagging", "x-amz-checksum-crc32"),
    *("x-amz-checksum-algorithm", "x-amz-trailer", "x-amz-metadata-directive"),
    *("x-amz-copy-source-range", "x-amz-copy-source-if-match", "Content-MD5"),
)
VALUES = (
    *("", "x", "0", "-1", "9" * 40, "c/o", "/c/o", "c", "bytes=0-", "bytes=-0", "bytes=9-1,3-"),
    *("%00", "%ff/%ff", "é", ".r:*", ".r:", "a:b:c", "*:*", '"', "Sun, 99 Foo 2026", "true", "²"),
    *("multipart/form-data", "multipart/form-data; boundary=x", "application/json", "crc32"),
    *("REPLACE", "text/html;q=x", "AAAA", "a=b&a=c", "x" * 3000),
)
QUERIES = (
    *("format=json", "format=x", "limit=x", "limit=-1", "limit=0", "marker=%ff", "prefix=%00"),
    *("delimiter=%ff", "path=", "reverse=1", "multipart-manifest=put", "bulk-delete"),
    *("multipart-manifest=get&format=raw", "multipart-manifest=delete", "version-id=x"),
    *("extract-archive=tar", "extract-archive=x", "temp_url_sig=x&temp_url_expires=9", "uploads"),
    *("uploadId=x", "uploadId=x&partNumber=1", "partNumber=0&uploadId=x", "acl", "tagging"),
    *("versioning", "versions", "versions&key-marker=%00", "delete", "cors", "policy", "location"),
    *(
        "list-type=2&continuation-token=x",
        "list-type=2&max-keys=x",
        "encoding-type=x",
        "versionId=x",
    ),
)
BODIES = (
    b"",
    b"x",
    b"\xff" * 100,
    b"[]",
    b"[" * 5000,
    b'[{"path": "/c/o"}]',
    b'[{"path": "/c/o", "range": "0-0"}, {"data": "eA=="}]',
    b"c/o\n%ff\n" + b"x" * 9000,
    b"<a/>",
    b"<Delete><Object><Key>o</Key></Object></Delete>",
    b"<Delete><Object/></Delete>",
    b'<!DOCTYPE x [<!ENTITY a "b">]><Delete>&a;</Delete>',
    b"<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    b"<CompleteMultipartUpload><Part><PartNumber>x</PartNumber></Part></CompleteMultipartUpload>",
    b"--x\r\nContent-Disposition: form-data; name=f; filename=g\r\n\r\nx\r\n--x--",
)
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "COPY")


def signed(pair: tuple[str, str], method: str, path: str, headers: Any, body: bytes) -> Any:
    """The headers of a request to S3, as botocore signs them."""
    request = botocore.awsrequest.AWSRequest(method, BASE + path, headers, body)
    keys = botocore.credentials.Credentials(*pair)
    botocore.auth.S3SigV4Auth(keys, "s3", "RegionOne").add_auth(request)
    return dict(request.headers.items())


async def keys(cloud: TestCloud) -> tuple[str, str]:
    token = await cloud.call("GET", "/identity/v3/auth/tokens", headers=await own(cloud))
    user = token.json["token"]["user"]["id"]
    path = f"/identity/v3/users/{user}/credentials/OS-EC2"
    made = await cloud.call("POST", path, json_={"tenant_id": cloud.projects["demo"]})
    return made.json["credential"]["access"], made.json["credential"]["secret"]


async def own(cloud: TestCloud) -> dict[str, str]:
    return {"X-Subject-Token": await cloud.token("demo")}


def wish(chance: random.Random) -> tuple[str, str, str, dict[str, str], bytes]:
    """(method, container and object, query, headers, body)"""
    parts = ["c" if chance.random() < 0.7 else quote_from_bytes(chance.choice(NAMES), safe="")]
    if chance.random() < 0.7:
        parts.append(quote_from_bytes(chance.choice(NAMES), safe="/"))
    headers = {
        chance.choice(HEADERS): quote(chance.choice(VALUES), safe=' /=:;.,*"&%-')
        for _ in range(chance.randint(0, 3))
    }
    query = chance.choice(QUERIES) if chance.random() < 0.5 else ""
    body = chance.choice(BODIES)
    return chance.choice(METHODS), "/".join(parts), query, headers, body


def test_junk(tmp_path: Path) -> None:
    chance = random.Random(5)

    good = [0, 0]

    async def main() -> list[tuple[Any, Answer]]:
        wrong = []
        async with running_cloud(tmp_path) as cloud:
            pair = await keys(cloud)
            account = f"/object-store/v1/AUTH_{cloud.projects['demo']}"
            for number in range(1500):
                await cloud.call("PUT", f"{account}/c")
                await cloud.call("PUT", f"{account}/c/o", body=b"hello")
                method, path, query, headers, body = wish(chance)
                mark = f"?{query}" if query else ""
                if number % 2:
                    target = f"{account}/{path}{mark}"
                    answer = await cloud.call(method, target, headers=headers, body=body)
                else:
                    target = f"/{path}{mark}"
                    given = signed(pair, method, target, headers, body)
                    answer = await cloud.request(method, target, headers=given, body=body)
                good[number % 2] += answer.status < 300
                # Whatever the answer is, a browser takes it for no page of the cloud's own.
                policy = answer.headers.get("content-security-policy", "")
                assert policy.startswith("sandbox"), (method, target, answer.status)
                if answer.status >= 500 and answer.status != 501:
                    wrong.append(((method, target, headers, body[:60]), answer))
        return wrong

    wrong = asyncio.run(main())
    assert not wrong, (len(wrong), wrong[:3])
    # Both faces were really reached: some of the junk is no junk.
    assert min(good) > 50, good
