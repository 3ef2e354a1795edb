"""Names, serial numbers and records, against dnspython and the RFCs."""

from ipaddress import ip_network

import dns.name
import dns.rdata
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cumulo.dns import names, rdata, serials

LABELS = st.lists(st.binary(min_size=1, max_size=63), min_size=1, max_size=3)
SERIALS = st.integers(0, 2**32 - 1)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LABELS)
def test_any_name_is_read_and_written_as_dnspython_does(labels: list[bytes]) -> None:
    theirs = dns.name.Name([*labels, b""])
    wire = theirs.to_wire()
    assert names.labels(wire) == labels
    assert names.wire(theirs.to_text()) == wire
    assert dns.name.from_text(names.text(wire)) == theirs
    assert names.wire(names.text(wire)) == wire


@pytest.mark.parametrize(
    ("name", "zone", "record"),
    [
        ("example.org.", True, True),
        ("*.example.org.", False, True),
        ("a.*.example.org.", False, False),
        ("*a.example.org.", False, False),
        ("_acme-challenge.example.org.", True, True),
        ("xn--bcher-kva.example.", True, True),
        ("bücher.example.", False, False),
        ("example.org", False, False),
        ("-a.example.org.", False, False),
        ("a-.example.org.", False, False),
        ("a..org.", False, False),
        (".", False, False),
        ("", False, False),
        ("a b.org.", False, False),
        ("a\n.org.", False, False),
        (f"{'a' * 63}.org.", True, True),
        (f"{'a' * 64}.org.", False, False),
        ("a." * 127, True, True),
        ("a." * 127 + "b.", False, False),
    ],
)
def test_names_of_zones_and_records(name: str, zone: bool, record: bool) -> None:
    assert (names.fault_of(name) is None) is zone
    assert (names.fault_of(name, wildcard=True) is None) is record
    if record:
        assert len(names.wire(name)) <= 255


def test_where_names_are() -> None:
    assert names.ancestors("a.b.c.") == ["b.c.", "c."]
    assert names.within("www.example.org.", "example.org.")
    assert names.within("example.org.", "example.org.")
    assert not names.within("myexample.org.", "example.org.")
    # A dot after a backslash is part of a label.
    assert not names.within(r"x\.example.org.", "example.org.")
    assert names.within(r"x\\.example.org.", "example.org.")
    assert names.within(r"x\.y.example.org.", "example.org.")
    assert names.ancestors(r"x\.y.example.org.") == ["example.org.", "org."]
    assert names.ancestors(r"x\.example.org.") == ["org."]
    keys = [names.tree_key(name) for name in ("org.", "b.org.", "a.b.org.", "bc.org.")]
    assert keys[1].startswith(keys[0]) and keys[2].startswith(keys[1])
    assert not keys[3].startswith(keys[1])
    assert sorted(keys) == keys


@given(SERIALS, st.floats(0, 2**33))
def test_serials_only_grow(serial: int, now: float) -> None:
    after = serials.after(serial, now)
    assert 0 < after < 2**32
    assert serials.is_newer(after, serial)
    assert not serials.is_newer(serial, after)


def test_serials_go_round() -> None:
    assert serials.after(2**32 - 1, 0) == 1
    assert serials.after(1_800_000_000, 1_800_000_000.9) == 1_800_000_001
    assert serials.after(1_700_000_000, 1_800_000_000.9) == 1_800_000_000
    assert serials.is_newer(5, 2**32 - 5) and not serials.is_newer(2**32 - 5, 5)


GOOD = [
    ("A", "192.0.2.1"),
    ("AAAA", "2001:db8::1"),
    ("CAA", '0 issue "ca.example.net"'),
    ("CERT", "PGP 0 0 aGVsbG8="),
    ("CNAME", "other.example.org."),
    ("HTTPS", "1 . alpn=h2,h3"),
    ("MX", "10 mail.example.org."),
    ("MX", "0 ."),
    ("NAPTR", '100 50 "s" "z3950+I2L+I2C" "" _z3950._tcp.gatech.edu.'),
    ("NS", "ns.example.org."),
    ("PTR", "host.example.org."),
    ("SPF", '"v=spf1 -all"'),
    ("SRV", "10 60 5060 sip.example.org."),
    ("SSHFP", "1 1 123456789abcdef67890123456789abcdef67890"),
    ("SVCB", "1 svc.example.org. port=8443"),
    ("TLSA", "3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971"),
    ("TXT", "abc"),
    ("TXT", '"abc"'),
    ("TXT", '"v=spf1 -all"'),
    ("TXT", '"one" "two"'),
    ("TXT", f'"{"x" * 255}" "{"y" * 45}"'),
    ("TXT", r'"with \"quotes\" and a back\\slash"'),
]


@pytest.mark.parametrize(("kind", "text"), GOOD)
def test_records(kind: str, text: str) -> None:
    wire = rdata.to_wire(kind, text)
    assert rdata.to_wire(kind, rdata.to_text(kind, wire)) == wire


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("A", "192.0.2", ""),
        ("A", "192.0.2.256", ""),
        ("A", "2001:db8::1", ""),
        ("A", "192.0.2.1 192.0.2.2", ""),
        ("A", r"\# 4 C0000201", "unknown data"),
        ("AAAA", "192.0.2.1", ""),
        ("CNAME", "other", "does not end with a dot"),
        ("MX", "10 mail", "does not end with a dot"),
        ("MX", "mail.example.org.", ""),
        ("MX", "70000 mail.example.org.", ""),
        ("NS", "", ""),
        ("SRV", "1 2 sip.example.org.", ""),
        ("TXT", '"abc', "quote"),
        ("TXT", 'abc"', "quote"),
        ("TXT", "v=spf1 -all", "in double quotes"),
        ("TXT", "x" * 300, ""),
        ("TXT", "abc\\", ""),
        ("TXT", "a\nb", "line break"),
        ("TXT", "", ""),
        ("SSHFP", "x y z", ""),
        ("PTR", "a" * 64 + ".example.", ""),
    ],
)
def test_what_is_no_record(kind: str, text: str, reason: str) -> None:
    with pytest.raises(rdata.BadRecord) as refused:
        rdata.to_wire(kind, text)
    assert reason in str(refused.value)


@given(st.sampled_from(sorted(rdata.TYPES)), st.text(max_size=60))
def test_nonsense_is_refused_and_nothing_else(kind: str, text: str) -> None:
    try:
        wire = rdata.to_wire(kind, text)
    except rdata.BadRecord:
        return
    assert rdata.to_text(kind, wire)


def test_the_start_of_a_zone_is_what_dnspython_makes_of_its_text() -> None:
    text, wire = rdata.soa("ns1.example.org.", "a.b@example.org", 7, (1, 2, 3, 4))
    assert text == r"ns1.example.org. a\.b.example.org. 7 1 2 3 4"
    assert rdata.to_wire("SOA", text) == wire


def test_packing() -> None:
    wires = [b"", b"a", b"b" * 300]
    assert rdata.unpack(rdata.pack(wires)) == wires


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("4.24.172.in-addr.arpa.", "172.24.4.0/24"),
        ("9.4.24.172.in-addr.arpa.", "172.24.4.9/32"),
        ("www.9.4.24.172.in-addr.arpa.", "172.24.4.9/32"),
        ("64-26.4.24.172.in-addr.arpa.", "172.24.4.0/24"),
        ("256.4.24.172.in-addr.arpa.", "172.24.4.0/24"),
        ("04.24.172.in-addr.arpa.", "172.24.0.0/16"),
        ("a.8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8:a000::/36"),
        ("x.8.b.d.0.1.0.0.2.ip6.arpa.", "2001:db8::/32"),
    ],
)
def test_addresses_of_reverse_names(name: str, network: str) -> None:
    assert names.addresses_of(name) == ip_network(network)
