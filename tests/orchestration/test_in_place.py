"""What changes in place, what only one thing can have, and what is looked at before anything is
made."""

from pathlib import Path
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Conflict
from cumulo.orchestration.model.stack import StackRow
from tests.orchestration.test_kept import deleted, ids, server, wished
from tests.orchestration.test_stacks import base, created, on_a_cloud, rows, settled, small, word_of
from tests.support.cloud import TestCloud


def landscape(networks: Any, **server: Any) -> dict[str, Any]:
    """A network of two subnets, a port, a volume, and a server that has them."""
    net, port = {"get_resource": "net"}, {"get_resource": "port"}
    given = {"flavor": "m1.nano", "image": "cumulo-guest", "networks": networks} | server
    return small(
        net={"type": "OS::Neutron::Net", "properties": {"tags": ["b", "a"]}},
        one={"type": "OS::Neutron::Subnet", "properties": {"network": net, "cidr": "10.1.0.0/24"}},
        two={"type": "OS::Neutron::Subnet", "properties": {"network": net, "cidr": "10.2.0.0/24"}},
        port={
            "type": "OS::Neutron::Port",
            "properties": {
                "network": net,
                "fixed_ips": [{"subnet": {"get_resource": "one"}, "ip_address": "10.1.0.9"}],
            },
        },
        disk={"type": "OS::Cinder::Volume", "properties": {"size": 1}},
        web={"type": "OS::Nova::Server", "properties": given},
        held={
            "type": "OS::Cinder::VolumeAttachment",
            "properties": {
                "instance_uuid": {"get_resource": "web"},
                "volume_id": {"get_resource": "disk"},
            },
        },
        unused={"type": "OS::Heat::Value", "properties": {"value": [port]}},
    ) | {"outputs": {"all": {"value": {"get_attr": ["web", "addresses"]}}}}


async def addresses(cloud: TestCloud, path: str) -> dict[str, str]:
    """Address → port, of the server's network."""
    stack = (await cloud.call("GET", path)).json["stack"]
    found = next(iter(stack["outputs"][0]["output_value"].values()))
    return {each["addr"]: each["port"] for each in found}


def test_a_server_keeps_what_fits_and_its_port_goes_with_another_one(tmp_path: Path) -> None:
    net, two, port = ({"get_resource": name} for name in ("net", "two", "port"))

    async def story(cloud: TestCloud) -> None:
        found = (await cloud.call("GET", "/image/v2/images")).json["images"]
        image = found[0]["id"]
        # By its id, too: what a list of images shows is what templates have.
        first = landscape([{"port": port}, {"subnet": two}], image=image)
        path = await created(cloud, "web", first)
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        before, seen = await ids(cloud, path), await addresses(cloud, path)
        assert seen.pop("10.1.0.9") == before["port"]
        (address,) = seen
        assert address.startswith("10.2.0.")
        tags = await cloud.call("GET", f"/network/v2.0/networks/{before['net']}")
        assert tags.json["network"]["tags"] == ["a", "b"]

        # What is there and fits stays; what nobody wants any more is taken off.
        stack = await wished(cloud, path, landscape([{"network": net, "fixed_ip": address}]))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert (await addresses(cloud, path)) == seen
        assert (await ids(cloud, path)) == before
        await wished(
            cloud, path, landscape([{"network": net, "fixed_ip": address}, {"port": port}])
        )
        assert (await addresses(cloud, path))["10.1.0.9"] == before["port"]

        # Another server: port and volume go over to it.
        other = landscape([{"port": port}], user_data="#!/bin/true")
        stack = await wished(cloud, path, other)
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        after = await ids(cloud, path)
        changed = {name for name in before if before[name] != after[name]}
        assert {"web"} <= changed <= {"web", "held", "unused"}
        assert await addresses(cloud, path) == {"10.1.0.9": before["port"]}
        volume = (await cloud.call("GET", f"/volume/v3/volumes/{before['disk']}")).json["volume"]
        assert [each["server_id"] for each in volume["attachments"]] == [after["web"]]
        # Its user data is for its first start: who says so keeps the server.
        more = {"user_data": "#!/bin/false", "user_data_update_policy": "IGNORE"}
        stack = await wished(cloud, path, landscape([{"port": port}], **more))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert (await ids(cloud, path))["web"] == after["web"]
        await deleted(cloud, path)
        ports = (await cloud.call("GET", "/network/v2.0/ports")).json["ports"]
        assert [each for each in ports if each["device_owner"] == "compute:nova"] == []

    on_a_cloud(tmp_path, story)


def test_what_is_inside_is_looked_at_before(tmp_path: Path) -> None:
    inner = (
        "heat_template_version: 2018-08-31\nparameters: {long: {type: number}}\n"
        "resources: {word: {type: OS::Heat::RandomString, properties: {length: {get_param: long}}}}"
    )

    def outer(kind: str = "inner.yaml", **given: Any) -> dict[str, Any]:
        member = {"type": kind, "properties": given}
        group = {"count": 2, "resource_def": member}
        return small(
            first=word_of(4), group={"type": "OS::Heat::ResourceGroup", "properties": group}
        )

    unknown = {"get_attr": ["first", "value"]}
    wrong = [
        (outer("OS::No::Such"), inner, "OS::No::Such"),
        (outer(), inner, "Property long not assigned"),
        (outer(long=4, short=3), inner, "Unknown Property short"),
        (outer(long=4), inner + "x: 1}", "Error parsing"),
        (outer(long=4), inner.replace("RandomString", "Random"), "OS::Heat::Random)"),
        (outer(long=0), inner, "out of range"),
    ]

    async def story(cloud: TestCloud) -> None:
        stacks = await base(cloud)
        for template, text, said in wrong:
            body = {"stack_name": "w", "template": template, "files": {"inner.yaml": text}}
            answer = await cloud.call("POST", stacks, json_=body)
            assert answer.status == 400 and said in answer.json["error"]["message"], answer.raw
        body = {"stack_name": "p", "template": outer(long=unknown), "files": {"inner.yaml": inner}}
        shown = await cloud.call("POST", f"{stacks}/preview", json_=body)
        assert shown.status == 200, shown.raw
        (members,) = [e for e in shown.json["stack"]["resources"] if isinstance(e, list)]
        assert [each["resource_name"] for each in members[0]] == ["word"]
        assert members[0][0]["stack_name"] == "p-group-0"
        told = await cloud.call("POST", stacks, json_=body | {"stack_name": "told"})
        assert told.status == 201
        assert told.headers["location"] == told.json["stack"]["links"][0]["href"]
        assert await rows(cloud, told.headers["location"].partition("cloud.test")[2])

    on_a_cloud(tmp_path, story)


def test_what_is_undone_is_shown_to_nobody(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "undone", small(web=server()))
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        one = f"/compute/v2.1/servers/{(await ids(cloud, path))['web']}"
        loops = {each.reconciler.name: each.reconciler for each in cloud.cloud.reconcilers}
        engine = loops["stack resources"]._engine

        def named(tx: Tx, name: str, *, undone: bool) -> None:
            row = tx.get(StackRow, path.rpartition("/")[2])
            assert row is not None
            who = engine.principal_or_none(tx, row)

            def change() -> None:
                body = {"server": {"name": name}}
                engine.calls.call_in(tx, who, "PUT", one, body).checked()
                engine.calls.call_in(tx, who, "GET", one).checked()
                if undone:
                    raise Conflict("never mind")

            assert (tx.attempt(change) is not None) == undone

        for name, undone in (("wrong", True), ("right", False)):
            await cloud.cloud.database.write(
                lambda tx, n=name, u=undone: named(tx, n, undone=u)  # type: ignore[misc]
            )
        shown = (await cloud.call("GET", one)).json["server"]
        assert shown["name"] == "right"

    on_a_cloud(tmp_path, story)
