"""The arithmetic of subnet pools."""

import ipaddress

from cumulo.network.model.ipam import parse_network
from cumulo.network.model.prefixes import compact, fitting, free, holds, units, without


def nets(*texts: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [parse_network(text) for text in texts]


def test_compact() -> None:
    assert compact(["10.0.1.0/24", "10.0.0.0/24", "10.0.0.128/25"]) == ["10.0.0.0/23"]
    assert compact(["2001:db8:1::/48", "2001:db8::/48"]) == ["2001:db8::/47"]


def test_free_and_fitting() -> None:
    gaps = free(nets("10.0.0.0/24"), nets("10.0.0.0/28", "10.0.0.64/26"))
    assert [str(gap) for gap in gaps] == ["10.0.0.16/28", "10.0.0.32/27", "10.0.0.128/25"]
    assert str(fitting(gaps, 29)) == "10.0.0.16/29"
    assert str(fitting(gaps, 26)) == "10.0.0.128/26"
    assert fitting(gaps, 24) is None
    assert free(nets("10.0.0.0/24"), nets("10.0.0.0/16")) == []


def test_the_whole_space_is_no_work() -> None:
    gaps = free(nets("::/0"), nets("2001:db8::/64"))
    assert len(gaps) == 64
    assert str(fitting(gaps, 64)) == "2001:db8:0:1::/64"


def test_holds_and_without() -> None:
    assert holds(["10.0.0.0/8"], parse_network("10.9.0.0/16"))
    assert not holds(["10.0.0.0/16"], parse_network("10.0.0.0/8"))
    assert not holds(["10.0.0.0/8"], parse_network("2001:db8::/32"))
    assert without(["10.0.0.0/24"], ["10.0.0.0/25"]) == ["10.0.0.128/25"]


def test_units() -> None:
    assert (units("10.0.0.0/24"), units("2001:db8::/60"), units("2001:db8::/80")) == (256, 16, 1)
