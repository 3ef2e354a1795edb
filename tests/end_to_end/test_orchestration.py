"""Stacks as a user makes them: the stock command line on a simulated cloud."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.served import served_cloud
from tests.support.stock import StockClient

TEMPLATE = """
heat_template_version: wallaby
description: One server in a network of its own.
parameters:
  length: {type: number, default: 10}
resources:
  net: {type: OS::Neutron::Net}
  subnet:
    type: OS::Neutron::Subnet
    properties: {network: {get_resource: net}, cidr: 192.168.77.0/24}
  secret: {type: OS::Heat::RandomString, properties: {length: {get_param: length}}}
  server:
    type: OS::Nova::Server
    depends_on: subnet
    properties:
      image: cumulo-guest
      flavor: m1.nano
      networks: [{network: {get_resource: net}}]
  group:
    type: OS::Heat::ResourceGroup
    properties:
      count: 2
      resource_def: {type: word.yaml, properties: {n: 4}}
outputs:
  address: {value: {get_attr: [server, first_address]}, description: Where it is.}
  secret: {value: {get_attr: [secret, value]}}
"""
WORD = """
heat_template_version: wallaby
parameters: {n: {type: number}}
resources:
  word: {type: OS::Heat::RandomString, properties: {length: {get_param: n}}}
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StockClient]:
    with served_cloud(tmp_path_factory.mktemp("stacks") / "data") as cloud:
        yield StockClient(cloud, "demo")


def test_a_stack_from_its_making_to_its_end(demo: StockClient, tmp_path: Path) -> None:
    template = tmp_path / "server.yaml"
    template.write_text(TEMPLATE)
    (tmp_path / "word.yaml").write_text(WORD)
    told = demo.openstack("stack", "create", "-t", str(template), "--wait", "first")
    assert "CREATE_COMPLETE" in told
    shown = demo.json("stack", "show", "first")
    assert shown["stack_status"] == "CREATE_COMPLETE"
    assert shown["description"] == "One server in a network of its own."
    address = demo.json("stack", "output", "show", "first", "address")
    assert address["output_value"].startswith("192.168.77.")
    servers = demo.json("server", "list")
    assert [each["Status"] for each in servers] == ["ACTIVE"]
    resources = demo.json("stack", "resource", "list", "-n", "3", "first")
    assert sorted(each["resource_name"] for each in resources) == sorted(
        ["0", "1", "group", "net", "secret", "server", "subnet", "word", "word"]
    )
    events = demo.json("stack", "event", "list", "first")
    assert events[0]["resource_status"] == "CREATE_IN_PROGRESS"
    assert events[-1]["resource_status"] == "CREATE_COMPLETE"

    before = demo.json("stack", "output", "show", "first", "secret")["output_value"]
    change = ["--existing", "--parameter", "length=12", "--wait", "first"]
    assert "UPDATE_COMPLETE" in demo.openstack("stack", "update", *change)
    after = demo.json("stack", "output", "show", "first", "secret")["output_value"]
    assert (len(before), len(after)) == (10, 12)
    assert demo.json("server", "list")[0]["ID"] == servers[0]["ID"]

    demo.openstack("stack", "check", "--wait", "first")
    demo.openstack("stack", "delete", "--yes", "--wait", "first")
    assert demo.json("stack", "list") == []
    assert demo.json("server", "list") == []


def test_what_is_wrong_is_said(demo: StockClient, tmp_path: Path) -> None:
    template = tmp_path / "bad.yaml"
    template.write_text("heat_template_version: wallaby\nresources: {a: {type: OS::No::Such}}\n")
    said = demo.openstack("stack", "create", "-t", str(template), "bad", fails=True)
    assert "OS::No::Such" in said
    said = demo.openstack("stack", "show", "none", fails=True)
    assert "none" in said
    names = demo.openstack("orchestration", "resource", "type", "list")
    assert "OS::Neutron::RouterInterface" in names
    schema = demo.openstack("orchestration", "resource", "type", "show", "OS::Nova::Server")
    assert "flavor" in schema
    assert "list_join" in demo.openstack(
        "orchestration", "template", "function", "list", "heat_template_version.2021-04-16"
    )
