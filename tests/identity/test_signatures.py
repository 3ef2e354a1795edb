"""Tokens for requests signed with EC2 credentials; keystoneclient's signer is the oracle."""

import asyncio
import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from keystoneclient.contrib.ec2.utils import Ec2Signer

from cumulo.identity.service.authentication.ec2 import signing_key
from tests.support.cloud import Answer, TestCloud, running_cloud
from tests.support.identity import give_role, login, make_user, password, project, user_id


async def keys(cloud: TestCloud, user: str = "demo", token: str | None = None) -> dict[str, Any]:
    """A new pair of keys of the user for the project demo, made with the token."""
    await cloud.token("demo")
    owner = await user_id(cloud, user) if user in ("demo", "admin") else user
    answer = await cloud.call(
        "POST",
        f"/identity/v3/users/{owner}/credentials/OS-EC2",
        as_=None,
        headers={"x-auth-token": token or await cloud.token(user)},
        json_={"tenant_id": cloud.projects["demo"]},
    )
    assert answer.status == 201, answer.raw
    found: dict[str, Any] = answer.json["credential"]
    return found


async def ask(cloud: TestCloud, kind: str, as_: str | None = "admin", **asked: Any) -> Answer:
    body = {"credentials": asked}
    return await cloud.call("POST", f"/identity/v3/{kind}tokens", as_=as_, json_=body)


def stamp(minutes: int = 0) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y%m%dT%H%M%SZ")


def version_2(pair: dict[str, Any], minutes: int = 0) -> dict[str, Any]:
    moment = (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = {
        "access": pair["access"],
        "host": "cloud.test:8788",
        "verb": "GET",
        "path": "/services/Cloud",
        "params": {
            "SignatureVersion": "2",
            "AWSAccessKeyId": pair["access"],
            "Timestamp": moment,
            "Action": "Describe Instances/é",
        },
    }
    copy = {**asked, "params": dict(asked["params"])}
    return {**asked, "signature": Ec2Signer(pair["secret"]).generate(copy)}


def version_4(pair: dict[str, Any], minutes: int = 0, by_query: bool = False) -> dict[str, Any]:
    date = stamp(minutes)
    credential = f"{pair['access']}/{date[:8]}/RegionOne/ec2/aws4_request"
    asked: dict[str, Any] = {
        "access": pair["access"],
        "host": "cloud.test",
        "verb": "GET",
        "path": "/",
        "params": {"Action": "DescribeInstances", "Version": "2013-10-15"},
        "headers": {"Host": "cloud.test", "X-Amz-Date": date},
        "body_hash": hashlib.sha256(b"").hexdigest(),
    }
    if by_query:
        asked["headers"] = {"host": "cloud.test"}
        asked["params"] |= {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": credential,
            "X-Amz-Date": date,
            "X-Amz-SignedHeaders": "host",
        }
    else:
        asked["headers"]["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, "
            "Signature=later"
        )
    return {**asked, "signature": Ec2Signer(pair["secret"]).generate(asked)}


def test_ec2_signatures(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            pair = await keys(cloud)
            for asked in (version_2(pair), version_4(pair), version_4(pair, by_query=True)):
                answer = await ask(cloud, "ec2", **asked)
                assert answer.status == 200, answer.raw
                token = answer.json["token"]
                assert token["methods"] == ["ec2credential"]
                assert token["project"]["name"] == "demo"
                assert token["user"]["name"] == "demo"
                got = answer.headers["x-subject-token"]
                headers = {"x-auth-token": got}
                mine = await cloud.call("GET", "/compute/v2.1/servers", as_=None, headers=headers)
                assert mine.status == 200
                other = {**asked, "path": "/other"}
                assert (await ask(cloud, "ec2", **other)).status == 401
                unsigned = {**asked, "signature": None}
                assert (await ask(cloud, "ec2", **unsigned)).status == 401
                # Whoever has seen a signature must not be able to make a token of it.
                assert (await ask(cloud, "ec2", as_="demo", **asked)).status == 403
                assert (await ask(cloud, "ec2", as_=None, **asked)).status == 401
            assert (await ask(cloud, "ec2", **version_2(pair, -20))).status == 401
            assert (await ask(cloud, "ec2", **version_4(pair, -20))).status == 401
            unknown = {**version_2(pair), "access": "unknown"}
            assert (await ask(cloud, "ec2", **unknown)).status == 404
            without_port = version_2(pair)
            bare = {**without_port, "host": "cloud.test"}
            bare["signature"] = Ec2Signer(pair["secret"]).generate(
                {**bare, "params": dict(bare["params"])}
            )
            bare["host"] = "cloud.test:8788"
            assert (await ask(cloud, "ec2", **bare)).status == 200
            got_token = {"id": got}
            admin_project = project("admin")
            assert (await login(cloud, admin_project, token=got_token)).status == 401

    asyncio.run(main())


def test_s3_signatures(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            pair = await keys(cloud)
            text = b"GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/bucket/photo"
            digest = hmac.digest(pair["secret"].encode(), text, "sha1")
            asked = {
                "access": pair["access"],
                "token": base64.urlsafe_b64encode(text).decode(),
                "signature": base64.b64encode(digest).decode(),
            }
            assert (await ask(cloud, "s3", **asked)).status == 200
            assert (await ask(cloud, "s3", **{**asked, "signature": "x"})).status == 401
            scope = [stamp()[:8], "RegionOne", "s3", "aws4_request"]
            text = "\n".join(("AWS4-HMAC-SHA256", stamp(), "/".join(scope), "0" * 64)).encode()
            digest = hmac.digest(signing_key(pair["secret"], scope), text, "sha256")
            newer = {
                **asked,
                "token": base64.urlsafe_b64encode(text).decode(),
                "signature": digest.hex(),
            }
            answered = await ask(cloud, "s3", **newer)
            assert answered.status == 200 and "x-subject-token" not in answered.headers
            assert answered.json["token"]["user"]["name"] == "demo"
            for service, status in (("sts", 200), ("iam", 200), ("ec2", 401)):
                scope[2] = service
                lines = ("AWS4-HMAC-SHA256", stamp(), "/".join(scope), "0" * 64)
                other = "\n".join(lines).encode()
                digest = hmac.digest(signing_key(pair["secret"], scope), other, "sha256")
                sent = base64.urlsafe_b64encode(other).decode()
                told = {**newer, "token": sent, "signature": digest.hex()}
                assert (await ask(cloud, "s3", **told)).status == status
            for broken in ("", "!", base64.urlsafe_b64encode(b"AWS4\n\n").decode()):
                assert (await ask(cloud, "s3", **{**newer, "token": broken})).status == 401

    asyncio.run(main())


def test_a_key_made_with_an_application_credential_has_its_rights_only(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            user = await make_user(cloud, "robot", "robot")
            await give_role(cloud, user, "manager")
            answer = await login(cloud, project("demo"), password=password("robot", "robot"))
            made = await cloud.call(
                "POST",
                f"/identity/v3/users/{user}/application_credentials",
                as_=None,
                headers={"x-auth-token": answer.headers["x-subject-token"]},
                json_={
                    "application_credential": {
                        "name": "ci",
                        "roles": [{"name": "member"}],
                        "unrestricted": True,
                    }
                },
            )
            credential = made.json["application_credential"]
            named = {"id": credential["id"], "secret": credential["secret"]}
            answer = await login(cloud, application_credential=named)
            pair = await keys(cloud, user, answer.headers["x-subject-token"])
            answer = await ask(cloud, "ec2", **version_2(pair))
            assert answer.status == 200, answer.raw
            token = answer.json["token"]
            assert [role["name"] for role in token["roles"]] == ["member", "reader"]
            assert token["application_credential"]["id"] == credential["id"]
            path = f"/identity/v3/users/{user}/application_credentials/{credential['id']}"
            assert (await cloud.call("DELETE", path, as_="admin")).status == 204
            assert (await ask(cloud, "ec2", **version_2(pair))).status == 401

    asyncio.run(main())
