"""The CloudFormation API, by the stock client of it: boto3, signing with an EC2 credential."""

import asyncio
import base64
import hmac
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from cumulo.orchestration.api import cfn_users
from tests.orchestration.test_lent import project
from tests.orchestration.test_stacks import base, created, on_a_cloud, settled
from tests.support.cloud import TestCloud

MOUNT = "/orchestration-cfn/v1"
TEMPLATE = {
    "HeatTemplateFormatVersion": "2012-12-12",
    "Description": "words",
    "Parameters": {
        "Length": {"Type": "Number", "Default": "8"},
        "Secret": {"Type": "String", "NoEcho": "true", "Default": "x"},
    },
    "Resources": {
        "Word": {"Type": "OS::Heat::RandomString", "Properties": {"length": {"Ref": "Length"}}},
        "Handle": {"Type": "OS::Heat::WaitConditionHandle"},
    },
    "Outputs": {"Word": {"Value": {"Fn::GetAtt": ["Word", "value"]}, "Description": "<a&b>"}},
}


class _Raw:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def stream(self, **more: Any) -> list[bytes]:
        return [self._raw]


async def credential(cloud: TestCloud) -> dict[str, str]:
    token = await project(cloud)
    url = f"/identity/v3/users/{token['user']['id']}/credentials/OS-EC2"
    made = await cloud.call("POST", url, json_={"tenant_id": token["project"]["id"]})
    assert made.status == 201, made.raw
    found: dict[str, str] = made.json["credential"]
    return found


def client(cloud: TestCloud, access: str, secret: str) -> Any:
    """boto3, whose requests go into the process."""
    loop = asyncio.get_running_loop()
    made = boto3.client(
        "cloudformation",
        endpoint_url=f"http://cloud.test{MOUNT}/",
        region_name="RegionOne",
        aws_access_key_id=access,
        aws_secret_access_key=secret,
    )

    def sent(request: Any, **more: Any) -> AWSResponse:
        where = urlsplit(request.url)
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else str(value)
            for name, value in request.headers.items()
        }
        headers.setdefault("host", where.netloc)
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        path = where.path + (f"?{where.query}" if where.query else "")
        asked = cloud.request(request.method, path, headers=headers, body=body)
        answer = asyncio.run_coroutine_threadsafe(asked, loop).result(30)
        return AWSResponse(request.url, answer.status, answer.headers, _Raw(answer.raw))

    made.meta.events.register("before-send.cloudformation", sent)
    return made


def test_stock_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(cloud: TestCloud) -> None:
        key = await credential(cloud)
        cfn = client(cloud, key["access"], key["secret"])

        async def call(name: str, **given: Any) -> Any:
            return await asyncio.to_thread(getattr(cfn, name), **given)

        text = json.dumps(TEMPLATE)
        shown = await call("validate_template", TemplateBody=text)
        assert {e["ParameterKey"]: e["NoEcho"] for e in shown["Parameters"]} == {
            "Length": False,
            "Secret": True,
        }
        length = [{"ParameterKey": "Length", "ParameterValue": "12"}]
        wish = {"StackName": "words", "TemplateBody": text, "Parameters": length}
        made = await call("create_stack", **wish, TimeoutInMinutes=5, OnFailure="ROLLBACK")
        assert ":stacks/words/" in made["StackId"]
        waiter = cfn.get_waiter("stack_create_complete")
        await asyncio.to_thread(
            waiter.wait, StackName="words", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )
        stack = (await call("describe_stacks", StackName=made["StackId"]))["Stacks"][0]
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        assert (stack["DisableRollback"], stack["TimeoutInMinutes"]) == (False, 5)
        output = stack["Outputs"][0]
        assert (len(output["OutputValue"]), output["Description"]) == (12, "<a&b>")
        told = {e["ParameterKey"]: e["ParameterValue"] for e in stack["Parameters"]}
        assert told["Length"] == "12"
        assert told["Secret"] != "x"
        # So many at a time as one answer describes.
        monkeypatch.setattr(cfn_users, "PAGE", 1)
        page = await call("describe_stacks")
        assert [each["StackName"] for each in page["Stacks"]] == ["words"]
        assert (await call("describe_stacks", NextToken=page["NextToken"]))["Stacks"] == []
        monkeypatch.undo()
        with pytest.raises(cfn.exceptions.AlreadyExistsException):
            await call("create_stack", **wish)

        names = {"Word", "Handle"}
        found = (await call("list_stack_resources", StackName="words"))["StackResourceSummaries"]
        assert {each["LogicalResourceId"] for each in found} == names
        ids = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}
        found = await call("describe_stack_resources", PhysicalResourceId=ids["Word"])
        assert {each["LogicalResourceId"] for each in found["StackResources"]} == names
        one = await call("describe_stack_resource", StackName="words", LogicalResourceId="Word")
        assert one["StackResourceDetail"]["ResourceStatus"] == "CREATE_COMPLETE"
        events = (await call("describe_stack_events", StackName="words"))["StackEvents"]
        assert {each["LogicalResourceId"] for each in events} == {*names, "words"}
        signal = {"LogicalResourceId": "Handle", "UniqueId": "1", "Status": "SUCCESS"}
        await call("signal_resource", StackName="words", **signal)
        body = (await call("get_template", StackName="words"))["TemplateBody"]
        assert (json.loads(body) if isinstance(body, str) else body) == TEMPLATE

        await changed(cfn, call, text)
        await refused(cfn, call, text)
        wrong = client(cloud, key["access"], "x" * 32)
        for other in (wrong, client(cloud, "f" * 32, key["secret"])):
            with pytest.raises(ClientError, match="AccessDenied"):
                await asyncio.to_thread(other.list_stacks)

    on_a_cloud(tmp_path, story)


async def changed(cfn: Any, call: Any, text: str) -> None:
    shorter = [{"ParameterKey": "Length", "ParameterValue": "9"}]
    await call("update_stack", StackName="words", UsePreviousTemplate=True, Parameters=shorter)
    waiter = cfn.get_waiter("stack_update_complete")
    await asyncio.to_thread(
        waiter.wait, StackName="words", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )


async def refused(cfn: Any, call: Any, text: str) -> None:
    with pytest.raises(ClientError, match="not supported"):
        await call("cancel_update_stack", StackName="words")
    with pytest.raises(ClientError, match="not valid for this endpoint"):
        await call("estimate_template_cost", TemplateBody=text)
    with pytest.raises(ClientError, match="ValidationError"):
        await call("create_stack", StackName="bad", TemplateBody="{}")
    await call("delete_stack", StackName="words")
    await call("delete_stack", StackName="nobody")
    listed = (await call("list_stacks"))["StackSummaries"]
    assert [e for e in listed if e["StackStatus"] not in _GOING] == []


_GOING = ("DELETE_IN_PROGRESS", "DELETE_COMPLETE")


def version_2(key: dict[str, str], **more: str) -> str:
    """A path as tools of EC2 sign it."""
    params = {
        "AWSAccessKeyId": key["access"],
        "SignatureMethod": "HmacSHA256",
        "SignatureVersion": "2",
        **more,
    }
    query = "&".join(f"{n}={quote(v, safe='~')}" for n, v in sorted(params.items()))
    text = f"GET\ncloud.test\n{MOUNT}\n{query}"
    right = base64.b64encode(hmac.digest(key["secret"].encode(), text.encode(), "sha256"))
    return f"{MOUNT}?{query}&Signature={quote(right, safe='')}"


def test_signatures_of_version_2(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        key = await credential(cloud)
        host = {"host": "cloud.test"}

        async def asked(path: str) -> Any:
            return await cloud.request("GET", path, headers=host)

        now = (
            await cloud.call(
                "GET",
                "/identity/v3/auth/tokens",
                headers={"x-subject-token": await cloud.token("demo")},
            )
        ).json["token"]["issued_at"]
        stamp = now[:19] + "Z"
        answer = await asked(version_2(key, Action="ListStacks", Timestamp=stamp))
        assert (answer.status, b"<StackSummaries>" in answer.raw) == (200, True), answer.raw
        good = version_2(key, Action="ListStacks", Timestamp=stamp, ContentType="JSON")
        answer = await asked(good)
        assert answer.json == {"ListStacksResponse": {"ListStacksResult": {"StackSummaries": []}}}
        # A request that never ends, an old one, one that was changed, one without a signature.
        assert (await asked(version_2(key, Action="ListStacks"))).status == 403
        old = version_2(key, Action="ListStacks", Timestamp="2020-01-01T00:00:00Z")
        assert (await asked(old)).status == 403
        assert (await asked(good.replace("ListStacks", "DescribeStacks"))).status == 403
        assert (await asked(f"{MOUNT}?Action=ListStacks")).status == 403
        assert (await asked(MOUNT)).status == 400
        assert (await asked(good + "&Action=DeleteStack")).status == 400

        catalog = (await project(cloud))["catalog"]
        assert "cloudformation" in {each["type"] for each in catalog}

    on_a_cloud(tmp_path, story)


def test_a_stack_inside_one(tmp_path: Path) -> None:
    def outer(length: int, file: str = "words.template") -> dict[str, Any]:
        given = {"TemplateURL": file, "Parameters": {"Length": length}}
        return {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Resources": {"In": {"Type": "AWS::CloudFormation::Stack", "Properties": given}},
            "Outputs": {"Word": {"Value": {"Fn::GetAtt": ["In", "Outputs.Word"]}}},
        }

    async def story(cloud: TestCloud) -> None:
        files = {"words.template": json.dumps(TEMPLATE)}
        stacks = await base(cloud)
        for wrong, word in (
            (outer(8, "nowhere.template"), "nowhere.template"),
            (outer(600), "512"),
        ):
            body = {"stack_name": "no", "template": wrong, "files": files}
            answer = await cloud.call("POST", stacks, json_=body)
            assert (answer.status, word in str(answer.raw)) == (400, True), answer.raw
        path = await created(cloud, "outer", outer(10), files=files)
        for length in (10, 11):
            stack = await settled(cloud, path)
            assert "COMPLETE" in stack["stack_status"], stack["stack_status_reason"]
            assert len(stack["outputs"][0]["output_value"]) == length
            wish = {"template": outer(length + 1), "files": files}
            assert (await cloud.call("PUT", path, json_=wish)).status == 202

    on_a_cloud(tmp_path, story)
