"""The object store and people who mean it ill: what is checked before work, what a signature is
good for, and what counts."""

import gzip
import hmac
import io
import json
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.client import Config
from botocore.exceptions import ClientError
from swiftclient import Connection, http_connection

from tests.end_to_end.test_object_store import code, keys
from tests.support.served import ServedCloud, served_cloud

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with served_cloud(tmp_path_factory.mktemp("bounds") / "data") as found:
        yield found


@pytest.fixture(scope="module")
def swift(cloud: ServedCloud) -> Connection:
    return Connection(session=cloud.session("demo"))


@pytest.fixture(scope="module")
def s3(cloud: ServedCloud) -> Any:
    access, secret = keys(cloud, "demo")
    return boto3.client(
        "s3",
        endpoint_url=f"{cloud.url}/s3",
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        region_name="RegionOne",
        config=Config(retries={"max_attempts": 1}),
    )


def ask(
    method: str, url: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    request = urllib.request.Request(url, body or None, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def used(swift: Connection) -> int:
    return int(swift.head_account()["x-account-bytes-used"])


def test_an_archive_of_nobody_is_not_taken(cloud: ServedCloud, swift: Connection) -> None:
    url = swift.get_auth()[0]
    swift.put_container("closed")
    kept = list((cloud.data).rglob(".new-*"))
    for place in ("/closed", "/closed/in", "/none", ""):
        status, _ = ask("PUT", f"{url}{place}?extract-archive=tar", b"x" * MIB)
        assert status == 401, place
    project = cloud.session("admin").get_project_id()
    strange = url.replace(url.rpartition("_")[2], project)
    mine = {"X-Auth-Token": swift.get_auth()[1]}
    assert ask("PUT", f"{strange}/c?extract-archive=tar", b"x" * MIB, mine)[0] == 403
    assert list((cloud.data).rglob(".new-*")) == kept
    swift.delete_container("closed")


def test_an_archive_whose_answer_nobody_could_read_is_not_taken(
    cloud: ServedCloud, swift: Connection
) -> None:
    url, token = swift.get_auth()
    swift.put_container("unread")
    kept = sorted((cloud.data / "objects").rglob("*"))
    headers = {"X-Auth-Token": token, "Accept": "image/png"}
    status, _ = ask("PUT", f"{url}/unread?extract-archive=tar", b"x" * MIB, headers)
    assert status == 406
    assert sorted((cloud.data / "objects").rglob("*")) == kept
    swift.delete_container("unread")


def chain(kind: bytes, claims: int, times: int) -> bytes:
    """Headers of long names that claim so many bytes each."""
    found = b""
    for _ in range(times):
        entry = tarfile.TarInfo("././@LongLink")
        entry.type, entry.size = kind, claims
        found += entry.tobuf(tarfile.GNU_FORMAT) + bytes(min(claims, 1024 * 512))
    return found


@pytest.mark.parametrize(
    "body",
    [
        chain(tarfile.GNUTYPE_LONGNAME, 8 * 1024**3, 1),
        chain(tarfile.XHDTYPE, 2**33, 1),
        chain(tarfile.GNUTYPE_LONGNAME, 512, 3000),
        chain(tarfile.GNUTYPE_LONGNAME, 512 * 1024, 10),
    ],
    ids=["a long name", "pax", "a chain", "many long ones"],
)
def test_what_an_archive_claims_is_bounded(swift: Connection, body: bytes) -> None:
    url, token = swift.get_auth()
    swift.put_container("bombs")
    headers = {"X-Auth-Token": token, "Accept": "application/json", "Content-Type": ""}
    packed = gzip.compress(body)
    status, told = ask("PUT", f"{url}/bombs?extract-archive=tar.gz", packed, headers)
    assert status == 200 and json.loads(told)["Response Status"] == "400 Bad Request"
    assert swift.get_container("bombs")[1] == []
    swift.delete_container("bombs")


def test_sparse_files_are_left_out(swift: Connection) -> None:
    """Their size is a word: a few bytes of archive would become gigabytes of zeros."""
    url, token = swift.get_auth()
    swift.put_container("sparse")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        entry = tarfile.TarInfo("huge")
        entry.pax_headers = {
            "GNU.sparse.major": "0",
            "GNU.sparse.minor": "1",
            "GNU.sparse.size": str(2**32),
            "GNU.sparse.map": "0,1",
        }
        entry.size = 1
        archive.addfile(entry, io.BytesIO(b"x"))
        plain = tarfile.TarInfo("plain")
        plain.size = 1
        archive.addfile(plain, io.BytesIO(b"y"))
    headers = {"X-Auth-Token": token, "Accept": "application/json", "Content-Type": ""}
    status, told = ask("PUT", f"{url}/sparse?extract-archive=tar", packed.getvalue(), headers)
    assert status == 200 and json.loads(told)["Number Files Created"] == 1
    assert [each["name"] for each in swift.get_container("sparse")[1]] == ["plain"]
    swift.delete_object("sparse", "plain")
    swift.delete_container("sparse")


def test_what_is_not_here_is_never_the_object_itself(s3: Any) -> None:
    s3.create_bucket(Bucket="absent")
    s3.put_object(Bucket="absent", Key="k", Body=b"as it was")
    of = {"Bucket": "absent", "Key": "k"}
    for work in (
        lambda: s3.restore_object(**of, RestoreRequest={"Days": 1}),
        lambda: s3.get_object_torrent(**of),
        lambda: s3.delete_bucket_inventory_configuration(Bucket="absent", Id="x"),
        lambda: s3.delete_bucket_analytics_configuration(Bucket="absent", Id="x"),
        lambda: s3.list_bucket_metrics_configurations(Bucket="absent"),
    ):
        with pytest.raises(ClientError) as caught:
            work()
        assert code(caught) == ("NotImplemented", 501)
    assert s3.get_object(**of)["Body"].read() == b"as it was"
    assert s3.list_multipart_uploads(Bucket="absent").get("Uploads", []) == []
    s3.delete_object(**of)
    s3.delete_bucket(Bucket="absent")


def test_parts_count_while_they_wait(swift: Connection, s3: Any) -> None:
    before = used(swift)
    s3.create_bucket(Bucket="parts")
    swift.post_container("parts", {"X-Container-Meta-Quota-Bytes": str(12 * MIB)})
    upload = s3.create_multipart_upload(Bucket="parts", Key="k")["UploadId"]
    of = {"Bucket": "parts", "Key": "k", "UploadId": upload}
    part = b"p" * (5 * MIB)
    etags = [s3.upload_part(**of, PartNumber=n, Body=part)["ETag"] for n in (1, 2)]
    assert used(swift) - before == 10 * MIB
    with pytest.raises(ClientError) as caught:
        s3.upload_part(**of, PartNumber=3, Body=part)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 413)
    s3.upload_part(**of, PartNumber=2, Body=b"q" * MIB)
    assert used(swift) - before == 6 * MIB
    s3.abort_multipart_upload(**of)
    assert used(swift) == before
    of["UploadId"] = s3.create_multipart_upload(Bucket="parts", Key="k")["UploadId"]
    etags = [s3.upload_part(**of, PartNumber=n, Body=part)["ETag"] for n in (1, 2)]
    parts = [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(etags, 1)]
    s3.complete_multipart_upload(**of, MultipartUpload={"Parts": parts})
    assert used(swift) - before == 10 * MIB
    assert int(swift.head_container("parts")["x-container-bytes-used"]) == 10 * MIB
    left = s3.create_multipart_upload(Bucket="parts", Key="left")["UploadId"]
    s3.upload_part(Bucket="parts", Key="left", UploadId=left, PartNumber=1, Body=b"x" * MIB)
    s3.delete_object(Bucket="parts", Key="k")
    swift.delete_container("parts")
    assert used(swift) == before


def test_segments_count_once(swift: Connection) -> None:
    before = used(swift)
    quota = {"X-Container-Meta-Quota-Bytes": str(3 * MIB)}
    swift.put_container("large", quota)
    for name in ("a", "b"):
        swift.put_object("large", name, b"s" * MIB)
    lines = json.dumps([{"path": f"/large/{name}"} for name in ("a", "b")])
    swift.put_object("large", "whole", lines, query_string="multipart-manifest=put")
    assert swift.head_object("large", "whole")["content-length"] == str(2 * MIB)
    # The manifest is kept with what was found of each segment.
    assert len(lines) <= used(swift) - before - 2 * MIB < 1000
    # Manifests of manifests: at some point there is no such number.
    url, token = swift.get_auth()
    last, status = "whole", 201
    for depth in range(6):
        body = json.dumps([{"path": f"/large/{last}"}] * 1000).encode()
        last = f"n{depth}"
        where = f"{url}/large/{last}?multipart-manifest=put"
        status, _ = ask("PUT", where, body, {"X-Auth-Token": token, "Content-Type": ""})
        if status != 201:
            break
    assert status == 413
    assert used(swift) - before < 3 * MIB
    for each in swift.get_container("large")[1]:
        swift.delete_object("large", each["name"])
    swift.delete_container("large")
    assert used(swift) == before


def test_a_tag_is_no_symlink(swift: Connection, s3: Any) -> None:
    s3.create_bucket(Bucket="tags")
    s3.put_object(Bucket="tags", Key="k", Body=b"x", Tagging="symlink=symlink")
    assert [each["name"] for each in swift.get_container("tags")[1]] == ["k"]
    s3.delete_object(Bucket="tags", Key="k")
    s3.delete_bucket(Bucket="tags")


def test_a_url_for_one_object_is_for_one_object(swift: Connection) -> None:
    swift.post_account({"X-Account-Meta-Temp-URL-Key": "secret"})
    swift.put_container("one")
    swift.put_object("one", "private", b"private")
    url = swift.get_auth()[0]
    end = int(time.time()) + 60
    path = urlsplit(url).path.removeprefix("/object-store") + "/one/o"
    signature = hmac.new(b"secret", f"PUT\n{end}\n{path}".encode(), "sha256").hexdigest()
    signed = f"{url}/one/o?temp_url_sig={signature}&temp_url_expires={end}"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("x"))
    manifest = json.dumps([{"path": "/one/private"}]).encode()
    plain = {"Content-Type": ""}
    assert ask("PUT", f"{signed}&extract-archive=tar", packed.getvalue(), plain)[0] == 400
    assert ask("PUT", f"{signed}&multipart-manifest=put", manifest, plain)[0] == 400
    assert ask("PUT", signed, headers={**plain, "X-Copy-From": "/one/private"})[0] == 400
    assert [each["name"] for each in swift.get_container("one")[1]] == ["private"]
    assert ask("PUT", signed, b"mine", plain)[0] == 201
    for name in ("o", "private"):
        swift.delete_object("one", name)
    swift.delete_container("one")


def test_a_form_is_as_it_was_signed(swift: Connection, s3: Any) -> None:
    swift.post_account({"X-Account-Meta-Temp-URL-Key": "secret"})
    swift.put_container("forms")
    url = swift.get_auth()[0]
    end = int(time.time()) + 60
    path = urlsplit(url).path.removeprefix("/object-store") + "/forms/in-"
    signature = hmac.new(b"secret", f"{path}\n\n5\n1\n{end}".encode(), "sha256").hexdigest()
    signed = {"max_file_size": "5", "max_file_count": "1", "expires": end, "signature": signature}

    def field(name: str, value: object) -> bytes:
        head = f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        return head.encode() + str(value).encode() + b"\r\n"

    def file(name: str, content: bytes) -> bytes:
        head = f'--b\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n\r\n'
        return head.encode() + content + b"\r\n"

    body = b"".join(field(*each) for each in signed.items()) + file("one", b"small")
    body += field("max_file_size", MIB) + field("max_file_count", 100)
    body += field("redirect", "http://elsewhere.example/")
    body += file("two", b"x" * 1000) + b"--b--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    assert ask("POST", f"{url}/forms/in-", body, kind)[0] == 400
    assert [each["name"] for each in swift.get_container("forms")[1]] == ["in-one"]
    # What a policy denies, a form does not give.
    place = {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::forms/in-*"}
    denied = {"Statement": {"Effect": "Deny", "Principal": "*", **place}}
    s3.put_bucket_policy(Bucket="forms", Policy=json.dumps(denied))
    assert ask("POST", f"{url}/forms/in-", body.replace(b"small", b"other"), kind)[0] == 401
    assert swift.get_object("forms", "in-one")[1] == b"small"
    s3.delete_bucket_policy(Bucket="forms")
    swift.delete_object("forms", "in-one")
    swift.delete_container("forms")


def test_who_may_write_a_container_deletes_many_in_it(
    cloud: ServedCloud, swift: Connection
) -> None:
    admin = cloud.session("admin")
    swift.put_container("ours", {"X-Container-Write": f"{admin.get_project_id()}:*"})
    swift.put_container("mine")
    for container in ("ours", "mine"):
        swift.put_object(container, "o", b"x")
    member = {"X-Auth-Token": restricted(cloud), "Accept": "application/json"}
    url = swift.get_auth()[0]
    status, told = ask("POST", f"{url}?bulk-delete", b"/ours/o\n/mine/o\n", member)
    found = json.loads(told)
    assert (status, found["Number Deleted"]) == (200, 1)
    assert found["Errors"] == [["/mine/o", "403 Forbidden"]]
    assert ask("POST", f"{url}?bulk-delete", b"/ours/o\n")[0] == 401
    swift.delete_object("mine", "o")
    for container in ("ours", "mine"):
        swift.delete_container(container)


def restricted(cloud: ServedCloud) -> str:
    """A token of a member of another project, who is no operator of this one."""
    admin = cloud.session("admin")
    v3 = cloud.auth_url
    project = admin.get_project_id()
    made = admin.post(
        f"{v3}/users", json={"user": {"name": "elsewhere", "password": "Passw0rd!x"}}
    ).json()["user"]["id"]
    roles = admin.get(f"{v3}/roles?name=member").json()["roles"]
    admin.put(f"{v3}/projects/{project}/users/{made}/roles/{roles[0]['id']}")
    body = {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {"user": {"id": made, "password": "Passw0rd!x"}},
            },
            "scope": {"project": {"id": project}},
        }
    }
    request = urllib.request.Request(
        f"{v3}/auth/tokens", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return str(answer.headers["X-Subject-Token"])


def test_attributes_of_objects(s3: Any) -> None:
    s3.create_bucket(Bucket="attributes")
    of = {"Bucket": "attributes", "Key": "k"}
    wanted = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    s3.put_object(**of, Body=b"hello", ChecksumAlgorithm="SHA256")
    found = s3.get_object_attributes(**of, ObjectAttributes=wanted)
    assert (found["ETag"], found["ObjectSize"]) == ("5d41402abc4b2a76b9719d911017c592", 5)
    assert found["StorageClass"] == "STANDARD" and "ObjectParts" not in found
    assert found["Checksum"]["ChecksumSHA256"].startswith("LPJNul")
    upload = s3.create_multipart_upload(**of, ChecksumAlgorithm="CRC32")["UploadId"]
    parts = []
    for n, body in ((1, b"x" * 5 * 1024**2), (2, b"end")):
        more = {"UploadId": upload, "PartNumber": n, "ChecksumAlgorithm": "CRC32"}
        made = s3.upload_part(**of, **more, Body=body)
        parts.append(
            {"PartNumber": n, "ETag": made["ETag"], "ChecksumCRC32": made["ChecksumCRC32"]}
        )
    s3.complete_multipart_upload(**of, UploadId=upload, MultipartUpload={"Parts": parts})
    found = s3.get_object_attributes(**of, ObjectAttributes=wanted, MaxParts=1)["ObjectParts"]
    assert (found["TotalPartsCount"], found["IsTruncated"]) == (2, True)
    assert [(each["PartNumber"], each["Size"]) for each in found["Parts"]] == [(1, 5 * 1024**2)]
    with pytest.raises(ClientError) as caught:
        s3.get_object_attributes(Bucket="attributes", Key="none", ObjectAttributes=["ETag"])
    assert code(caught) == ("NoSuchKey", 404)


def test_uploads_are_listed_by_folders(s3: Any) -> None:
    s3.create_bucket(Bucket="folders")
    keys = ["a", "b/1", "b/2", "c d/\u00e9", "z"]
    for key in keys:
        s3.create_multipart_upload(Bucket="folders", Key=key)
    page: dict[str, Any] = {"Bucket": "folders", "Delimiter": "/", "MaxUploads": 2}
    found: list[str] = []
    while True:
        listed = s3.list_multipart_uploads(**page)
        found += [each["Key"] for each in listed.get("Uploads", [])]
        found += [each["Prefix"] for each in listed.get("CommonPrefixes", [])]
        if not listed["IsTruncated"]:
            break
        page["KeyMarker"] = listed["NextKeyMarker"]
        page["UploadIdMarker"] = listed.get("NextUploadIdMarker", "")
    assert sorted(found) == ["a", "b/", "c d/", "z"]
    inside = s3.list_multipart_uploads(Bucket="folders", Prefix="c d/", EncodingType="url")
    assert [each["Key"] for each in inside["Uploads"]] == ["c%20d/%C3%A9"]


def test_what_is_to_match_and_is_not_there(s3: Any) -> None:
    s3.create_bucket(Bucket="matching")
    of = {"Bucket": "matching", "Key": "k", "Body": b"x"}
    with pytest.raises(ClientError) as caught:
        s3.put_object(**of, IfMatch='"d41d8cd98f00b204e9800998ecf8427e"')
    assert code(caught) == ("NoSuchKey", 404)
    s3.put_object(**of)
    with pytest.raises(ClientError) as caught:
        s3.put_object(**of, IfMatch='"d41d8cd98f00b204e9800998ecf8427e"')
    assert code(caught) == ("PreconditionFailed", 412)


def test_a_manifest_with_a_heartbeat(swift: Connection) -> None:
    swift.put_container("beats")
    swift.put_object("beats", "1", b"one")
    for path, status in (("/beats/1", "201 Created"), ("/beats/none", "400 Bad Request")):
        told: dict[str, Any] = {}
        manifest = json.dumps([{"path": path}])
        query = "multipart-manifest=put&heartbeat=on"
        url, token = swift.get_auth()
        connection = http_connection(url)
        connection[1].request(
            "PUT", f"{connection[0].path}/beats/o?{query}", manifest, {"X-Auth-Token": token}
        )
        answer = connection[1].getresponse()
        told["body"] = answer.read()
        assert answer.status == 202
        assert f"Response Status: {status}".encode() in told["body"]
    assert swift.get_object("beats", "o")[1] == b"one"


def test_older_manifests_by_prefix_are_not_kept(swift: Connection) -> None:
    swift.put_container("kept-older")
    swift.put_container("kept-now", {"X-Versions-Location": "kept-older"})
    swift.put_object("kept-now", "o", b"", headers={"X-Object-Manifest": "kept-now/p"})
    swift.put_object("kept-now", "o", b"first")
    assert swift.get_container("kept-older")[1] == []
    swift.put_object("kept-now", "o", b"second")
    assert len(swift.get_container("kept-older")[1]) == 1
