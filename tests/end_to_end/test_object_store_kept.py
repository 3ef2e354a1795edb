"""What the object store keeps, and what it lets go of: locks, versions, quotas, conditions, bytes
that no row has. With stock clients of both faces."""

import contextlib
import datetime
import time
import urllib.error
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.client import Config
from botocore.exceptions import ClientError
from swiftclient import ClientException, Connection

from tests.end_to_end.test_object_store import code, keys
from tests.support.served import ServedCloud, served_cloud

MIB = 1024 * 1024
DAYS = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 30}}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with served_cloud(tmp_path_factory.mktemp("kept") / "data") as found:
        yield found


@pytest.fixture(scope="module")
def swift(cloud: ServedCloud) -> Connection:
    return Connection(session=cloud.session("demo"), retries=0)


def client(cloud: ServedCloud, **more: Any) -> Any:
    access, secret = keys(cloud, "demo")
    return boto3.client(
        "s3",
        endpoint_url=f"{cloud.url}/s3",
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        region_name="RegionOne",
        config=Config(retries={"max_attempts": 1}, **more),
    )


@pytest.fixture(scope="module")
def s3(cloud: ServedCloud) -> Any:
    return client(cloud)


def blobs(cloud: ServedCloud) -> set[str]:
    return {path.name for path in (cloud.data / "objects").rglob("*") if len(path.name) == 32}


def locked(s3: Any, bucket: str) -> None:
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    rule = {"ObjectLockEnabled": "Enabled", "Rule": DAYS}
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=rule)


def upload(s3: Any, bucket: str, key: str, body: bytes, **more: Any) -> Any:
    wish = {"Bucket": bucket, "Key": key}
    id = s3.create_multipart_upload(**wish, **more)["UploadId"]
    part = s3.upload_part(**wish, UploadId=id, PartNumber=1, Body=body)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    return id, parts


def test_a_buckets_rule_is_of_each_version_however_it_came(s3: Any, swift: Connection) -> None:
    locked(s3, "worm")
    s3.put_object(Bucket="worm", Key="whole", Body=b"x")
    id, parts = upload(s3, "worm", "parts", b"x" * MIB)
    s3.complete_multipart_upload(Bucket="worm", Key="parts", UploadId=id, MultipartUpload=parts)
    swift.put_object("worm", "swift", b"x")
    for key in ("whole", "parts", "swift"):
        head = s3.head_object(Bucket="worm", Key=key)
        assert head["ObjectLockMode"] == "COMPLIANCE", key
        with pytest.raises(ClientError) as refused:
            s3.delete_object(Bucket="worm", Key=key, VersionId=head["VersionId"])
        assert code(refused)[0] == "AccessDenied"
    # And where there is none, a lock is not taken for one.
    s3.create_bucket(Bucket="free")
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
    with pytest.raises(ClientError) as refused:
        s3.create_multipart_upload(
            Bucket="free", Key="k", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until
        )
    assert code(refused)[0] == "InvalidRequest"


def test_what_is_locked_does_not_go_with_its_container(s3: Any, swift: Connection) -> None:
    """It expires, and its container is deleted before anybody has looked."""
    locked(s3, "vault")
    version = s3.put_object(Bucket="vault", Key="k", Body=b"kept")["VersionId"]
    swift.post_object("vault", "k", {"X-Delete-After": "1"})
    time.sleep(1.2)
    with pytest.raises(ClientException) as refused:
        swift.delete_container("vault")
    assert refused.value.http_status == 409
    # Where it is over it is an older version, once somebody has looked.
    for _ in range(100):
        with contextlib.suppress(ClientError):
            found = s3.get_object(Bucket="vault", Key="k", VersionId=version)
            break
        time.sleep(0.1)
    assert found["Body"].read() == b"kept"
    # A name that looks like an older version's of elsewhere is no way out.
    s3.put_object(Bucket="vault", Key="003foo/1", Body=b"kept")
    swift.put_container("thief", {"X-Versions-Location": "vault"})
    swift.put_object("thief", "foo", b"")
    swift.delete_object("thief", "foo")
    assert s3.get_object(Bucket="vault", Key="003foo/1")["Body"].read() == b"kept"


def test_a_write_that_cannot_be_leaves_no_bytes(
    cloud: ServedCloud, s3: Any, swift: Connection
) -> None:
    """Versions on, off and on again, by both faces: the name has one version without a name."""
    s3.create_bucket(Bucket="null")
    wish = {"Bucket": "null", "Key": "k"}
    s3.put_object(**wish, Body=b"1")

    def turn(status: str) -> None:
        s3.put_bucket_versioning(Bucket="null", VersioningConfiguration={"Status": status})

    turn("Enabled")
    s3.put_object(**wish, Body=b"2")
    turn("Suspended")
    swift.put_object("null", "k", b"3")
    turn("Enabled")
    s3.put_object(**wish, Body=b"4")
    found = s3.list_object_versions(Bucket="null")["Versions"]
    assert [each["VersionId"] for each in found].count("null") == 1
    # A refusal at the very end: the condition held when the bytes began to come, not then.
    there = blobs(cloud)
    for _ in range(3):
        with pytest.raises(ClientError):
            s3.put_object(**wish, Body=b"x" * MIB, IfMatch='"nothing"')
    assert blobs(cloud) == there


def test_older_versions_elsewhere_count(swift: Connection) -> None:
    swift.put_container("old")
    swift.put_container(
        "now", {"X-Versions-Location": "old", "X-Container-Meta-Quota-Bytes": str(3 * MIB)}
    )
    swift.put_object("now", "k", b"x" * MIB)
    swift.put_object("now", "k", b"x" * MIB)
    swift.post_container("old", {"X-Container-Meta-Quota-Bytes": str(3 * MIB // 2)})
    with pytest.raises(ClientException) as refused:
        swift.put_object("now", "k", b"x" * MIB)
    assert refused.value.http_status == 413
    assert len(swift.get_container("old")[1]) == 1
    swift.post_container("old", {"X-Container-Meta-Quota-Bytes": ""})
    url_account = int(swift.head_account()["x-account-bytes-used"])
    swift.post_account({"X-Account-Meta-Note": "x"})
    assert url_account >= 2 * MIB


def test_a_completion_speaks_of_the_object(cloud: ServedCloud) -> None:
    s3 = client(cloud, request_checksum_calculation="when_required")
    s3.create_bucket(Bucket="sums")
    wish = {"Bucket": "sums", "Key": "k"}
    more = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}
    id = s3.create_multipart_upload(**wish, **more)["UploadId"]
    part = s3.upload_part(
        **wish, UploadId=id, PartNumber=1, Body=b"hello", ChecksumAlgorithm="CRC32"
    )
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    done = {**wish, "UploadId": id, "MultipartUpload": parts, "ChecksumType": "FULL_OBJECT"}
    for wrong, said in (
        ({"ChecksumCRC32": "AAAAAA=="}, "BadDigest"),
        ({"MpuObjectSize": 4}, "InvalidRequest"),
    ):
        with pytest.raises(ClientError) as refused:
            s3.complete_multipart_upload(**done, **wrong)
        assert code(refused)[0] == said
    made = s3.complete_multipart_upload(
        **done, ChecksumCRC32=part["ChecksumCRC32"], MpuObjectSize=5
    )
    assert made["ChecksumCRC32"] == part["ChecksumCRC32"]


def test_a_bucket_of_versions_is_emptied_page_by_page(s3: Any) -> None:
    """The marker of the next page is of a version that was just deleted."""
    s3.create_bucket(Bucket="many")
    s3.put_object(Bucket="many", Key="k", Body=b"before versions")
    s3.put_bucket_versioning(Bucket="many", VersioningConfiguration={"Status": "Enabled"})
    for number in range(7):
        s3.put_object(Bucket="many", Key="k", Body=str(number).encode())
    marker: dict[str, str] = {}
    for _ in range(20):
        page = s3.list_object_versions(Bucket="many", MaxKeys=2, **marker)
        wanted = [
            {"Key": each["Key"], "VersionId": each["VersionId"]}
            for each in page.get("Versions", [])
        ]
        if wanted:
            s3.delete_objects(Bucket="many", Delete={"Objects": wanted})
        if not page["IsTruncated"]:
            break
        marker = {
            "KeyMarker": page["NextKeyMarker"],
            "VersionIdMarker": page["NextVersionIdMarker"],
        }
    assert "Versions" not in s3.list_object_versions(Bucket="many")
    s3.delete_bucket(Bucket="many")


def test_deletions_hold_to_their_conditions(s3: Any) -> None:
    s3.create_bucket(Bucket="ifs")
    tag = s3.put_object(Bucket="ifs", Key="k", Body=b"1")["ETag"]
    for etag in ('"old"', '"d41d8cd98f00b204e9800998ecf8427e"'):
        with pytest.raises(ClientError) as refused:
            s3.delete_object(Bucket="ifs", Key="k", IfMatch=etag)
        assert code(refused)[0] == "PreconditionFailed"
    with pytest.raises(ClientError) as refused:
        s3.delete_object(Bucket="ifs", Key="none", IfMatch="*")
    assert code(refused)[0] == "PreconditionFailed"
    wanted = [{"Key": "k", "ETag": '"old"'}, {"Key": "k", "VersionId": "nonsense"}]
    told = s3.delete_objects(Bucket="ifs", Delete={"Objects": wanted})
    assert [each["Code"] for each in told["Errors"]] == ["PreconditionFailed", "NoSuchVersion"]
    with pytest.raises(ClientError) as refused:
        s3.delete_object(Bucket="ifs", Key="k", VersionId="nonsense")
    assert code(refused)[0] == "InvalidArgument"
    s3.delete_object(Bucket="ifs", Key="k", IfMatch=tag)
    assert s3.list_objects_v2(Bucket="ifs")["KeyCount"] == 0


def test_a_url_of_version_2_is_good_for_what_it_signs(cloud: ServedCloud, s3: Any) -> None:
    locked(s3, "bent")
    old = client(cloud, signature_version="s3")
    url = old.generate_presigned_url("put_object", {"Bucket": "bent", "Key": "k"})
    until = "<RetainUntilDate>2090-01-01T00:00:00Z</RetainUntilDate>"
    body = f"<Retention><Mode>COMPLIANCE</Mode>{until}</Retention>".encode()
    s3.put_object(Bucket="bent", Key="k", Body=b"1")
    for more in ("&retention", "&legal-hold"):
        request = urllib.request.Request(url + more, body, method="PUT")
        request.add_header("Content-Type", "")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        assert refused.value.code == 403
    head = s3.head_object(Bucket="bent", Key="k")
    assert head["ObjectLockRetainUntilDate"].year < 2080


def test_a_copy_has_its_writers_own_list(s3: Any, swift: Connection) -> None:
    s3.create_bucket(Bucket="public")
    s3.create_bucket(Bucket="private")
    s3.put_object(Bucket="public", Key="pic", Body=b"1", ACL="public-read")
    swift.copy_object("public", "pic", "/private/pic")
    grants = s3.get_object_acl(Bucket="private", Key="pic")["Grants"]
    assert [each["Permission"] for each in grants] == ["FULL_CONTROL"]


def test_names_that_no_list_can_hold(cloud: ServedCloud, swift: Connection, s3: Any) -> None:
    s3.create_bucket(Bucket="odd")
    s3.put_object(Bucket="odd", Key="a\ufffeb", Body=b"")
    s3.put_object(Bucket="odd", Key="a\x01b", Body=b"")
    session = cloud.session("demo")
    url = swift.get_auth()[0]
    for path in ("/odd?format=xml", "?format=xml"):
        ET.fromstring(session.get(f"{url}{path}").text)
    keys_ = [each["Key"] for each in s3.list_objects_v2(Bucket="odd")["Contents"]]
    assert len(keys_) == 2
