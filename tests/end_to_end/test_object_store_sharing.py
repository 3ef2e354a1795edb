"""Buckets that others may see: lists of grants, policies, and who is kept out, with boto3."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from swiftclient import Connection
from swiftclient.exceptions import ClientException

from tests.end_to_end.test_object_store import client, code, keys
from tests.support.served import ServedCloud, served_cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with served_cloud(tmp_path_factory.mktemp("sharing") / "data") as found:
        yield found


@pytest.fixture(scope="module")
def project(cloud: ServedCloud) -> str:
    return str(cloud.session("demo").get_project_id())


@pytest.fixture(scope="module")
def mine(cloud: ServedCloud) -> Any:
    return client(cloud, keys(cloud, "demo"))


@pytest.fixture(scope="module")
def theirs(cloud: ServedCloud, project: str) -> Any:
    """Another project's, at ours."""
    return client(cloud, keys(cloud, "admin"), f"{cloud.url}/s3-projects/{project}")


def fetched(cloud: ServedCloud, project: str, path: str) -> tuple[int, bytes]:
    """By nobody."""
    try:
        url = f"{cloud.url}/s3-projects/{project}/{path}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def refused(work: Any) -> str:
    with pytest.raises(ClientError) as caught:
        work()
    name, status = code(caught)
    assert 400 <= status < 500
    return name


def test_an_object_is_for_everybody_and_its_bucket_is_not(
    cloud: ServedCloud, project: str, mine: Any, theirs: Any
) -> None:
    mine.create_bucket(Bucket="pictures")
    of = {"Bucket": "pictures"}
    mine.put_object(**of, Key="a", Body=b"for all", ACL="public-read")
    mine.put_object(**of, Key="b", Body=b"for us")
    assert fetched(cloud, project, "pictures/a") == (200, b"for all")
    assert fetched(cloud, project, "pictures/b")[0] == 403
    assert fetched(cloud, project, "pictures")[0] == 403
    assert fetched(cloud, project, "nothing/a")[0] == 403
    assert theirs.get_object(**of, Key="a")["Body"].read() == b"for all"
    assert refused(lambda: theirs.get_object(**of, Key="b")) == "AccessDenied"
    assert refused(lambda: theirs.list_objects_v2(**of)) == "AccessDenied"
    assert refused(lambda: theirs.get_object_acl(**of, Key="a")) == "AccessDenied"
    shown = mine.get_object_acl(**of, Key="a")["Grants"]
    assert {"URI": "http://acs.amazonaws.com/groups/global/AllUsers", "Type": "Group"} in [
        each["Grantee"] for each in shown
    ]
    mine.put_object_acl(**of, Key="a", ACL="private")
    assert fetched(cloud, project, "pictures/a")[0] == 403
    # A copy is nobody's but its owner's; parts become what was said at their beginning.
    mine.put_object_acl(**of, Key="a", ACL="authenticated-read")
    assert theirs.get_object(**of, Key="a")["Body"].read() == b"for all"
    assert fetched(cloud, project, "pictures/a")[0] == 403
    mine.copy_object(**of, Key="c", CopySource="pictures/a")
    assert refused(lambda: theirs.head_object(**of, Key="c")) == "403"
    upload = mine.create_multipart_upload(**of, Key="m", ACL="public-read")["UploadId"]
    part = mine.upload_part(**of, Key="m", UploadId=upload, PartNumber=1, Body=b"parts")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    mine.complete_multipart_upload(**of, Key="m", UploadId=upload, MultipartUpload=parts)
    assert fetched(cloud, project, "pictures/m") == (200, b"parts")


def test_grants_of_a_bucket(cloud: ServedCloud, project: str, mine: Any, theirs: Any) -> None:
    admin = cloud.session("admin")
    id = admin.get_user_id()
    mine.create_bucket(Bucket="drop", GrantWrite=f'id="{id}"')
    of = {"Bucket": "drop"}
    theirs.put_object(**of, Key="in", Body=b"from them", ACL="bucket-owner-full-control")
    assert mine.get_object(**of, Key="in")["Body"].read() == b"from them"
    assert refused(lambda: theirs.get_object(**of, Key="in")) == "AccessDenied"
    # Who may write may not say who reads.
    public = {**of, "Key": "in", "Body": b"x", "ACL": "public-read"}
    assert refused(lambda: theirs.put_object(**public)) == "AccessDenied"
    assert (
        refused(lambda: theirs.put_object_acl(**of, Key="in", ACL="public-read")) == "AccessDenied"
    )
    assert refused(lambda: theirs.put_bucket_acl(**of, ACL="public-read")) == "AccessDenied"
    grants = mine.get_bucket_acl(**of)["Grants"]
    assert [(g["Grantee"]["ID"], g["Permission"]) for g in grants][1:] == [(id, "WRITE")]
    # Both faces tell the same, and Swift's may change it.
    swift = Connection(session=cloud.session("demo"))
    assert f"*:{id}" in swift.head_container("drop")["x-container-write"]
    swift.post_container("drop", {"X-Container-Write": ""})
    assert refused(lambda: theirs.put_object(**of, Key="no", Body=b"x")) == "AccessDenied"
    assert len(mine.get_bucket_acl(**of)["Grants"]) == 1
    mine.put_bucket_acl(**of, ACL="public-read-write")
    request = urllib.request.Request(
        f"{cloud.url}/s3-projects/{project}/drop/anon", data=b"hello", method="PUT"
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200
    assert fetched(cloud, project, "drop/anon") == (200, b"hello")
    blocks = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    mine.put_public_access_block(**of, PublicAccessBlockConfiguration=blocks)
    assert mine.get_public_access_block(**of)["PublicAccessBlockConfiguration"] == blocks
    assert fetched(cloud, project, "drop/anon")[0] == 403
    assert refused(lambda: mine.put_bucket_acl(**of, ACL="public-read")) == "AccessDenied"
    mine.put_bucket_acl(**of, ACL="private")
    mine.delete_public_access_block(**of)
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    mine.put_bucket_ownership_controls(**of, OwnershipControls=rules)
    assert mine.get_bucket_ownership_controls(**of)["OwnershipControls"] == rules
    wanted = "AccessControlListNotSupported"
    assert refused(lambda: mine.put_bucket_acl(**of, ACL="public-read")) == wanted


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def test_a_policy_gives_and_takes(cloud: ServedCloud, project: str, mine: Any, theirs: Any) -> None:
    mine.create_bucket(Bucket="shared")
    of = {"Bucket": "shared"}
    assert refused(lambda: mine.get_bucket_policy(**of)) == "NoSuchBucketPolicy"
    for key in ("open/a", "closed/a"):
        mine.put_object(**of, Key=key, Body=key.encode())
    other = str(cloud.session("admin").get_project_id())
    text = policy(
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::shared/open/*",
            "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
        },
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{other}:root"},
            "Action": ["s3:ListBucket", "s3:PutObject"],
            "Resource": ["arn:aws:s3:::shared", "arn:aws:s3:::shared/open/*"],
        },
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:DeleteObject",
            "Resource": "arn:aws:s3:::shared/*",
        },
    )
    mine.put_bucket_policy(**of, Policy=text)
    assert json.loads(mine.get_bucket_policy(**of)["Policy"]) == json.loads(text)
    assert mine.get_bucket_policy_status(**of)["PolicyStatus"]["IsPublic"] is False
    assert fetched(cloud, project, "shared/open/a") == (200, b"open/a")
    assert fetched(cloud, project, "shared/closed/a")[0] == 403
    assert theirs.list_objects_v2(**of)["KeyCount"] == 2
    theirs.put_object(**of, Key="open/b", Body=b"theirs")
    assert refused(lambda: theirs.put_object(**of, Key="closed/b", Body=b"x")) == "AccessDenied"
    assert refused(lambda: theirs.delete_object(**of, Key="open/b")) == "AccessDenied"
    assert refused(lambda: theirs.put_bucket_policy(**of, Policy=text)) == "AccessDenied"
    assert refused(lambda: theirs.get_bucket_policy(**of)) == "AccessDenied"
    # What is denied is denied to the owner, too, by either face and in a list of many.
    assert refused(lambda: mine.delete_object(**of, Key="open/a")) == "AccessDenied"
    many = mine.delete_objects(**of, Delete={"Objects": [{"Key": "open/a"}]})
    assert [each["Code"] for each in many["Errors"]] == ["AccessDenied"]
    swift = Connection(session=cloud.session("demo"))
    with pytest.raises(ClientException) as caught:
        swift.delete_object("shared", "open/a")
    assert caught.value.http_status == 403
    # But it cannot keep its owner from another policy.
    locked = policy(
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"},
    )
    mine.put_bucket_policy(**of, Policy=locked)
    assert refused(lambda: mine.list_objects_v2(**of)) == "AccessDenied"
    assert refused(lambda: mine.delete_bucket(**of)) == "AccessDenied"
    mine.delete_bucket_policy(**of)
    assert mine.list_objects_v2(**of)["KeyCount"] == 3
    broken = policy({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "x"})
    assert refused(lambda: mine.put_bucket_policy(**of, Policy=broken)) == "MalformedPolicy"
    blocks = {"BlockPublicPolicy": True}
    mine.put_public_access_block(**of, PublicAccessBlockConfiguration=blocks)
    public = policy(
        {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::shared/*"}
    )
    assert refused(lambda: mine.put_bucket_policy(**of, Policy=public)) == "AccessDenied"
