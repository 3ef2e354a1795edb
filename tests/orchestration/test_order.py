"""What stands on what by its nature; and names of what is not there, refused at once."""

import random
from pathlib import Path
from typing import Any

from cumulo.orchestration.language.graph import with_implied
from tests.orchestration.test_kept import deleted, disk, server
from tests.orchestration.test_stacks import base, created, on_a_cloud, settled, small
from tests.support.cloud import TestCloud


def network(prefix: list[str], octet: int) -> dict[str, Any]:
    """Without a word of what comes first; names decide in which order rows are looked at."""
    net, subnet, router, interface, port, address, web = prefix

    def of(kind: str, **given: Any) -> dict[str, Any]:
        return {"type": f"OS::Neutron::{kind}", "properties": given}

    there = {"get_resource": net}
    alone = server(networks=[{"network": there}])
    return {
        net: of("Net"),
        subnet: of("Subnet", network=there, cidr=f"10.9.{octet}.0/24"),
        router: of("Router", external_gateway_info={"network": "public"}),
        interface: of(
            "RouterInterface",
            router={"get_resource": router},
            subnet={"get_resource": subnet},
        ),
        port: of("Port", network=there),
        address: of("FloatingIP", floating_network="public", port_id={"get_resource": port}),
        web: alone,
    }


def test_nobody_has_to_say_depends_on(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        chance = random.Random(7)
        resources: dict[str, Any] = {}
        outputs: dict[str, Any] = {}
        for octet in range(6):
            names = [f"{letter}{octet}" for letter in chance.sample("abcdefg", 7)]
            resources |= network(names, octet)
            outputs[names[4]] = {"value": {"get_attr": [names[4], "fixed_ips", 0, "ip_address"]}}
            outputs[names[6]] = {"value": {"get_attr": [names[6], "first_address"]}}
        path = await created(cloud, "implied", small(**resources) | {"outputs": outputs})
        stack = await settled(cloud, path, seconds=60)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        told = [each["output_value"] for each in stack["outputs"]]
        assert len(told) == 12 and all(str(each).startswith("10.9.") for each in told)
        await deleted(cloud, path)

    on_a_cloud(tmp_path, story)


def test_a_circle_of_the_implied_counts_for_nothing() -> None:
    said = {"a": frozenset[str](), "b": frozenset({"a"})}
    assert with_implied(said, {"a": ["b"]}) == said
    assert with_implied({"a": frozenset(), "b": frozenset()}, {"b": ["a", "b", "c"]}) == said


def test_what_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    def asking(constraint: str) -> dict[str, Any]:
        wanted = {"type": "string", "constraints": [{"custom_constraint": constraint}]}
        return small() | {"parameters": {"p": wanted}}

    async def story(cloud: TestCloud) -> None:
        stacks = await base(cloud)
        wrong: list[tuple[dict[str, Any], dict[str, str], str]] = [
            (asking("nova.flavor"), {"p": "none"}, "The flavor (none) could not be found"),
            (asking("glance.image"), {"p": "none"}, "The image (none) could not be found"),
            (asking("no.such"), {"p": "x"}, "there is no constraint no.such"),
            (asking("ip_addr"), {"p": "10.0.0.300"}, "Error validating value"),
            (small(web=server(flavor="none")), {}, "The flavor (none) could not be found"),
            (
                small(d={**disk(), "type": "OS::Neutron::Port", "properties": {"network": "none"}}),
                {},
                "The network (none) could not be found",
            ),
        ]
        for template, parameters, said in wrong:
            body = {"stack_name": "wrong", "template": template, "parameters": parameters}
            for path in (stacks, f"{stacks}/preview"):
                answer = await cloud.call("POST", path, json_=body)
                assert (answer.status, said in answer.json["error"]["message"]) == (400, True), (
                    said,
                    answer.raw,
                )
        assert (await cloud.call("GET", stacks)).json["stacks"] == []
        for constraint, value in (
            ("nova.flavor", "m1.nano"),
            ("glance.image", "cumulo-guest"),
            ("neutron.network", "public"),
            ("net_cidr", "10.0.0.0/8"),
        ):
            path = await created(
                cloud, constraint.replace("_", "-"), asking(constraint), parameters={"p": value}
            )
            wish = {"template": asking(constraint), "parameters": {"p": "none"}}
            assert (await cloud.call("PUT", path, json_=wish)).status == 400
            assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"

    on_a_cloud(tmp_path, story)
