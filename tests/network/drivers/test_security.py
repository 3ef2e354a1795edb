"""The text of anti-spoofing and security groups."""

import pytest

from cumulo.network.drivers.linux.nft import change_text, full_text
from cumulo.network.drivers.linux.security import link_local, rule_text, ruleset
from cumulo.network.model.orders import (
    AddressPair,
    FixedIp,
    HostNetworks,
    NetworkSpec,
    PortSpec,
    SecurityGroupRule,
    SecurityGroupSpec,
)

GROUP = "aaaaaaaa-0000-4000-8000-000000000001"
OTHER = "aaaaaaaa-0000-4000-8000-000000000002"
NETWORK = "bbbbbbbb-0000-4000-8000-000000000001"
PORT = "cccccccc-0000-4000-8000-000000000001"
M4 = f"m4_{OTHER.replace('-', '')}"
W4 = f"w4_{OTHER.replace('-', '')}"


def port(**more: object) -> PortSpec:
    values = {
        "mac": "fa:16:3e:00:00:01",
        "fixed_ips": (FixedIp("s", "10.0.0.11"), FixedIp("s", "2001:db8::11")),
        "security_groups": (GROUP,),
    } | more
    return PortSpec(PORT, 7, NETWORK, **values)  # type: ignore[arg-type]


def state(*ports: PortSpec, rules: tuple[SecurityGroupRule, ...] = ()) -> HostNetworks:
    return HostNetworks(
        1,
        networks=(NetworkSpec(NETWORK, 70000),),
        ports=ports,
        security_groups=(
            SecurityGroupSpec(GROUP, rules=rules),
            SecurityGroupSpec(OTHER, members=("10.0.0.5", "10.1.0.0/16", "10.1.2.3", "::5")),
        ),
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (SecurityGroupRule("ingress"), ["meta nfproto ipv4 accept"]),
        (SecurityGroupRule("egress", "IPv6", "any"), ["meta nfproto ipv6 accept"]),
        (
            SecurityGroupRule("ingress", "IPv4", "tcp", 22, 22),
            ["meta nfproto ipv4 meta l4proto 6 th dport 22 accept"],
        ),
        (
            SecurityGroupRule("ingress", "IPv4", "17", 100, None, "10.1.2.3/8"),
            ["ip saddr 10.0.0.0/8 meta l4proto 17 th dport 100-65535 accept"],
        ),
        (
            SecurityGroupRule("egress", "IPv6", "vrrp", remote_ip_prefix="2001:db8::/32"),
            ["ip6 daddr 2001:db8::/32 meta l4proto 112 accept"],
        ),
        (
            SecurityGroupRule("ingress", "IPv4", "icmp", 8, 0, "0.0.0.0/0"),
            ["meta nfproto ipv4 icmp type 8 icmp code 0 accept"],
        ),
        (
            SecurityGroupRule("ingress", "IPv6", "icmp", 128),
            ["meta nfproto ipv6 icmpv6 type 128 accept"],
        ),
        (
            SecurityGroupRule("ingress", "IPv6", "ipv6-icmp"),
            ["meta nfproto ipv6 meta l4proto 58 accept"],
        ),
        (
            SecurityGroupRule("ingress", "IPv4", "tcp", 80, 80, remote_group_id=OTHER),
            [
                f"ip saddr @{M4} meta l4proto 6 th dport 80 accept",
                f"ip saddr @{W4} meta l4proto 6 th dport 80 accept",
            ],
        ),
        (SecurityGroupRule("ingress", "IPv6", remote_group_id=GROUP), []),
    ],
)
def test_a_rule(rule: SecurityGroupRule, expected: list[str]) -> None:
    assert rule_text(rule, {M4, W4}) == expected


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        rule_text(SecurityGroupRule("ingress", protocol="nonsense"), ())


def test_a_port_sends_only_from_its_own() -> None:
    bridge, _, _ = ruleset(state(port()))
    device = '"tapcccccccc-00"'
    mac = "fa:16:3e:00:00:01"
    assert bridge.sets["ports"].elements == {device}
    assert bridge.sets["pmark"].elements == {f"{device} : 7"}
    assert bridge.sets["mac"].elements == {f"{device} . {mac}"}
    assert bridge.sets["a4"].elements == {f"{device} . {mac} . 10.0.0.11"}
    assert bridge.sets["a6"].elements == {
        f"{device} . {mac} . 2001:db8::11",
        f"{device} . {mac} . fe80::f816:3eff:fe00:1",
    }
    assert f"{device} . 0x20010db8000000000000000000000011" in bridge.sets["nd"].elements
    assert not bridge.sets["p4"].elements


def test_address_pairs_never_overlap() -> None:
    pairs = (
        AddressPair("10.0.0.0/24"),
        AddressPair("10.0.0.64/26"),
        AddressPair("10.0.0.11"),
        AddressPair("192.0.2.1", "fa:16:3e:00:00:99"),
        AddressPair("2001:db8:1::/48"),
    )
    bridge, _, _ = ruleset(state(port(allowed_address_pairs=pairs)))
    device, mac = '"tapcccccccc-00"', "fa:16:3e:00:00:01"
    assert bridge.sets["p4"].elements == {f"{device} . {mac} . 10.0.0.0/24"}
    assert bridge.sets["a4"].elements == {f"{device} . fa:16:3e:00:00:99 . 192.0.2.1"}
    assert f"{device} . fa:16:3e:00:00:99" in bridge.sets["mac"].elements
    assert bridge.chains["ndpairs"].rules[0] == (
        f"iifname {device} @th,64,48 0x20010db80001 return"
    )


def test_what_is_not_filtered_is_in_no_set() -> None:
    bridge, inet, _ = ruleset(state(port(port_security=False)))
    assert not bridge.sets["ports"].elements
    assert not inet.sets["from"].elements and not inet.sets["to"].elements


def test_a_port_without_groups_is_closed() -> None:
    _, inet, _ = ruleset(state(port(security_groups=())))
    (target,) = inet.sets["to"].elements
    assert inet.chains[target.rpartition(" ")[2]].rules == ("counter drop",)


def test_remote_groups_are_sets() -> None:
    rule = SecurityGroupRule("ingress", "IPv4", remote_group_id=OTHER)
    _, inet, _ = ruleset(state(port(), rules=(rule,)))
    assert inet.sets[M4].elements == {"10.0.0.5"}
    assert inet.sets[W4].elements == {"10.1.0.0/16"}
    assert inet.sets["m6_" + M4[3:]].elements == {"::5"}


def test_replies_pass_only_through_what_is_still_allowed() -> None:
    _, inet, _ = ruleset(state(port()))
    for chain in ("vmin", "vmout"):
        assert "ct direction reply ct state established accept" in inet.chains[chain].rules
        assert not any("established,related" in rule for rule in inet.chains[chain].rules)
    assert inet.sets["zone"].elements == {'"br70000" : 4465'}


def test_one_port_more_is_a_small_change() -> None:
    ports = [
        PortSpec(
            f"{n:08x}-0000-4000-8000-000000000000", n, NETWORK, f"fa:16:3e:00:00:{n:02x}",
            (FixedIp("s", f"10.0.0.{n}"),), security_groups=(GROUP,),
        )
        for n in range(1, 101)
    ]  # fmt: skip
    before, after = ruleset(state(*ports[:-1])), ruleset(state(*ports))
    change = change_text(before, after)
    assert "flush" not in change
    assert len(change.splitlines()) == 10
    assert len(change) < len(full_text(after)) / 10
    assert ruleset(state(*reversed(ports))) == after


def test_link_local() -> None:
    assert link_local("52:54:00:12:34:56") == "fe80::5054:ff:fe12:3456"
