"""Devices, servers, routers and checks of the Linux driver, without a machine."""

import msgspec
import pytest

from cumulo.network.drivers.linux import links, names, normal, router
from cumulo.network.drivers.linux.flows import contradictions
from cumulo.network.drivers.linux.links import Bridge, Link, Tap, Veth, Wanted
from cumulo.network.drivers.linux.plan import Plan
from cumulo.network.model.orders import (
    FloatingIpSpec,
    HostNetworks,
    RouterSpec,
    SecurityGroupRule,
    SecurityGroupSpec,
)
from tests.end_to_end.network.lab import Cloud, new_id, subnet

WANTED = Wanted(
    (Bridge("br5", 1450, True),),
    (Tap("tapa", "br5", 1450, True),),
    (Veth("nhx", "br5", 1450, "nsx", "t-n-1", "fa:16:3e:00:00:01"),),
)


def test_names_fit() -> None:
    assert len(names.outer_device("cm1a2bc", 999999)) == 15
    assert len(names.veth("qr", "fa:16:3e:00:00:01")) == 14
    for bad in ("c", "1ab", "Cm1", "cm1a2b3c", "cm-1"):
        with pytest.raises(ValueError, match="prefix"):
            names.check_prefix(bad)


def test_everything_is_made_then_nothing_differs() -> None:
    lines = links.additions(WANTED, {})
    assert lines[0].startswith("link add name br5 mtu 1450 type bridge stp_state 0")
    assert "link set dev tapa mtu 1450 master br5 up" in lines
    there = {
        "br5": Link("br5", "bridge", 1450, None, True, True),
        "tapa": Link("tapa", "tun", 1450, "br5", True),
        "nhx": Link("nhx", "veth", 1450, "br5", True),
    }
    assert links.additions(WANTED, there) == []
    assert links.stale(WANTED, there) == [] and links.missing_taps(WANTED, there) == []


def test_differences_and_leftovers() -> None:
    there = {
        "br5": Link("br5", "bridge", 1450, None, True, False),
        "br6": Link("br6", "bridge", 1500, None, True, True),
        "tapb": Link("tapb", "tun", 1500, "br6", True),
        "tapa": Link("tapa", "tun", 1500, "br6", False),
        "eth7": Link("eth7", "veth", 1500, None, True),
    }
    assert links.stale(WANTED, there) == ["tapb", "br6"]
    lines = links.additions(WANTED, there)
    assert lines[0] == "link set dev br5 type bridge nf_call_iptables 1 nf_call_ip6tables 1"
    assert lines[-1] == "link set dev tapa mtu 1450 master br5 up"


def test_malformed_things_are_left_out_with_their_reason() -> None:
    cloud = Cloud()
    network = cloud.network(subnet("10.0.0.0/24", None))
    good = cloud.port(network, "10.0.0.11")
    bad = [
        msgspec.structs.replace(good, id=new_id(), mac="fa:16:3e:00:00:01 up"),
        msgspec.structs.replace(good, id=new_id(), network_id=new_id()),
        msgspec.structs.replace(good, id="../../etc"),
        msgspec.structs.replace(good, id=new_id(), number=0),
    ]
    rule = SecurityGroupRule("ingress", "IPv4", "tcp } ; flush ruleset")
    group = SecurityGroupSpec(new_id(), rules=(rule,))
    lost = RouterSpec(
        new_id(), 1, floating_ips=(FloatingIpSpec(new_id(), "203.0.113.1;", "10.0.0.1"),)
    )
    state = HostNetworks(1, (network,), (good, *bad), (group,), (lost,))
    kept, faults = normal.split(state)
    assert kept.ports == (good,) and kept.security_groups == () and kept.routers == ()
    assert faults.keys() == {*(port.id for port in bad), group.id, lost.id}
    assert "is not on this host" in faults[bad[1].id]


def test_dhcp_options_of_routed_and_isolated_subnets() -> None:
    cloud = Cloud()
    net = subnet("10.0.0.0/24", "10.0.0.1", dns=("9.9.9.9",))
    network = cloud.network(net, dhcp=("10.0.0.2/24",), mtu=1450)
    port = cloud.port(network, "10.0.0.11", hostname="we b\n")
    isolated = Plan("tt", cloud.state(), (), ()).network_server(network)
    cloud.router((network, ("10.0.0.1/24",)))
    joined = Plan("tt", cloud.state(), (), ("192.0.2.53",)).network_server(network)
    assert isolated is not None and joined is not None
    tag = f"tag:subnet-{net.id}"
    assert isolated.files["options"].splitlines() == [
        f"{tag},option:router,10.0.0.1",
        f"{tag},option:dns-server,9.9.9.9",
        f"{tag},option:classless-static-route,169.254.169.254/32,10.0.0.2,0.0.0.0/0,10.0.0.1",
        f"{tag},249,169.254.169.254/32,10.0.0.2,0.0.0.0/0,10.0.0.1",
    ]
    assert "169.254.169.254" not in joined.files["options"]
    assert "--server=192.0.2.53" in joined.arguments
    assert isolated.files["hosts"] == f"{port.mac},host-10-0-0-11.openstacklocal,10.0.0.11\n"
    assert f"--dhcp-range=set:subnet-{net.id},10.0.0.0,static,255.255.255.0,86400s" in (
        isolated.arguments
    )


@pytest.mark.parametrize(
    ("mode", "expected", "network_serves"),
    [
        ("slaac", "ra-only", False),
        ("dhcpv6-stateless", "ra-stateless", True),
        ("dhcpv6-stateful", "static", True),
    ],
)
def test_ipv6_modes(mode: str, expected: str, network_serves: bool) -> None:
    cloud = Cloud()
    net = subnet("2001:db8::/64", "2001:db8::1", ipv6_ra_mode=mode, ipv6_address_mode=mode)
    network = cloud.network(net, dhcp=("2001:db8::2/64",))
    alone = Plan("tt", cloud.state(), (), ())
    assert (alone.network_server(network) is not None) is network_serves
    spec = cloud.router((network, ("2001:db8::1/64",)))
    plan = Plan("tt", cloud.state(), (), ())
    server = plan.router_server(spec)
    assert server is not None and "--enable-ra" in server.arguments
    assert any(f",2001:db8::,{expected},64," in argument for argument in server.arguments)
    assert plan.network_server(network) is None


def test_a_router_without_source_translation_keeps_floating_ips() -> None:
    cloud = Cloud()
    outside = cloud.network(subnet("203.0.113.0/24", "203.0.113.1"), external=True)
    inside = cloud.network(subnet("10.0.0.0/24", "10.0.0.1"))
    spec = cloud.router(
        (inside, ("10.0.0.1/24",)), outside=(outside, "203.0.113.10/24", "203.0.113.1"),
        floating={"203.0.113.100": "10.0.0.11"},
    )  # fmt: skip
    assert spec.gateway is not None
    plain = msgspec.structs.replace(
        spec, gateway=msgspec.structs.replace(spec.gateway, enable_snat=False)
    )
    own = 'iifname "qr*" oifname "qg*" snat to 203.0.113.10'
    assert own in router.ruleset(spec)[0].chains["post"].rules
    assert own not in router.ruleset(plain)[0].chains["post"].rules
    assert router.ruleset(plain)[0].sets["fip_in"].elements == {"203.0.113.100 : 10.0.0.11"}
    routes = router.inside(spec, cloud.networks).routes
    assert [(r.destination, r.nexthop) for r in routes] == [("0.0.0.0/0", "203.0.113.1")]


def test_only_flows_that_contradict_the_state_are_deleted() -> None:
    text = """\
tcp 6 9 ESTABLISHED src=203.0.113.1 dst=203.0.113.100 sport=1 dport=80 src=10.0.0.11 \
dst=203.0.113.1 sport=80 dport=1 [ASSURED] mark=0 use=1
icmp 1 29 src=10.0.0.12 dst=203.0.113.1 type=8 code=0 id=1 src=203.0.113.1 \
dst=203.0.113.10 type=0 code=0 id=1 mark=0 use=1
tcp 6 9 TIME_WAIT src=10.0.0.11 dst=169.254.169.254 sport=1 dport=80 src=10.0.0.1 \
dst=10.0.0.11 sport=9697 dport=1 mark=0 use=1
"""
    own = {"203.0.113.10"}
    assert contradictions(text, {"203.0.113.100": "10.0.0.11"}, own) == []
    moved = contradictions(text, {"203.0.113.100": "10.0.0.12"}, own)
    assert [each[:5] for each in moved] == [("tcp", "203.0.113.1", "203.0.113.100", "1", "80")]
    ours = {("tcp", "203.0.113.100", "80"): ("10.0.0.11", "80")}
    assert contradictions(text, {}, own, ours) == []
    other = {("tcp", "203.0.113.100", "80"): ("10.0.0.11", "81")}
    assert contradictions(text, {}, own, other) == moved
    gone = contradictions(text, {}, {"203.0.113.11"})
    assert len(gone) == 2
