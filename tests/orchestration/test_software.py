"""Software configurations: what servers are told, and what they answer."""

import base64
import email
import hmac
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree

from tests.orchestration.test_kept import deleted, wished
from tests.orchestration.test_signals import told
from tests.orchestration.test_stacks import base, created, on_a_cloud, rows, settled, small
from tests.support.cloud import TestCloud


def ref(name: str) -> dict[str, str]:
    return {"get_resource": name}


def software(word: str = "one", transport: str = "POLL_SERVER_CFN") -> dict[str, Any]:
    server = {
        "flavor": "m1.nano",
        "image": "cumulo-guest",
        "networks": [{"network": "private"}],
        "user_data_format": "SOFTWARE_CONFIG",
        "software_config_transport": transport,
        "user_data": ref("mime"),
    }
    script = {
        "group": "script",
        "config": "#!/bin/sh\necho $word > $heat_outputs_path.word",
        "inputs": [{"name": "word"}, {"name": "more", "default": "d"}],
        "outputs": [{"name": "word"}, {"name": "oops", "error_output": True}],
    }
    deployment = {
        "config": ref("script"),
        "server": ref("web"),
        "input_values": {"word": word, "extra": 1},
        "actions": ["CREATE", "UPDATE", "DELETE"],
    }
    data = {"group": "data", "config": {"motd": {"get_input": "word"}, "list": [1]}}
    template = small(
        cloud={"type": "OS::Heat::CloudConfig", "properties": {"cloud_config": {"a": 1}}},
        mime={
            "type": "OS::Heat::MultipartMime",
            "properties": {
                "parts": [
                    {"config": ref("cloud"), "subtype": "cloud-config"},
                    {"config": "#!/bin/sh\ntrue"},
                ]
            },
        },
        web={"type": "OS::Nova::Server", "properties": server, "metadata": {"mine": "yes"}},
        script={"type": "OS::Heat::SoftwareConfig", "properties": script},
        done={"type": "OS::Heat::SoftwareDeployment", "properties": deployment},
        data={"type": "OS::Heat::StructuredConfig", "properties": data},
        all={
            "type": "OS::Heat::StructuredDeploymentGroup",
            "properties": {
                "config": ref("data"),
                "servers": {"a": ref("web")},
                "input_values": {"word": word},
                "signal_transport": "NO_SIGNAL",
            },
        },
    )
    template["outputs"] = {
        "word": {"value": {"get_attr": ["done", "word"]}},
        "out": {"value": {"get_attr": ["done", "deploy_stdout"]}},
    }
    return template


async def deployments(cloud: TestCloud, path: str, least: int = 2) -> dict[str, Any]:
    """By their names' last but one part: what the server is to have, once so many are there."""
    metadata = f"{path}/resources/web/metadata"
    answer = await cloud.until(
        metadata, lambda a: len((a.json.get("metadata") or {}).get("deployments", ())) >= least
    )
    return {each["group"]: each for each in answer.json["metadata"]["deployments"]}


def inputs_of(one: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each["value"] for each in one["inputs"]}


def signed(cfn: dict[str, Any]) -> str:
    """As os-collect-config asks: EC2 signature version 2."""
    where = urlsplit(cfn["metadata_url"])
    given = {
        "Action": "DescribeStackResource",
        "AWSAccessKeyId": cfn["access_key_id"],
        "LogicalResourceId": cfn["path"].partition(".")[0],
        "SignatureMethod": "HmacSHA256",
        "SignatureVersion": "2",
        "StackName": cfn["stack_name"],
    }
    query = urlencode(sorted(given.items()), quote_via=quote, safe="~")
    text = f"GET\n{where.netloc}\n{where.path}\n{query}"
    right = hmac.digest(cfn["secret_access_key"].encode(), text.encode(), "sha256")
    signature = quote(base64.b64encode(right).decode(), safe="")
    return f"{where.path}?{query}&Signature={signature}"


def test_a_server_is_told_and_answers(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "soft", software())
        found = await deployments(cloud, path)
        assert found["data"]["config"] == {"motd": "one", "list": [1]}
        given = inputs_of(found["script"])
        assert (given["word"], given["more"], given["extra"]) == ("one", "d", 1)
        assert (given["deploy_action"], given["deploy_resource_name"]) == ("CREATE", "done")
        address = given["deploy_signal_id"]
        address = address[address.index("/orchestration/signal/") :]

        # What the guest finds in its user data leads to the metadata.
        server = (await rows(cloud, path))["web"]["physical_resource_id"]
        shown = await cloud.call(
            "GET",
            f"/compute/v2.1/servers/{server}",
            as_="admin",
            headers={"OpenStack-API-Version": "compute 2.3"},
        )
        assert shown.status == 200
        collected = await cloud.call("GET", f"{path}/resources/web?with_attr=os_collect_config")
        cfn = collected.json["resource"]["attributes"]["os_collect_config"]["os-collect-config"]
        assert cfn["cfn"]["path"] == "web.Metadata" and cfn["cfn"]["access_key_id"]
        metadata = (await cloud.call("GET", f"{path}/resources/web/metadata")).json["metadata"]
        assert metadata["mine"] == "yes"
        # The guest's own key reads this server's metadata, and nothing else.
        polled = await cloud.call("GET", signed(cfn["cfn"]), as_=None)
        assert polled.status == 200, polled.raw
        told_in = ElementTree.fromstring(polled.raw).find(".//Metadata")
        assert told_in is not None and json.loads(told_in.text or "") == metadata
        for wrong in (
            {"secret_access_key": "x"},
            {"path": "done.Metadata"},
            {"stack_name": "other"},
            {"access_key_id": "0" * 32},
        ):
            assert (await cloud.call("GET", signed(cfn["cfn"] | wrong), as_=None)).status == 403
        other = signed(cfn["cfn"]).replace("DescribeStackResource", "DeleteStack")
        assert (await cloud.call("GET", other, as_=None)).status == 400

        answer = {"deploy_stdout": "hello", "deploy_status_code": 0, "word": "said"}
        assert (await cloud.call("POST", address, as_=None, json_=answer)).status == 200
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        assert await told(cloud, path) == {"word": "said", "out": "hello"}

        # Another value is deployed anew; a failure of the script fails the update.
        change = {"template": software("two")}
        assert (await cloud.call("PUT", path, json_=change)).status == 202
        await cloud.until(
            f"{path}/resources/done",
            lambda a: a.json["resource"]["resource_status"] == "UPDATE_IN_PROGRESS",
        )
        given = inputs_of((await deployments(cloud, path))["script"])
        assert (given["word"], given["deploy_action"]) == ("two", "UPDATE")
        wrong = {"deploy_status_code": 3, "deploy_stderr": "no"}
        assert (await cloud.call("PUT", address, as_=None, json_=wrong)).status == 200
        stack = await settled(cloud, path)
        assert "non-zero status code: 3" in stack["stack_status_reason"]

        assert (await cloud.call("DELETE", path)).status == 204
        await cloud.until(
            f"{path}/resources/done",
            lambda a: a.json["resource"]["resource_status"] == "DELETE_IN_PROGRESS",
        )
        await cloud.call("POST", address, as_=None, json_={})
        await cloud.until(
            path, lambda a: a.json["stack"]["stack_status"] == "DELETE_COMPLETE", seconds=30
        )
        root = (await base(cloud)).removesuffix("/stacks")
        assert (await cloud.call("GET", f"{root}/software_configs")).json["software_configs"] == []
        left = (await cloud.call("GET", f"{root}/software_deployments")).json
        assert left["software_deployments"] == []

    on_a_cloud(tmp_path, story)


def test_metadata_by_an_address_and_by_nobody_else(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        refused = await cloud.call(
            "POST",
            await base(cloud),
            json_={"stack_name": "no", "template": software(transport="POLL_SERVER_HEAT")},
        )
        assert refused.status == 400 and "POLL_TEMP_URL" in refused.json["error"]["message"]
        template = software(transport="POLL_TEMP_URL")
        del template["resources"]["done"], template["outputs"]
        path = await created(cloud, "poll", template)
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        one = await cloud.call("GET", f"{path}/resources/web?with_attr=os_collect_config")
        shown = one.json["resource"]["attributes"]["os_collect_config"]["os-collect-config"]
        url = shown["request"]["metadata_url"]
        place = url[url.index("/orchestration/metadata/") :]
        polled = (await cloud.call("GET", place, as_=None)).json
        assert [each["group"] for each in polled["deployments"]] == ["data"]
        assert (await cloud.call("GET", place[:-2], as_=None)).status == 404

        # A deployment of another project for the same server is not told to it.
        server = (await rows(cloud, path))["web"]["physical_resource_id"]
        await cloud.token("admin")
        theirs = f"/orchestration/v1/{cloud.projects['admin']}"
        config = {"name": "evil", "group": "script", "config": "rm"}
        made = await cloud.call("POST", f"{theirs}/software_configs", as_="admin", json_=config)
        id = made.json["software_config"]["id"]
        wish = {"config_id": id, "server_id": server}
        place_of = f"{theirs}/software_deployments"
        assert (await cloud.call("POST", place_of, as_="admin", json_=wish)).status == 200
        polled = (await cloud.call("GET", place, as_=None)).json
        assert [each["group"] for each in polled["deployments"]] == ["data"]
        mine = (await base(cloud)).removesuffix("stacks") + f"software_configs/{id}"
        assert (await cloud.call("GET", mine)).status == 404
        used = await cloud.call("DELETE", f"{theirs}/software_configs/{id}", as_="admin")
        assert used.status == 403
        await wished(cloud, path, template)
        await deleted(cloud, path)

    on_a_cloud(tmp_path, story)


def test_what_cloud_init_gets() -> None:
    from cumulo.orchestration.service.configs import inner_parts, multipart, part

    whole = str(multipart([part("#!/bin/sh", "x-shellscript"), part("ä", "plain", "a.txt")]))
    parts = inner_parts(whole)
    assert [each.get_content_type() for each in parts] == ["text/x-shellscript", "text/plain"]
    assert parts[1].get_filename() == "a.txt"
    again = email.message_from_string(str(multipart(parts)))
    assert json.dumps([p.get_content_type() for p in again.get_payload()])


def test_what_a_server_is_told_has_a_bound(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        home = (await base(cloud)).removesuffix("/stacks")
        body = {"name": "large", "config": "x" * 250_000, "group": "script"}
        made = await cloud.call("POST", f"{home}/software_configs", json_=body)
        config = made.json["software_config"]["id"]
        wish = {"config_id": config, "server_id": "11111111-2222-4333-8444-555555555555"}

        async def told() -> int:
            path = f"{home}/software_deployments"
            return (await cloud.call("POST", path, json_=wish)).status

        assert [await told() for _ in range(8)] == [200] * 6 + [400] * 2
        wish["server_id"] = "11111111-2222-4333-8444-666666666666"
        assert await told() == 200

    on_a_cloud(tmp_path, story)
