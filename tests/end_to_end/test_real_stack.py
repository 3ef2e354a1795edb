"""A stack of real things: a template makes a guest that answers by ssh, and leaves nothing."""

import pytest

from tests.end_to_end.lab import Lab

pytestmark = pytest.mark.guest

TEMPLATE = """
heat_template_version: wallaby
parameters: {public_key: {type: string}}
resources:
  key:
    type: OS::Nova::KeyPair
    properties: {name: stack, public_key: {get_param: public_key}}
  net: {type: OS::Neutron::Net}
  subnet:
    type: OS::Neutron::Subnet
    properties: {network: {get_resource: net}, cidr: 10.44.0.0/24}
  router:
    type: OS::Neutron::Router
    properties: {external_gateway_info: {network: public}}
  interface:
    type: OS::Neutron::RouterInterface
    properties: {router: {get_resource: router}, subnet: {get_resource: subnet}}
  group:
    type: OS::Neutron::SecurityGroup
    properties: {rules: [{protocol: tcp, port_range_min: 22, port_range_max: 22}]}
  port:
    type: OS::Neutron::Port
    properties:
      network: {get_resource: net}
      fixed_ips: [{subnet: {get_resource: subnet}}]
      security_groups: [{get_resource: group}]
  server:
    type: OS::Nova::Server
    properties:
      image: cumulo-guest
      flavor: m1.nano
      key_name: {get_resource: key}
      networks: [{port: {get_resource: port}}]
  address:
    type: OS::Neutron::FloatingIP
    depends_on: interface
    properties: {floating_network: public, port_id: {get_resource: port}}
  disk: {type: OS::Cinder::Volume, properties: {size: 1}}
  plug:
    type: OS::Cinder::VolumeAttachment
    properties: {instance_uuid: {get_resource: server}, volume_id: {get_resource: disk}}
outputs:
  address: {value: {get_attr: [address, floating_ip_address]}}
"""


def test_a_stack_of_real_guests() -> None:
    with Lab() as lab:
        lab.cumulo("up")
        key = lab.folder / "key"
        lab.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
        template = lab.folder / "real.yaml"
        template.write_text(TEMPLATE)
        public = (lab.folder / "key.pub").read_text().strip()
        make = ["-t", str(template), "--parameter", f"public_key={public}", "--wait", "real"]
        lab.openstack("stack", "create", *make)
        address = lab.json("stack", "output", "show", "real", "address")["output_value"]
        assert lab.ssh(address, "hostname").startswith("real-server-")
        assert "vdb" in lab.ssh(address, "cat /proc/partitions")
        lab.openstack("stack", "delete", "--yes", "--wait", "real")
        assert lab.json("server", "list") == []
        assert lab.json("volume", "list") == []
        assert {each["Name"] for each in lab.json("network", "list")} == {"public", "private"}
