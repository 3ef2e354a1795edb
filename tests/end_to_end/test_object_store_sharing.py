"""Buckets that others may see: lists of grants, policies, and who is kept out, with boto3."""

import io
import json
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin

import pytest
from botocore.exceptions import ClientError
from keystoneauth1.identity import v3
from keystoneauth1.session import Session
from swiftclient import Connection
from swiftclient.exceptions import ClientException

from cumulo.object_store.model.sync import Realm, header
from tests.end_to_end.test_object_store import client, code, keys
from tests.support.ports import free_port
from tests.support.served import ServedCloud, served_cloud


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    port = free_port()
    realm = f"""
[object_store]
sync_interval = 0.2
encrypt = true
sync_current = "realm1/name1"
[object_store.sync_realms.realm1]
key = "between us"
clusters = {{name1 = "http://127.0.0.1:{port}/object-store/v1/"}}
"""
    folder = tmp_path_factory.mktemp("sharing")
    with served_cloud(folder / "data", port=port, settings=realm) as found:
        yield found


@pytest.fixture(scope="module")
def project(cloud: ServedCloud) -> str:
    return str(cloud.session("demo").get_project_id())


@pytest.fixture(scope="module")
def mine(cloud: ServedCloud) -> Any:
    return client(cloud, keys(cloud, "demo"))


@pytest.fixture(scope="module")
def swift(cloud: ServedCloud) -> Connection:
    return Connection(session=cloud.session("demo"))


@pytest.fixture(scope="module")
def theirs(cloud: ServedCloud, project: str) -> Any:
    """Another project's, at ours."""
    return client(cloud, keys(cloud, "admin"), f"{cloud.url}/s3-projects/{project}")


def fetched(cloud: ServedCloud, project: str, path: str) -> tuple[int, bytes]:
    """By nobody."""
    try:
        url = urljoin(f"{cloud.url}/s3-projects/", f"{project}/{path}")
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def refused(work: Any, wanted: int | None = None) -> str:
    with pytest.raises(ClientError) as caught:
        work()
    name, status = code(caught)
    assert 400 <= status < 500 if wanted is None else status == wanted
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
    # What Swift's face shows of it, it takes away: for everybody, and who could change the list.
    assert swift.head_container("drop")["x-container-write"] == ".r:*"
    swift.post_container("drop", {"X-Container-Read": "", "X-Container-Write": ""})
    with pytest.raises(urllib.error.HTTPError) as nobody:
        urllib.request.urlopen(request, timeout=20)
    assert nobody.value.code == 403
    mine.put_bucket_acl(**of, GrantFullControl=f'id="{id}"')
    assert len(theirs.get_bucket_acl(**of)["Grants"]) == 2
    swift.post_container("drop", {"X-Container-Read": "", "X-Container-Write": ""})
    assert refused(lambda: theirs.get_bucket_acl(**of)) == "AccessDenied"
    assert refused(lambda: theirs.put_bucket_acl(**of, ACL="public-read")) == "AccessDenied"


def test_what_is_for_everybody_can_be_blocked(
    cloud: ServedCloud, project: str, mine: Any, swift: Connection
) -> None:
    of = {"Bucket": "blocked"}
    mine.create_bucket(**of, ACL="public-read")
    mine.put_object(**of, Key="anon", Body=b"hello")
    assert fetched(cloud, project, "blocked/anon") == (200, b"hello")
    blocks = dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    mine.put_public_access_block(**of, PublicAccessBlockConfiguration=blocks)
    assert mine.get_public_access_block(**of)["PublicAccessBlockConfiguration"] == blocks
    assert fetched(cloud, project, "blocked/anon")[0] == 403
    assert refused(lambda: mine.put_bucket_acl(**of, ACL="public-read")) == "AccessDenied"
    mine.put_bucket_acl(**of, ACL="private")
    for public in ({"X-Container-Read": ".r:*"}, {"X-Container-Write": "*:*"}):
        with pytest.raises(ClientException) as caught:
            swift.post_container("blocked", public)
        assert caught.value.http_status == 403
    mine.delete_public_access_block(**of)
    mine.put_object(**of, Key="seen", Body=b"x", ACL="public-read")
    assert fetched(cloud, project, "blocked/seen") == (200, b"x")
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    mine.put_bucket_ownership_controls(**of, OwnershipControls=rules)
    assert mine.get_bucket_ownership_controls(**of)["OwnershipControls"] == rules
    assert fetched(cloud, project, "blocked/seen")[0] == 403
    wanted = "AccessControlListNotSupported"
    enforced = {"Bucket": "owned", "ObjectOwnership": "BucketOwnerEnforced", "ACL": "public-read"}
    assert refused(lambda: mine.create_bucket(**enforced)) == wanted
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
    # A list's prefix is the one that it has; and a form is signed, and no more.
    narrow = json.loads(text)["Statement"]
    narrow[0] |= {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::shared"}
    narrow[0]["Condition"] = {"StringLike": {"s3:prefix": "open/*"}}
    mine.put_bucket_policy(**of, Policy=policy(narrow[0]))
    lists = f"../object-store/v1/AUTH_{project}"
    assert fetched(cloud, lists, "shared?prefix=open/")[0] == 200
    assert fetched(cloud, lists, "shared?prefix=open/&path=closed")[0] == 401
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


def test_lists_are_about_current_objects(
    cloud: ServedCloud, project: str, mine: Any, theirs: Any, swift: Connection
) -> None:
    """Versions and locks are the owner's, and those' whom a policy names exactly that."""
    of = {"Bucket": "kept"}
    mine.create_bucket(**of, ObjectLockEnabledForBucket=True)
    swift.post_container(
        "kept", {"X-Container-Read": ".r:*,.rlistings", "X-Container-Write": "*:*"}
    )
    old = mine.put_object(**of, Key="k", Body=b"secret")["VersionId"]
    one = {**of, "Key": "k", "VersionId": old}
    until = datetime.now(UTC) + timedelta(days=1)
    mine.put_object_retention(**one, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until})
    theirs.put_object(**of, Key="k", Body=b"public")
    theirs.delete_object(**of, Key="k")
    theirs.put_object(**of, Key="k", Body=b"public")
    assert fetched(cloud, project, "kept/k") == (200, b"public")
    assert fetched(cloud, project, f"kept/k?versionId={old}")[0] == 403
    assert fetched(cloud, project, "kept?versions")[0] == 403
    assert fetched(cloud, f"../object-store/v1/AUTH_{project}", "kept?versions")[0] == 401
    assert fetched(cloud, f"../object-store/v1/AUTH_{project}", "kept")[0] == 200
    retention = {"Mode": "COMPLIANCE", "RetainUntilDate": until + timedelta(days=9)}
    put = {**of, "Key": "mine", "Body": b"x"}
    for work in (
        lambda: theirs.get_object(**one),
        lambda: theirs.list_object_versions(**of),
        lambda: theirs.delete_object(**one),
        lambda: theirs.delete_object(**one, BypassGovernanceRetention=True),
        lambda: theirs.put_object_retention(**one, Retention=retention),
        lambda: theirs.put_object_legal_hold(**one, LegalHold={"Status": "ON"}),
        lambda: theirs.put_object(**put, ObjectLockLegalHoldStatus="ON"),
        lambda: theirs.create_multipart_upload(
            **of, Key="m", ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until
        ),
        lambda: theirs.copy_object(**of, Key="c", CopySource={"Bucket": "kept", **one}),
    ):
        assert refused(work) == "AccessDenied"
    versions = {"Objects": [{"Key": "k", "VersionId": old}]}
    other = str(cloud.session("admin").get_project_id())
    place = {"Principal": {"AWS": [other, project]}, "Resource": "arn:aws:s3:::kept/*"}
    allow, deny = ({"Effect": each, **place} for each in ("Allow", "Deny"))
    mine.put_bucket_policy(**of, Policy=policy({**allow, "Action": "s3:DeleteObject"}))
    found = theirs.delete_objects(**of, Delete=versions, BypassGovernanceRetention=True)
    assert [each["Code"] for each in found["Errors"]] == ["AccessDenied"]
    both = ["s3:GetObjectVersion", "s3:DeleteObjectVersion"]
    mine.put_bucket_policy(**of, Policy=policy({**allow, "Action": both}))
    assert theirs.get_object(**one)["Body"].read() == b"secret"
    # It is locked to all but the owner, and whom a policy lets go round.
    assert (
        refused(lambda: theirs.delete_object(**one, BypassGovernanceRetention=True))
        == "AccessDenied"
    )
    mine.put_bucket_policy(**of, Policy=policy({**deny, "Action": both}))
    copy = {**of, "Key": "c", "CopySource": {"Bucket": "kept", "Key": "k", "VersionId": old}}
    assert refused(lambda: mine.copy_object(**copy)) == "AccessDenied"
    found = mine.delete_objects(**of, Delete=versions, BypassGovernanceRetention=True)
    assert [each["Code"] for each in found["Errors"]] == ["AccessDenied"]
    mine.delete_bucket_policy(**of)
    mine.copy_object(**copy)
    found = mine.delete_objects(**of, Delete=versions, BypassGovernanceRetention=True)
    assert "Errors" not in found


def test_other_sites_may_ask_without_a_key(cloud: ServedCloud, project: str, mine: Any) -> None:
    mine.create_bucket(Bucket="site")
    rule = {"AllowedOrigins": ["https://own.example"], "AllowedMethods": ["GET"]}
    mine.put_bucket_cors(Bucket="site", CORSConfiguration={"CORSRules": [rule]})
    mine.put_object(Bucket="site", Key="o", Body=b"x", ACL="public-read")
    url = f"{cloud.url}/s3-projects/{project}/site/o"
    headers = {"Origin": "https://own.example", "Access-Control-Request-Method": "GET"}
    request = urllib.request.Request(url, headers=headers, method="OPTIONS")
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "https://own.example"
    request = urllib.request.Request(url, headers={"Origin": "https://own.example"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "https://own.example"
    headers["Origin"] = "https://other.example"
    with pytest.raises(urllib.error.HTTPError) as refused_:
        urllib.request.urlopen(urllib.request.Request(url, headers=headers, method="OPTIONS"))
    assert refused_.value.code == 403


def test_a_trust_sets_and_sees_no_keys(cloud: ServedCloud, project: str, swift: Connection) -> None:
    """They would outlive it."""
    demo, admin = cloud.session("demo"), cloud.session("admin")
    trust = {
        "trustor_user_id": demo.get_user_id(),
        "trustee_user_id": admin.get_user_id(),
        "project_id": project,
        "impersonation": True,
        "roles": [{"name": "member"}],
    }
    made = demo.post(f"{cloud.auth_url}/OS-TRUST/trusts", json={"trust": trust}).json()["trust"]
    lent = v3.Password(
        auth_url=cloud.auth_url,
        username="admin",
        password=cloud.password("admin"),
        user_domain_id="default",
        trust_id=made["id"],
    )
    trusted = Connection(session=Session(auth=lent))
    key = {"X-Account-Meta-Temp-URL-Key": "secret"}
    swift.post_account(key)
    swift.put_container("trusted", {"X-Container-Sync-Key": "ours"})
    assert swift.head_account()["x-account-meta-temp-url-key"] == "secret"
    assert "x-account-meta-temp-url-key" not in trusted.head_account()
    assert "x-container-sync-key" not in trusted.head_container("trusted")
    trusted.put_object("trusted", "o", b"as ever")
    trusted.post_account({"X-Account-Meta-Colour": "red"})
    for work in (
        lambda: trusted.post_account(key),
        lambda: trusted.put_container("other", {"X-Container-Meta-Temp-URL-Key": "x"}),
        lambda: trusted.post_container("trusted", {"X-Container-Sync-Key": "theirs"}),
    ):
        with pytest.raises(ClientException) as caught:
            work()
        assert caught.value.http_status == 403


def comes(work: Any, wanted: Any) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            found = work()
        except ClientException as error:
            found = error.http_status
        if found == wanted:
            return
        assert time.monotonic() < end, (found, wanted)
        time.sleep(0.1)


def test_containers_are_sent_on(cloud: ServedCloud, project: str) -> None:
    """Both ways between two projects: what is new, changed or gone; and to nobody without both
    keys."""
    here, there = (Connection(session=cloud.session(user)) for user in ("demo", "admin"))
    other = cloud.session("admin").get_project_id()
    here.put_container("left")
    there.put_container("right")
    here.put_object("left", "before", b"it was there")
    with pytest.raises(ClientException) as caught:
        here.post_container("left", {"X-Container-Sync-To": "http://127.0.0.1:1/v1/AUTH_x/c"})
    assert caught.value.http_status == 400
    with pytest.raises(ClientException) as caught:
        here.post_container("left", {"X-Container-Sync-To": f"//realm2/name1/AUTH_{other}/right"})
    assert caught.value.http_status == 400
    to_right = f"//realm1/name1/AUTH_{other}/right"
    here.post_container("left", {"X-Container-Sync-To": to_right})
    here.post_container("left", {"X-Container-Sync-Key": "ours"})
    shown = here.head_container("left")
    assert (shown["x-container-sync-to"], shown["x-container-sync-key"]) == (to_right, "ours")
    time.sleep(0.8)
    assert there.get_container("right")[1] == []
    there.post_container(
        "right",
        {
            "X-Container-Sync-To": f"//realm1/name1/AUTH_{project}/left",
            "X-Container-Sync-Key": "ours",
        },
    )
    named = {"X-Object-Meta-Colour": "gr\u00fcn", "Content-Type": "text/x-own"}
    here.put_object("left", "a b/\u00e9", b"x" * 3_000_000, headers=named)
    comes(lambda: there.get_object("right", "before")[1], b"it was there")
    comes(lambda: len(there.get_object("right", "a b/\u00e9")[1]), 3_000_000)
    sent = there.head_object("right", "a b/\u00e9")
    assert (sent["x-object-meta-colour"], sent["content-type"]) == ("gr\u00fcn", "text/x-own")
    assert sent["x-timestamp"] == here.head_object("left", "a b/\u00e9")["x-timestamp"]
    # Back, changed; then gone on both sides, and it stays so.
    there.put_object("right", "before", b"changed there")
    comes(lambda: here.get_object("left", "before")[1], b"changed there")
    here.post_object("left", "before", {"X-Object-Meta-A": "b"})
    comes(lambda: there.head_object("right", "before").get("x-object-meta-a"), "b")
    there.delete_object("right", "before")
    comes(lambda: here.get_object("left", "before")[1], 404)
    here.delete_object("left", "a b/\u00e9")
    comes(lambda: there.get_object("right", "a b/\u00e9")[1], 404)
    time.sleep(0.8)
    assert here.get_container("left")[1] == there.get_container("right")[1] == []
    for side, name in ((here, "left"), (there, "right")):
        side.post_container(name, {"X-Container-Sync-To": ""})
        assert "x-container-sync-to" not in side.head_container(name)


def test_large_objects_are_sent_on_and_forgers_are_not_heard(cloud: ServedCloud) -> None:
    """With their segments, if these have the owners' word, too."""
    here, there = (Connection(session=cloud.session(user)) for user in ("demo", "admin"))
    other = cloud.session("admin").get_project_id()
    for name in ("large", "parts"):
        there.put_container(name, {"X-Container-Sync-Key": "ours"})
        here.put_container(name, {"X-Container-Sync-Key": "ours"})
    here.put_object("parts", "1", b"one")
    manifest = json.dumps([{"path": "/parts/1"}])
    here.put_object("large", "o", manifest, query_string="multipart-manifest=put")
    here.post_container("large", {"X-Container-Sync-To": f"//realm1/name1/AUTH_{other}/large"})
    time.sleep(0.8)
    here.post_container("parts", {"X-Container-Sync-To": f"//realm1/name1/AUTH_{other}/parts"})
    comes(lambda: there.get_object("large", "o")[1], b"one")
    realms = there.get_capabilities()["container_sync"]["realms"]
    assert realms == {"REALM1": {"clusters": {"NAME1": {"current": True}}}}
    forged = {"X-Container-Sync-Auth": "realm1 nonce 0123", "X-Timestamp": "1.0"}
    request = urllib.request.Request(
        f"{cloud.url}/object-store/v1/AUTH_{other}/large/x", b"x", forged, method="PUT"
    )
    with pytest.raises(urllib.error.HTTPError) as refused_:
        urllib.request.urlopen(request, timeout=20)
    assert refused_.value.code == 401

    def sent(method: str, timestamp: str, query: str = "") -> int:
        """As the other cloud sends it, and with a query that somebody has added."""
        path = f"/object-store/v1/AUTH_{other}/large/x"
        realm = Realm("between us", "", {})
        named = {
            "X-Container-Sync-Auth": header("realm1", realm, method, path, timestamp, "ours"),
            "X-Timestamp": timestamp,
        }
        body = b"x" if method == "PUT" else None
        request = urllib.request.Request(cloud.url + path + query, body, named, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    now = f"{time.time():.5f}"
    assert sent("PUT", now, "?extract-archive=tar") == 400
    assert sent("DELETE", now, "?multipart-manifest=delete") == 400
    assert sent("PUT", f"{time.time() + 1e6:.5f}") == 400
    # What came, and was deleted where versions are kept, does not come again.
    there.post_container("large", {"X-Versions-Enabled": "true"})
    assert sent("PUT", now) == 201
    there.delete_object("large", "x")
    assert sent("PUT", now) == 409
    there.put_object("large", "x", b"new")
    there.delete_object("large", "x")


def test_what_is_on_the_disk_tells_nothing(
    cloud: ServedCloud, mine: Any, swift: Connection
) -> None:
    mine.create_bucket(Bucket="sealed")
    of = {"Bucket": "sealed"}
    secret = b"nobody reads this " * 200_000
    made = mine.put_object(**of, Key="o", Body=secret, ServerSideEncryption="AES256")
    assert made["ServerSideEncryption"] == "AES256"
    assert mine.head_object(**of, Key="o")["ServerSideEncryption"] == "AES256"
    assert mine.get_object(**of, Key="o")["Body"].read() == secret
    part = mine.get_object(**of, Key="o", Range="bytes=1000001-1000050")["Body"].read()
    assert part == secret[1000001:1000051]
    upload = mine.create_multipart_upload(**of, Key="m")["UploadId"]
    etags = [
        mine.upload_part(**of, Key="m", UploadId=upload, PartNumber=n, Body=body)["ETag"]
        for n, body in ((1, secret * 2), (2, b"the end"))
    ]
    parts = {"Parts": [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(etags, 1)]}
    mine.complete_multipart_upload(**of, Key="m", UploadId=upload, MultipartUpload=parts)
    found = mine.get_object(**of, Key="m")
    assert found["ServerSideEncryption"] == "AES256"
    assert found["Body"].read() == secret * 2 + b"the end"
    mine.copy_object(**of, Key="c", CopySource="sealed/o")
    assert swift.get_object("sealed", "c")[1] == secret
    rules = mine.get_bucket_encryption(**of)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    kms = {**of, "Key": "k", "Body": b"x", "ServerSideEncryption": "aws:kms"}
    assert refused(lambda: mine.put_object(**kms), 501) == "NotImplemented"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("inside")
        entry.size = len(secret)
        archive.addfile(entry, io.BytesIO(secret))
    swift.put_object("sealed", "", packed.getvalue(), query_string="extract-archive=tar.gz")
    assert swift.get_object("sealed", "inside")[1] == secret
    files = [path for path in (cloud.data / "objects").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) > 3 * len(secret)
    assert not any(b"nobody reads" in path.read_bytes() for path in files)
    key = cloud.data / "secrets" / "object-store-key-01"
    assert key.stat().st_mode & 0o777 == 0o600
