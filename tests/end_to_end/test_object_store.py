"""The object store with other people's clients: python-swiftclient, boto3, rclone, curl."""

import contextlib
import hashlib
import hmac
import http.client
import io
import json
import os
import shutil
import socket
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import pytest
from botocore.client import Config
from botocore.exceptions import ClientError
from swiftclient import Connection
from swiftclient.exceptions import ClientException
from swiftclient.service import SwiftService, SwiftUploadObject

from tests.support.served import ServedCloud, served_cloud

MIB = 1024 * 1024
BIG = os.urandom(MIB) * 12


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with served_cloud(tmp_path_factory.mktemp("object-store") / "data") as found:
        yield found


@pytest.fixture(scope="module")
def swift(cloud: ServedCloud) -> Connection:
    return Connection(session=cloud.session("demo"))


def keys(cloud: ServedCloud, user: str) -> tuple[str, str]:
    session = cloud.session(user)
    url = f"{cloud.auth_url}/users/{session.get_user_id()}/credentials/OS-EC2"
    made = session.post(url, json={"tenant_id": session.get_project_id()}).json()["credential"]
    return made["access"], made["secret"]


def client(cloud: ServedCloud, pair: tuple[str, str], url: str = "", **config: Any) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=url or cloud.url,
        aws_access_key_id=pair[0],
        aws_secret_access_key=pair[1],
        region_name="RegionOne",
        config=Config(retries={"max_attempts": 1}, **config),
    )


@pytest.fixture(scope="module")
def demo_keys(cloud: ServedCloud) -> tuple[str, str]:
    return keys(cloud, "demo")


@pytest.fixture(scope="module")
def s3(cloud: ServedCloud, demo_keys: tuple[str, str]) -> Any:
    return client(cloud, demo_keys)


def code(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    found = error.value.response
    return found["Error"]["Code"], found["ResponseMetadata"]["HTTPStatusCode"]


def test_swiftclient(swift: Connection) -> None:
    swift.put_container("plain")
    etag = swift.put_object("plain", "dir/a//b ü", BIG, headers={"X-Object-Meta-Mtime": "1"})
    assert etag == hashlib.md5(BIG).hexdigest()
    headers, content = swift.get_object("plain", "dir/a//b ü")
    assert content == BIG and headers["x-object-meta-mtime"] == "1"
    _, listing = swift.get_container("plain", delimiter="/")
    assert [each["subdir"] for each in listing] == ["dir/"]
    swift.copy_object("plain", "dir/a//b ü", "/plain/copy")
    assert swift.get_object("plain", "copy", headers={"Range": "bytes=-3"})[1] == BIG[-3:]
    swift.put_object("plain", "chunked", (BIG[i : i + MIB] for i in range(0, 3 * MIB, MIB)))
    assert swift.head_object("plain", "chunked")["content-length"] == str(3 * MIB)
    assert swift.head_account()["x-account-object-count"] == "3"
    with pytest.raises(ClientException) as caught:
        swift.delete_container("plain")
    assert caught.value.http_status == 409
    for name in ("dir/a//b ü", "copy", "chunked"):
        swift.delete_object("plain", name)
    swift.delete_container("plain")
    assert swift.get_capabilities()["slo"]["max_manifest_segments"] == 1000


@pytest.mark.parametrize("slo", [True, False])
def test_large_objects(cloud: ServedCloud, swift: Connection, tmp_path: Path, slo: bool) -> None:
    path, back = tmp_path / "big", tmp_path / "back"
    path.write_bytes(BIG)
    options = {
        "auth_version": "3",
        "os_auth_url": cloud.auth_url,
        "os_username": "demo",
        "os_password": cloud.password("demo"),
        "os_project_name": "demo",
        "os_user_domain_id": "default",
        "os_project_domain_id": "default",
        "segment_size": 5 * MIB,
        "use_slo": slo,
    }
    with SwiftService(options=options) as service:
        wish = SwiftUploadObject(str(path), object_name="big")
        assert all(each["success"] for each in service.upload("large", [wish]))
        for each in service.download("large", ["big"], options={"out_file": str(back)}):
            assert each["success"], each
        assert back.read_bytes() == BIG
        assert all(each["success"] for each in service.delete("large"))
        assert swift.get_container("large_segments")[1] == []
        assert all(each["success"] for each in service.delete("large_segments"))


def test_signed_url(cloud: ServedCloud, swift: Connection) -> None:
    swift.post_account({"X-Account-Meta-Temp-URL-Key": "secret"})
    swift.put_container("signed")
    swift.put_object("signed", "a b", b"hello", headers={"X-Object-Meta-Own": "1"})
    path = urlsplit(swift.get_auth()[0]).path + "/signed/a b"
    end = int(time.time()) + 60

    def url(method: str, signed: str) -> str:
        text = f"{method}\n{end}\n{signed}"
        found = hmac.new(b"secret", text.encode(), "sha256").hexdigest()
        return f"{cloud.url}{quote(path)}?temp_url_sig={found}&temp_url_expires={end}"

    for signed in (path, path.removeprefix("/object-store")):
        with urllib.request.urlopen(url("GET", signed)) as answer:
            assert answer.read() == b"hello"
            assert "a b" in answer.headers["Content-Disposition"]
            assert answer.headers["X-Object-Meta-Own"] is None
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url("PUT", path))
    assert caught.value.code == 401
    swift.delete_object("signed", "a b")
    swift.delete_container("signed")


def test_openstackclient(cloud: ServedCloud, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "OS_AUTH_URL": cloud.auth_url,
        "OS_USERNAME": "demo",
        "OS_PASSWORD": cloud.password("demo"),
        "OS_PROJECT_NAME": "demo",
        "OS_USER_DOMAIN_ID": "default",
        "OS_PROJECT_DOMAIN_ID": "default",
    }

    def openstack(*words: str) -> Any:
        argv = [shutil.which("openstack", path=str(Path(os.sys.executable).parent)), *words]
        done = subprocess.run(argv, env=environment, cwd=tmp_path, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    (tmp_path / "file").write_bytes(b"hello")
    openstack("container", "create", "osc")
    openstack("object", "create", "osc", "file")
    assert [each["Name"] for each in json.loads(openstack("object", "list", "osc", "-f", "json"))]
    openstack("container", "delete", "--recursive", "osc")


@pytest.mark.parametrize("kind", ["swift", "s3"])
def test_rclone(cloud: ServedCloud, demo_keys: tuple[str, str], tmp_path: Path, kind: str) -> None:
    if shutil.which("rclone") is None:
        pytest.skip("rclone is not installed")
    config = tmp_path / "rclone.conf"
    config.write_text(
        f"[swift]\ntype = swift\nuser = demo\nkey = {cloud.password('demo')}\n"
        f"auth = {cloud.auth_url}\ndomain = Default\ntenant = demo\ntenant_domain = Default\n"
        f"auth_version = 3\nchunk_size = 5Mi\n[s3]\ntype = s3\nprovider = Other\n"
        f"access_key_id = {demo_keys[0]}\nsecret_access_key = {demo_keys[1]}\n"
        f"endpoint = {cloud.url}\nregion = RegionOne\nupload_cutoff = 5Mi\nchunk_size = 5Mi\n"
    )
    tree, back = tmp_path / "tree", tmp_path / "back"
    (tree / "sub dir").mkdir(parents=True)
    (tree / "big").write_bytes(BIG)
    (tree / "empty").write_bytes(b"")
    (tree / "sub dir" / "ü + %?.txt").write_text("small")

    # A bundle of certificates in the environment is none of our business here.
    environment = {name: value for name, value in os.environ.items() if "AWS_" not in name}

    def rclone(*words: str) -> str:
        argv = ["rclone", "--config", str(config), "--retries", "1", *words]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=120, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    place = f"{kind}:rclone-{kind}"
    rclone("sync", str(tree), place)
    rclone("check", "--download", str(tree), place)
    rclone("sync", place, str(back))
    assert (back / "big").read_bytes() == BIG
    assert (back / "sub dir" / "ü + %?.txt").read_text() == "small"
    rclone("purge", place)
    if kind == "swift":
        rclone("purge", f"{place}_segments")


def test_boto3(s3: Any, swift: Connection) -> None:
    s3.create_bucket(Bucket="bucket")
    put = s3.put_object(Bucket="bucket", Key="a//b ü", Body=b"hello", Metadata={"x": "y"})
    assert put["ETag"] == '"5d41402abc4b2a76b9719d911017c592"' and put["ChecksumCRC32"]
    got = s3.get_object(Bucket="bucket", Key="a//b ü", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"hello" and got["Metadata"] == {"x": "y"}
    assert s3.get_object(Bucket="bucket", Key="a//b ü", Range="bytes=1-2")["Body"].read() == b"el"
    # The same object by Swift's name.
    headers, content = swift.get_object("bucket", "a//b ü")
    assert content == b"hello" and headers["x-object-meta-x"] == "y"
    assert "aws-chunked" not in headers.get("content-encoding", "")
    for name in ("crc32c", "crc64nvme", "sha1", "sha256"):
        put = s3.put_object(Bucket="bucket", Key=name, Body=BIG, ChecksumAlgorithm=name.upper())
        assert put[f"Checksum{name.upper()}"]
    s3.copy_object(Bucket="bucket", Key="copy", CopySource="bucket/a//b ü")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket="bucket", PaginationConfig={"PageSize": 2}
    )
    names = [each["Key"] for page in pages for each in page["Contents"]]
    assert names == ["a//b ü", "copy", "crc32c", "crc64nvme", "sha1", "sha256"]
    assert s3.list_objects_v2(Bucket="bucket", StartAfter="")["StartAfter"] == ""
    folders = s3.list_objects(Bucket="bucket", Delimiter="/", MaxKeys=1)
    assert [each["Prefix"] for each in folders["CommonPrefixes"]] == ["a/"]
    assert folders["IsTruncated"] and folders["NextMarker"] == "a/"
    s3.put_object_tagging(
        Bucket="bucket", Key="copy", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]}
    )
    assert s3.get_object_tagging(Bucket="bucket", Key="copy")["TagSet"][0]["Value"] == "v"
    wish = {"Objects": [{"Key": name} for name in [*names, "none"]]}
    assert len(s3.delete_objects(Bucket="bucket", Delete=wish)["Deleted"]) == 7
    s3.delete_object(Bucket="bucket", Key="none")
    s3.delete_bucket(Bucket="bucket")


def test_multipart(s3: Any) -> None:
    s3.create_bucket(Bucket="parts")
    upload = s3.create_multipart_upload(Bucket="parts", Key="big", ContentType="text/x")["UploadId"]
    name = {"Bucket": "parts", "Key": "big", "UploadId": upload}
    parts = []
    for number, start in ((1, 0), (2, 6 * MIB)):
        body = BIG[start : start + 6 * MIB]
        etag = s3.upload_part(**name, PartNumber=number, Body=body)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    s3.upload_part(**name, PartNumber=3, Body=b"not wanted")
    assert [p["PartNumber"] for p in s3.list_parts(**name)["Parts"]] == [1, 2, 3]
    assert [u["Key"] for u in s3.list_multipart_uploads(Bucket="parts")["Uploads"]] == ["big"]
    with pytest.raises(ClientError) as caught:
        wish = {"Parts": parts[::-1]}
        s3.complete_multipart_upload(**name, MultipartUpload=wish)
    assert code(caught) == ("InvalidPartOrder", 400)
    done = s3.complete_multipart_upload(**name, MultipartUpload={"Parts": parts})
    assert done["ETag"].endswith('-2"')
    # Whoever did not hear the answer asks again.
    assert s3.complete_multipart_upload(**name, MultipartUpload={"Parts": parts}) is not None
    got = s3.get_object(Bucket="parts", Key="big")
    assert got["Body"].read() == BIG and got["ContentType"] == "text/x"
    part = s3.get_object(Bucket="parts", Key="big", Range=f"bytes={6 * MIB - 5}-{6 * MIB + 4}")
    assert part["Body"].read() == BIG[6 * MIB - 5 : 6 * MIB + 5]
    upload = s3.create_multipart_upload(Bucket="parts", Key="copied")["UploadId"]
    name = {"Bucket": "parts", "Key": "copied", "UploadId": upload}
    copied = s3.upload_part_copy(
        **name, PartNumber=1, CopySource="parts/big", CopySourceRange="bytes=5-9"
    )
    wish = {"Parts": [{"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]}]}
    s3.complete_multipart_upload(**name, MultipartUpload=wish)
    assert s3.get_object(Bucket="parts", Key="copied")["Body"].read() == BIG[5:10]
    upload = s3.create_multipart_upload(Bucket="parts", Key="dropped")["UploadId"]
    s3.abort_multipart_upload(Bucket="parts", Key="dropped", UploadId=upload)
    with pytest.raises(ClientError) as caught:
        s3.list_parts(Bucket="parts", Key="dropped", UploadId=upload)
    assert code(caught) == ("NoSuchUpload", 404)
    s3.delete_objects(Bucket="parts", Delete={"Objects": [{"Key": "big"}, {"Key": "copied"}]})
    s3.delete_bucket(Bucket="parts")


def test_a_copy_of_a_version(s3: Any) -> None:
    s3.create_bucket(Bucket="sources")
    wish = {"Bucket": "sources", "VersioningConfiguration": {"Status": "Enabled"}}
    s3.put_bucket_versioning(**wish)
    first = s3.put_object(Bucket="sources", Key="foo", Body=b"first")["VersionId"]
    source = {"Bucket": "sources", "Key": "foo", "VersionId": first}
    copied = s3.copy_object(Bucket="sources", Key="back", CopySource=source)
    assert copied["CopySourceVersionId"] == first != copied["VersionId"]
    with pytest.raises(ClientError) as caught:
        s3.list_object_versions(Bucket="sources", VersionIdMarker=first)
    assert code(caught) == ("InvalidArgument", 400)
    s3.delete_object(Bucket="sources", Key="foo", VersionId=first)
    s3.delete_object(Bucket="sources", Key="back", VersionId=copied["VersionId"])
    s3.delete_bucket(Bucket="sources")


def test_versions(s3: Any) -> None:
    s3.create_bucket(Bucket="versions")
    put, get = (getattr(s3, name) for name in ("put_object", "get_object"))
    name = {"Bucket": "versions", "Key": "foo"}
    put(**name, Body=b"null")
    assert "Status" not in s3.get_bucket_versioning(Bucket="versions")
    wish = {"Bucket": "versions", "VersioningConfiguration": {"Status": "Enabled"}}
    s3.put_bucket_versioning(**wish)
    first = put(**name, Body=b"first")["VersionId"]
    second = put(**name, Body=b"second")["VersionId"]
    put(Bucket="versions", Key="foo-bar", Body=b"no neighbour")
    assert get(**name)["Body"].read() == b"second"
    assert get(**name, VersionId=first)["Body"].read() == b"first"
    assert get(**name, VersionId="null")["Body"].read() == b"null"
    gone = s3.delete_object(**name)
    assert gone["DeleteMarker"] and gone["VersionId"]
    with pytest.raises(ClientError) as caught:
        get(**name)
    assert code(caught) == ("NoSuchKey", 404)
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-delete-marker"] == "true"
    listed = [each["Key"] for each in s3.list_objects_v2(Bucket="versions")["Contents"]]
    assert listed == ["foo-bar"]
    found = []
    for page in s3.get_paginator("list_object_versions").paginate(
        Bucket="versions", PaginationConfig={"PageSize": 2}
    ):
        for each in [*page.get("DeleteMarkers", []), *page.get("Versions", [])]:
            found.append((each["Key"], each["VersionId"], each["IsLatest"]))
    assert len(found) == 5
    assert set(found) >= {
        ("foo", gone["VersionId"], True),
        ("foo", second, False),
        ("foo", first, False),
        ("foo", "null", False),
    }
    # Without the marker the version before it is current again.
    s3.delete_object(**name, VersionId=gone["VersionId"])
    assert get(**name)["Body"].read() == b"second"
    s3.delete_object(**name, VersionId=second)
    assert get(**name)["Body"].read() == b"first"
    s3.copy_object(
        Bucket="versions",
        Key="back",
        CopySource={"Bucket": "versions", "Key": "foo", "VersionId": "null"},
    )
    assert get(Bucket="versions", Key="back")["Body"].read() == b"null"
    wish["VersioningConfiguration"] = {"Status": "Suspended"}
    s3.put_bucket_versioning(**wish)
    assert "VersionId" not in put(**name, Body=b"null again")
    assert get(**name, VersionId=first)["Body"].read() == b"first"
    assert get(**name, VersionId="null")["Body"].read() == b"null again"
    with pytest.raises(ClientError) as caught:
        s3.delete_bucket(Bucket="versions")
    assert code(caught) == ("BucketNotEmpty", 409)
    folders = s3.list_object_versions(Bucket="versions", Delimiter="-")
    assert [each["Prefix"] for each in folders["CommonPrefixes"]] == ["foo-"]
    page = s3.list_object_versions(Bucket="versions")
    objects = [
        {"Key": each["Key"], "VersionId": each["VersionId"]}
        for each in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
    ]
    s3.delete_objects(Bucket="versions", Delete={"Objects": objects})
    s3.delete_bucket(Bucket="versions")


def test_symlinks(swift: Connection) -> None:
    swift.put_container("links")
    etag = swift.put_object("links", "target", b"hello", headers={"X-Object-Meta-A": "b"})
    swift.put_object("links", "link", b"", headers={"X-Symlink-Target": "links/target"})
    headers, content = swift.get_object("links", "link")
    assert content == b"hello" and headers["x-object-meta-a"] == "b"
    assert headers["content-location"].endswith("/links/target")
    link = swift.head_object("links", "link", query_string="symlink=get")
    assert link["x-symlink-target"] == "links/target" and link["content-length"] == "0"
    fixed = {"X-Symlink-Target": "links/target", "X-Symlink-Target-Etag": etag}
    swift.put_object("links", "fixed", b"", headers=fixed)
    swift.copy_object("links", "link", "/links/copy")
    swift.put_object("links", "target", b"changed")
    assert swift.get_object("links", "link")[1] == b"changed"
    assert swift.get_object("links", "copy")[1] == b"hello"
    loop = [("a", "links/b"), ("b", "links/a"), ("none", "links/nothing")]
    for name, target in loop:
        swift.put_object("links", name, b"", headers={"X-Symlink-Target": target})
    for name, status in (("fixed", 409), ("a", 409), ("none", 404)):
        with pytest.raises(ClientException) as caught:
            swift.get_object("links", name)
        assert caught.value.http_status == status
    with pytest.raises(ClientException) as caught:
        swift.put_object("links", "full", b"x", headers={"X-Symlink-Target": "links/target"})
    assert caught.value.http_status == 400
    for each in swift.get_container("links")[1]:
        swift.delete_object("links", each["name"])
    swift.delete_container("links")


def test_archived_versions(swift: Connection) -> None:
    swift.put_container("older")
    for kind in ("Versions", "History"):
        swift.put_container("live", {f"X-{kind}-Location": "older"})
        for content in (b"one", b"two", b"three"):
            swift.put_object("live", "x", content)
        names = [each["name"] for each in swift.get_container("older")[1]]
        assert len(names) == 2 and all(name.startswith("001x/") for name in names)
        swift.delete_object("live", "x")
        if kind == "Versions":
            assert swift.get_object("live", "x")[1] == b"two"
            swift.delete_object("live", "x")
            assert swift.get_object("live", "x")[1] == b"one"
            swift.delete_object("live", "x")
            assert swift.get_container("older")[1] == []
        else:
            with pytest.raises(ClientException):
                swift.get_object("live", "x")
            assert len(swift.get_container("older")[1]) == 4
        swift.delete_container("live")
    for each in swift.get_container("older")[1]:
        swift.delete_object("older", each["name"])
    swift.delete_container("older")
    assert swift.head_account()["x-account-bytes-used"] == "0"


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_presigned(cloud: ServedCloud, demo_keys: tuple[str, str], version: str) -> None:
    s3 = client(cloud, demo_keys, signature_version=version, s3={"addressing_style": "path"})
    s3.create_bucket(Bucket="presigned")
    name = {"Bucket": "presigned", "Key": "a b"}
    url = s3.generate_presigned_url("put_object", Params=name)
    request = urllib.request.Request(url, b"hello", method="PUT", headers={"Content-Type": ""})
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    with urllib.request.urlopen(s3.generate_presigned_url("get_object", Params=name)) as answer:
        assert answer.read() == b"hello"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(s3.generate_presigned_url("get_object", Params=name) + "x")
    assert caught.value.code == 403
    # However it is written: what was signed is what is done.
    url = s3.generate_presigned_url("delete_object_tagging", Params=name)
    again = urllib.request.Request(url.replace("?tagging", "?%74agging"), method="DELETE")
    assert again.full_url != url
    with urllib.request.urlopen(again) as answer:
        assert answer.status == 204
    assert s3.get_object(**name)["Body"].read() == b"hello"
    s3.delete_object(**name)
    s3.delete_bucket(Bucket="presigned")


def test_refusals(cloud: ServedCloud, s3: Any, demo_keys: tuple[str, str]) -> None:
    s3.create_bucket(Bucket="refusals")
    for work, wanted in (
        (lambda: s3.get_object(Bucket="refusals", Key="x"), ("NoSuchKey", 404)),
        (lambda: s3.list_objects_v2(Bucket="none"), ("NoSuchBucket", 404)),
        (lambda: s3.create_bucket(Bucket="refusals"), ("BucketAlreadyOwnedByYou", 409)),
        (lambda: s3.create_bucket(Bucket="Under_Score"), ("InvalidBucketName", 400)),
        (lambda: s3.get_bucket_cors(Bucket="refusals"), ("NoSuchCORSConfiguration", 404)),
        (
            lambda: s3.put_object(Bucket="refusals", Key="x", Body=b"", ContentMD5="A" * 22 + "=="),
            ("BadDigest", 400),
        ),
        (
            lambda: s3.put_object(Bucket="refusals", Key="x", Body=b"", IfMatch='"x"'),
            ("NoSuchKey", 404),
        ),
    ):
        with pytest.raises(ClientError) as caught:
            work()
        assert code(caught) == wanted
    for pair, wanted in (
        ((demo_keys[0], "wrong"), "SignatureDoesNotMatch"),
        (("nobody", demo_keys[1]), "InvalidAccessKeyId"),
    ):
        with pytest.raises(ClientError) as caught:
            client(cloud, pair).list_buckets()
        assert code(caught) == (wanted, 403)
    # Another project's keys see another project's buckets.
    other = client(cloud, keys(cloud, "admin"), f"{cloud.url}/s3")
    assert other.list_buckets()["Buckets"] == []
    with pytest.raises(ClientError) as caught:
        other.get_object(Bucket="refusals", Key="x")
    assert code(caught) == ("NoSuchBucket", 404)
    s3.delete_bucket(Bucket="refusals")


def test_archives(swift: Connection) -> None:
    swift.put_container("archive")
    url, token = swift.get_auth()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in (("./a/ü", b"hello"), ("big", BIG), ("x//up", b"x")):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)

    def put(body: bytes, kind: str) -> Any:
        request = urllib.request.Request(
            f"{url}/archive/in?extract-archive={kind}",
            body,
            {"X-Auth-Token": token, "Accept": "application/json", "Content-Type": ""},
            method="PUT",
        )
        return json.load(urllib.request.urlopen(request))

    told = put(packed.getvalue(), "tar.gz")
    assert told["Response Status"] == "201 Created" and told["Number Files Created"] == 3
    names = [each["name"] for each in swift.get_container("archive")[1]]
    assert names == ["in/a/ü", "in/big", "in/x//up"]
    assert swift.get_object("archive", "in/big")[1] == BIG
    assert put(packed.getvalue()[:5000], "tar.gz")["Response Status"] == "400 Bad Request"
    assert put(b"junk" * 1000, "tar.bz2")["Response Status"] == "400 Bad Request"
    for each in swift.get_container("archive")[1]:
        swift.delete_object("archive", each["name"])
    swift.delete_container("archive")


def test_web_site(swift: Connection) -> None:
    settings = {"X-Container-Read": ".r:*,.rlistings", "X-Container-Meta-Web-Index": "index.html"}
    listings = {"X-Container-Meta-Web-Listings": "true", "X-Container-Meta-Web-Error": ".html"}
    swift.put_container("site", {**settings, **listings})
    swift.put_object("site", "index.html", b"<p>hello", content_type="text/html")
    swift.put_object("site", "sub/<b>&", b"x")
    swift.put_object("site", "404.html", b"nothing here")
    url = f"{swift.get_auth()[0]}/site"

    def get(path: str) -> tuple[int, str, bytes]:
        try:
            with urllib.request.urlopen(url + path) as answer:
                return answer.status, answer.geturl(), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, "", error.read()

    assert get("") == (200, f"{url}/", b"<p>hello")
    status, place, page = get("/sub")
    assert status == 200 and place == f"{url}/sub/" and b"&lt;b&gt;&amp;</a>" in page
    assert get("/none")[::2] == (404, b"nothing here")
    for name in ("index.html", "sub/<b>&", "404.html"):
        swift.delete_object("site", name)
    swift.delete_container("site")


def test_form(swift: Connection) -> None:
    swift.post_account({"X-Account-Meta-Temp-URL-Key": "secret"})
    swift.put_container("form")
    url = swift.get_auth()[0]
    end = int(time.time()) + 60
    path = urlsplit(url).path.removeprefix("/object-store") + "/form/in-"
    text = f"{path}\n\n{2 * MIB}\n2\n{end}"
    signature = hmac.new(b"secret", text.encode(), "sha256").hexdigest()

    def post(signature: str, files: dict[str, bytes], expires: int = end) -> int:
        fields = {
            "redirect": "",
            "max_file_size": str(2 * MIB),
            "max_file_count": "2",
            "expires": str(expires),
            "signature": signature,
        }
        lines = [
            f'--mark\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode()
            for k, v in fields.items()
        ]
        for name, content in files.items():
            head = f'--mark\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n'
            lines += [f"{head}Content-Type: text/x\r\n\r\n".encode(), content, b"\r\n"]
        headers = {"Content-Type": "multipart/form-data; boundary=mark"}
        request = urllib.request.Request(
            f"{url}/form/in-", b"".join([*lines, b"--mark--\r\n"]), headers, method="POST"
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    files = {"one": b"hello\r\n--mar", "two": BIG[:MIB]}
    assert post(signature, files) == 201
    assert swift.get_object("form", "in-one")[1] == files["one"]
    headers, content = swift.get_object("form", "in-two")
    assert content == files["two"] and headers["content-type"] == "text/x"
    assert post(signature, {**files, "three": b""}) == 400
    assert post(signature, {"large": BIG[: 3 * MIB]}) == 413
    assert post("0" * 64, files) == 401
    assert post(signature, files, 1) == 401
    for each in swift.get_container("form")[1]:
        swift.delete_object("form", each["name"])
    swift.delete_container("form")


def test_a_cut_body_leaves_nothing(cloud: ServedCloud, swift: Connection) -> None:
    swift.put_container("cut")
    url, token = swift.get_auth()
    parts = urlsplit(f"{url}/cut/half")
    with contextlib.closing(socket.create_connection((parts.hostname, parts.port))) as raw:
        head = f"PUT {parts.path} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token}\r\n"
        raw.sendall(f"{head}Content-Length: {4 * MIB}\r\n\r\n".encode() + BIG[: 2 * MIB])
    folder = cloud.data / "objects" / "d1"
    end = time.monotonic() + 10
    while any(folder.glob("*/.new-*")):
        assert time.monotonic() < end, "the cut upload's file stays"
        time.sleep(0.05)
    assert swift.get_container("cut")[1] == []
    swift.delete_container("cut")


@contextlib.contextmanager
def s3_refuses(wanted: str) -> Iterator[None]:
    with pytest.raises(ClientError) as caught:
        yield
    assert code(caught)[0] == wanted


def empty_bucket(s3: Any, name: str, *, forced: bool = False) -> None:
    page = s3.list_object_versions(Bucket=name)
    more = {"BypassGovernanceRetention": True} if forced else {}
    for each in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
        s3.delete_object(Bucket=name, Key=each["Key"], VersionId=each["VersionId"], **more)
    s3.delete_bucket(Bucket=name)


def test_settings_of_buckets(s3: Any) -> None:
    name = {"Bucket": "settings"}
    s3.create_bucket(**name)
    tags = {"TagSet": [{"Key": "a", "Value": "b & c"}]}
    s3.put_bucket_tagging(**name, Tagging=tags)
    assert s3.get_bucket_tagging(**name)["TagSet"] == tags["TagSet"]
    rules = [
        {
            "ID": "logs",
            "Status": "Enabled",
            "Filter": {"And": {"Prefix": "logs/", "Tags": [{"Key": "k", "Value": "v"}]}},
            "Expiration": {"Days": 3},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 2, "NewerNoncurrentVersions": 1},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        },
        {"ID": "old", "Status": "Disabled", "Prefix": "", "Expiration": {"Days": 1}},
    ]
    s3.put_bucket_lifecycle_configuration(**name, LifecycleConfiguration={"Rules": rules})
    assert s3.get_bucket_lifecycle_configuration(**name)["Rules"] == rules
    moving = {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}}
    moving["Transitions"] = [{"Days": 1, "StorageClass": "GLACIER"}]
    with s3_refuses("NotImplemented"):
        s3.put_bucket_lifecycle_configuration(**name, LifecycleConfiguration={"Rules": [moving]})
    cors = [
        {
            "AllowedOrigins": ["https://*.example.org"],
            "AllowedMethods": ["GET", "PUT"],
            "AllowedHeaders": ["x-amz-*", "content-type"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 60,
        }
    ]
    s3.put_bucket_cors(**name, CORSConfiguration={"CORSRules": cors})
    assert s3.get_bucket_cors(**name)["CORSRules"] == cors
    for setting in ("tagging", "lifecycle", "cors"):
        getattr(s3, f"delete_bucket_{setting}")(**name)
        assert getattr(s3, f"delete_bucket_{setting}")(**name)
    for look, code_ in (
        ("get_bucket_tagging", "NoSuchTagSet"),
        ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
        ("get_bucket_cors", "NoSuchCORSConfiguration"),
        ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError"),
    ):
        with s3_refuses(code_):
            getattr(s3, look)(**name)
    with s3_refuses("NotImplemented"):
        s3.put_bucket_encryption(
            **name,
            ServerSideEncryptionConfiguration={
                "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
            },
        )
    s3.delete_bucket(**name)


def test_scripts_of_other_sites(s3: Any, cloud: ServedCloud) -> None:
    name = {"Bucket": "sites"}
    s3.create_bucket(**name)
    cors = [
        {"AllowedOrigins": ["https://a.org"], "AllowedMethods": ["GET"], "AllowedHeaders": ["*"]}
    ]
    s3.put_bucket_cors(**name, CORSConfiguration={"CORSRules": cors})
    s3.put_object(**name, Key="k", Body=b"x")
    parts = urlsplit(s3.generate_presigned_url("get_object", {**name, "Key": "k"}))

    def ask(method: str, origin: str, wanted: str = "GET") -> http.client.HTTPResponse:
        asked = http.client.HTTPConnection(parts.netloc, timeout=20)
        headers = {"Origin": origin, "Access-Control-Request-Method": wanted}
        asked.request(method, f"{parts.path}?{parts.query}", headers=headers)
        return asked.getresponse()

    assert (
        ask("OPTIONS", "https://a.org").getheader("Access-Control-Allow-Origin") == "https://a.org"
    )
    assert ask("OPTIONS", "https://b.org").status == 403
    assert ask("OPTIONS", "https://a.org", "PUT").status == 403
    assert ask("GET", "https://a.org").getheader("Access-Control-Allow-Origin") == "https://a.org"
    assert ask("GET", "https://b.org").getheader("Access-Control-Allow-Origin") is None
    s3.delete_object(**name, Key="k")
    gone = ask("GET", "https://a.org")
    assert (gone.status, gone.getheader("Access-Control-Allow-Origin")) == (404, "https://a.org")
    s3.delete_bucket(**name)


def test_locked_objects_stay(s3: Any, swift: Connection) -> None:
    name = {"Bucket": "locked"}
    s3.create_bucket(**name, ObjectLockEnabledForBucket=True)
    assert s3.get_bucket_versioning(**name)["Status"] == "Enabled"
    with s3_refuses("InvalidBucketState"):
        s3.put_bucket_versioning(**name, VersioningConfiguration={"Status": "Suspended"})
    with pytest.raises(ClientException):
        swift.post_container("locked", {"X-Versions-Enabled": "false"})
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    put = {**name, "Body": b"x"}
    governed = s3.put_object(
        **put, Key="g", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=soon
    )["VersionId"]
    held = s3.put_object(**put, Key="h", ObjectLockLegalHoldStatus="ON")["VersionId"]
    shown = s3.head_object(**name, Key="g")
    assert (shown["ObjectLockMode"], shown["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", soon)
    # The name can be deleted, what is locked cannot.
    s3.delete_object(**name, Key="g")
    for key, version in (("g", governed), ("h", held)):
        with s3_refuses("AccessDenied"):
            s3.delete_object(**name, Key=key, VersionId=version)
        with pytest.raises(ClientException):
            swift.delete_object("locked", key, query_string=f"version-id={version}")
    where = {**name, "Key": "g", "VersionId": governed}
    with s3_refuses("AccessDenied"):
        s3.put_object_retention(
            **where,
            Retention={"Mode": "GOVERNANCE", "RetainUntilDate": soon - timedelta(minutes=9)},
        )
    later = {"Mode": "GOVERNANCE", "RetainUntilDate": soon + timedelta(minutes=9)}
    s3.put_object_retention(**where, Retention=later)
    assert s3.get_object_retention(**where)["Retention"] == later
    s3.delete_object(**where, BypassGovernanceRetention=True)
    on = {**name, "Key": "h", "VersionId": held}
    assert s3.get_object_legal_hold(**on)["LegalHold"]["Status"] == "ON"
    s3.put_object_legal_hold(**on, LegalHold={"Status": "OFF"})
    empty_bucket(s3, "locked", forced=True)


def test_buckets_lock_what_comes(s3: Any) -> None:
    name = {"Bucket": "locking"}
    put = {**name, "Body": b"x"}
    s3.create_bucket(**name, ObjectLockEnabledForBucket=True)
    held = s3.put_object(**put, Key="h", ObjectLockLegalHoldStatus="ON")["VersionId"]
    on = {**name, "Key": "h", "VersionId": held}
    # A copy is not locked, unless the bucket says so.
    copied = s3.copy_object(**name, Key="copy", CopySource={"Bucket": "locking", "Key": "h"})
    s3.delete_object(**name, Key="copy", VersionId=copied["VersionId"])
    s3.put_object_legal_hold(**on, LegalHold={"Status": "OFF"})
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Years": 1}}
    wanted = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(**name, ObjectLockConfiguration=wanted)
    assert s3.get_object_lock_configuration(**name)["ObjectLockConfiguration"] == wanted
    kept = s3.put_object(**put, Key="c")["VersionId"]
    assert s3.head_object(**name, Key="c")["ObjectLockMode"] == "GOVERNANCE"
    s3.delete_object(**name, Key="c", VersionId=kept, BypassGovernanceRetention=True)
    until = datetime.now(UTC) + timedelta(seconds=3)
    kept = s3.put_object(
        **put, Key="c", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until
    )["VersionId"]
    with s3_refuses("AccessDenied"):
        s3.delete_object(**name, Key="c", VersionId=kept, BypassGovernanceRetention=True)
    with s3_refuses("BucketNotEmpty"):
        s3.delete_bucket(**name)
    end = time.monotonic() + 20
    while True:
        assert time.monotonic() < end
        with contextlib.suppress(ClientError):
            s3.delete_object(**name, Key="c", VersionId=kept)
            break
        time.sleep(0.2)
    empty_bucket(s3, "locking")
    plain = {"Bucket": "plain"}
    s3.create_bucket(**plain)
    with s3_refuses("InvalidRequest"):
        s3.put_object(**plain, Key="k", Body=b"x", ObjectLockLegalHoldStatus="ON")
    with s3_refuses("InvalidBucketState"):
        s3.put_object_lock_configuration(**plain, ObjectLockConfiguration=wanted)
    s3.delete_bucket(**plain)


def test_parts_by_number(s3: Any) -> None:
    name = {"Bucket": "numbers", "Key": "k"}
    s3.create_bucket(Bucket="numbers")
    upload = s3.create_multipart_upload(**name)["UploadId"]
    bodies = [b"a" * 5 * MIB, b"b" * 100]
    parts = [
        {
            "PartNumber": n,
            "ETag": s3.upload_part(**name, UploadId=upload, PartNumber=n, Body=body)["ETag"],
        }
        for n, body in enumerate(bodies, 1)
    ]
    s3.complete_multipart_upload(**name, UploadId=upload, MultipartUpload={"Parts": parts})
    second = s3.get_object(**name, PartNumber=2)
    assert second["Body"].read() == bodies[1]
    assert (second["PartsCount"], second["ContentLength"]) == (2, 100)
    assert second["ContentRange"] == f"bytes {5 * MIB}-{5 * MIB + 99}/{5 * MIB + 100}"
    assert s3.head_object(**name, PartNumber=1)["ContentLength"] == 5 * MIB
    with s3_refuses("InvalidPart"):
        s3.get_object(**name, PartNumber=3)
    s3.put_object(**name, Body=b"whole")
    alone = s3.get_object(**name, PartNumber=1)
    assert alone["Body"].read() == b"whole" and "PartsCount" not in alone
    with s3_refuses("InvalidPart"):
        s3.get_object(**name, PartNumber=2)
    s3.delete_object(**name)
    s3.delete_bucket(Bucket="numbers")


def test_curl_and_expectation(cloud: ServedCloud, swift: Connection, tmp_path: Path) -> None:
    swift.put_container("curl")
    url, token = swift.get_auth()
    (tmp_path / "big").write_bytes(BIG)
    argv = ["curl", "-sf", "-T", "big", "-H", f"X-Auth-Token: {token}", f"{url}/curl/"]
    subprocess.run(argv, cwd=tmp_path, check=True, timeout=60)
    parts = urlsplit(url)
    asked = http.client.HTTPConnection(parts.netloc, timeout=20)
    asked.request("GET", f"{parts.path}/curl/big", headers={"X-Auth-Token": token})
    assert asked.getresponse().read() == BIG
    asked.close()
    swift.delete_object("curl", "big")
    swift.delete_container("curl")
    # The reconciler takes the bytes of all that these tests have removed.
    end = time.monotonic() + 20
    while left := [
        path
        for path in (cloud.data / "objects").rglob("*")
        if path.is_file() and path.name != "cumulo-device"
    ]:
        assert time.monotonic() < end, left
        time.sleep(0.1)
