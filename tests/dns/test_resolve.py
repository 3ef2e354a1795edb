"""What the name server says: RFC 1034 and 4592, read by dnspython."""

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cumulo.dns import names, rdata
from cumulo.dns.nameserver.feed import All, Commit, Drop, Gone, Put, Whole
from tests.dns.support import ask, desk_of, lines, said, steps_of

# The zone of RFC 4592, section 2.2.1, and what it says there of each name.
RFC_4592 = """
*             3600 TXT "this is a wildcard"
*             3600 MX 10 host1.example.
sub.*         3600 TXT "this is not a wildcard"
host1         3600 A 192.0.2.1
_ssh._tcp.host1  3600 SRV 0 0 22 host1.example.
_ssh._tcp.host2  3600 SRV 0 0 22 host2.example.
subdel        3600 NS ns.example.com.
subdel        3600 NS ns.example.net.
"""


@pytest.mark.parametrize(
    ("name", "kind", "rcode", "answer"),
    [
        ("host3.example.", "MX", "NOERROR", ["host3.example. MX 10 host1.example."]),
        ("host3.example.", "A", "NOERROR", []),
        ("foo.bar.example.", "TXT", "NOERROR", ['foo.bar.example. TXT "this is a wildcard"']),
        ("host1.example.", "MX", "NOERROR", []),
        ("sub.*.example.", "MX", "NOERROR", []),
        ("_telnet._tcp.host1.example.", "SRV", "NXDOMAIN", []),
        ("host.subdel.example.", "A", "NOERROR", []),
        ("ghost.*.example.", "MX", "NXDOMAIN", []),
        ("_tcp.host1.example.", "A", "NOERROR", []),
        ("host2.example.", "A", "NOERROR", []),
        ("*.example.", "TXT", "NOERROR", ['*.example. TXT "this is a wildcard"']),
    ],
)
def test_the_examples_of_rfc_4592(name: str, kind: str, rcode: str, answer: list[str]) -> None:
    desk = desk_of({"example.": RFC_4592})
    found = ask(desk, name, kind)
    assert said(found) == (rcode, answer)
    referral = name == "host.subdel.example."
    assert bool(found.flags & dns.flags.AA) is not referral
    if referral:
        assert lines(found.authority) == [
            "subdel.example. NS ns.example.com.",
            "subdel.example. NS ns.example.net.",
        ]
    elif not answer:
        assert [line.split()[1] for line in lines(found.authority)] == ["SOA"]


def test_who_says_that_a_zone_has_changed() -> None:
    """Its masters, and nobody else; of a master with a name, anybody."""
    desk = desk_of({"own.test.": ""})
    for name, masters in (("second.test.", ["192.0.2.53"]), ("named.test.", ["", "192.0.2.54"])):
        _, *rest = steps_of(name, "")
        desk.world.take([Whole(name, names.wire(name), "p", "demo", masters), *rest])
    desk.world.take([Commit(2)])
    heard = []
    desk.notified = lambda name, address: heard.append((name, address))
    codes = []
    for name in ("own.test.", "second.test.", "named.test.", "gone.test."):
        for address in ("192.0.2.53", "203.0.113.1"):
            query = dns.message.make_query(name, "SOA", flags=dns.flags.AA)
            query.set_opcode(dns.opcode.NOTIFY)
            answer = desk.by_udp(query.to_wire(), address)
            assert answer is not None
            codes.append(dns.rcode.to_text(dns.message.from_wire(answer).rcode()))
    assert codes == [*["REFUSED"] * 2, "NOERROR", "REFUSED", *["NOERROR"] * 2, *["REFUSED"] * 2]
    second, named = names.wire("second.test."), names.wire("named.test.")
    assert heard == [(second, "192.0.2.53"), (named, ""), (named, "")], "it may be anybody"


MORE = """
www       60 A 192.0.2.1
www       60 A 192.0.2.2
www       60 AAAA 2001:db8::1
alias     60 CNAME www
chain     60 CNAME alias
out       60 CNAME www.elsewhere.test.
away      60 CNAME www.nowhere.invalid.
dangling  60 CNAME nothing
loop      60 CNAME pool
pool      60 CNAME loop
@         60 MX 10 mail
mail      60 A 192.0.2.3
*.wild    60 CNAME www
child     60 NS ns.child
ns.child  60 A 192.0.2.4
child2    60 NS ns.elsewhere.test.
"""
DESK = {"example.org.": MORE, "elsewhere.test.": "www 60 A 192.0.2.9\n", "sub.example.org.": ""}


def test_aliases() -> None:
    desk = desk_of(DESK)
    both = ["www.example.org. A 192.0.2.1", "www.example.org. A 192.0.2.2"]
    first = ["alias.example.org. CNAME www.example.org."]
    assert said(ask(desk, "alias.example.org.")) == ("NOERROR", first + both)
    assert said(ask(desk, "alias.example.org.", "CNAME")) == ("NOERROR", first)
    assert len(said(ask(desk, "chain.example.org."))[1]) == 4
    assert said(ask(desk, "out.example.org."))[1] == [
        "out.example.org. CNAME www.elsewhere.test.",
        "www.elsewhere.test. A 192.0.2.9",
    ]
    assert said(ask(desk, "away.example.org.")) == (
        "NOERROR",
        ["away.example.org. CNAME www.nowhere.invalid."],
    )
    assert said(ask(desk, "dangling.example.org."))[0] == "NXDOMAIN"
    assert said(ask(desk, "a.b.wild.example.org."))[1][0].endswith("CNAME www.example.org.")
    assert len(said(ask(desk, "loop.example.org."))[1]) == 2


def test_nobody_elses_zone_has_a_say_in_an_answer() -> None:
    """Whoever makes a zone of the name that an alias leads to; resolvers of guests pass on all."""
    desk = desk_of({"victim.org.": "www 60 CNAME shop.cdn.test.\n@ 60 MX 5 shop.cdn.test.\n"})
    alias = ["www.victim.org. CNAME shop.cdn.test."]
    assert said(ask(desk, "www.victim.org.")) == ("NOERROR", alias)
    text = "shop 60 A 203.0.113.66\n"
    desk.world.take([*steps_of("cdn.test.", text, project="hostile"), Commit(2)])
    for _ in range(2):  # the second one from what was kept
        assert said(ask(desk, "www.victim.org.")) == ("NOERROR", alias)
        assert not ask(desk, "victim.org.", "MX").additional
    # It is given to the project: from then on it is one of its own.
    desk.world.take([*steps_of("cdn.test.", text), Commit(3)])
    desk.forget()
    address = "shop.cdn.test. A 203.0.113.66"
    assert said(ask(desk, "www.victim.org.")) == ("NOERROR", [address, *alias])
    assert lines(ask(desk, "victim.org.", "MX").additional) == [address]


def test_a_zone_that_changes_hands_is_a_change_of_what_names_belong_to() -> None:
    desk = desk_of({"cdn.test.": ""})
    layout = desk.world.layout
    desk.world.take([*steps_of("cdn.test.", ""), Commit(2)])
    assert desk.world.layout == layout
    desk.world.take([*steps_of("cdn.test.", "", project="other"), Commit(3)])
    assert desk.world.layout == layout + 1


def test_all_from_anew_while_it_answers() -> None:
    """What is not among what comes is gone, at the commit."""
    desk = desk_of({"stays.test.": "old 60 A 192.0.2.1\n", "goes.test.": "a 60 A 192.0.2.2\n"})
    desk.world.take([All(), *steps_of("lost.test.", "")])
    desk.world.take([All(), *steps_of("stays.test.", "new 60 A 192.0.2.3\n")])
    assert lines(ask(desk, "old.stays.test.").answer) and lines(ask(desk, "a.goes.test.").answer)
    desk.world.take([Commit(2)])
    desk.forget()
    assert lines(ask(desk, "new.stays.test.").answer) == ["new.stays.test. A 192.0.2.3"]
    assert said(ask(desk, "old.stays.test.")) == ("NXDOMAIN", [])
    for gone in ("a.goes.test.", "lost.test."):
        assert ask(desk, gone).rcode() == dns.rcode.REFUSED
    desk.world.take([*steps_of("later.test.", ""), Commit(3)])
    assert len(desk.world.zones) == 2, "all is said once"


def test_addresses_go_along() -> None:
    desk = desk_of(DESK)
    assert lines(ask(desk, "example.org.", "MX").additional) == ["mail.example.org. A 192.0.2.3"]
    referral = ask(desk, "host.child.example.org.")
    assert lines(referral.authority) == ["child.example.org. NS ns.child.example.org."]
    assert lines(referral.additional) == ["ns.child.example.org. A 192.0.2.4"]
    assert not referral.flags & dns.flags.AA


def test_zones_below_zones_and_what_is_refused() -> None:
    desk = desk_of(DESK)
    below = ask(desk, "x.sub.example.org.")
    assert lines(below.authority)[0].startswith("sub.example.org. SOA")
    assert ask(desk, "example.net.").rcode() == dns.rcode.REFUSED
    assert ask(desk, ".", "NS").rcode() == dns.rcode.REFUSED
    version = dns.message.make_query("version.bind.", "TXT", "CH")
    wire = desk.by_udp(version.to_wire(), "192.0.2.9")
    assert wire is not None and dns.message.from_wire(wire).rcode() == dns.rcode.REFUSED
    update = bytearray(dns.message.make_query("example.org.", "SOA").to_wire())
    update[2] |= 5 << 3
    answer = desk.by_udp(bytes(update), "192.0.2.9")
    assert answer is not None and answer[3] & 15 == dns.rcode.NOTIMP


def test_any_is_little() -> None:
    answer = ask(desk_of(DESK), "www.example.org.", "ANY")
    assert lines(answer.answer) == ['www.example.org. HINFO "RFC8482" ""']


def test_what_must_not_be_remembered_long() -> None:
    """The TTL of "no such name" is the lesser one of the SOA's own and its minimum (RFC 2308)."""
    answer = ask(desk_of(DESK), "nope.example.org.")
    assert answer.authority[0].ttl == 300


def test_too_long_for_udp() -> None:
    many = "".join(f"many 60 TXT {'x' * 200}{index}\n" for index in range(30))
    desk = desk_of({"example.org.": many})
    cut = ask(desk, "many.example.org.", "TXT")
    assert cut.flags & dns.flags.TC and not cut.answer and not cut.authority
    cut = ask(desk, "many.example.org.", "TXT", use_edns=0, payload=4096)
    assert cut.flags & dns.flags.TC and cut.payload == 1232


def test_edns() -> None:
    desk = desk_of(DESK)
    plain = ask(desk, "www.example.org.")
    assert plain.edns == -1
    known = ask(desk, "www.example.org.", use_edns=0, want_dnssec=True)
    assert known.edns == 0 and known.payload == 1232 and known.ednsflags & dns.flags.DO
    newer = ask(desk, "www.example.org.", use_edns=1)
    assert newer.rcode() == dns.rcode.BADVERS


def test_letters_case_of_the_question_comes_back() -> None:
    """Resolvers vary it to know answers that were made up by others."""
    desk = desk_of(DESK)
    for name in ("www.example.org.", "wWw.ExAmple.oRg."):  # the second one from what was kept
        answer = ask(desk, name)
        assert answer.question[0].name.to_text() == name
        assert len(said(answer)[1]) == 2


def test_what_was_kept_is_not_sent_when_it_has_changed() -> None:
    desk = desk_of(DESK)
    owner = names.wire("www.example.org.")
    assert len(said(ask(desk, "www.example.org."))[1]) == 2
    one = rdata.pack([rdata.to_wire("A", "192.0.2.77")])
    desk.world.take([Put("example.org.", owner, 1, 60, one)])
    assert len(said(ask(desk, "www.example.org."))[1]) == 2, "not before the commit"
    desk.world.take([Commit(2)])
    assert said(ask(desk, "www.example.org."))[1] == ["www.example.org. A 192.0.2.77"]
    assert said(ask(desk, "alias.example.org."))[1][1] == "www.example.org. A 192.0.2.77"
    desk.world.take([Drop("example.org.", owner, 1), Commit(3)])
    assert said(ask(desk, "www.example.org.")) == ("NOERROR", [])
    assert said(ask(desk, "www.example.org.", "AAAA"))[0] == "NOERROR"
    desk.world.take([Drop("example.org.", owner, 28), Commit(4)])
    assert said(ask(desk, "www.example.org."))[0] == "NXDOMAIN"
    desk.world.take([Gone("example.org."), Commit(5)])
    assert ask(desk, "mail.example.org.").rcode() == dns.rcode.REFUSED


def test_names_in_between_come_and_go() -> None:
    desk = desk_of({"example.org.": ""})
    zone = desk.world.zones[names.wire("example.org.")]
    before = set(zone.nodes)
    one = rdata.pack([rdata.to_wire("A", "192.0.2.1")])
    owners = [names.wire(f"{name}.example.org.") for name in ("a.b.c", "b.c", "x.b.c", "c")]
    desk.world.take([*(Put("example.org.", owner, 1, 60, one) for owner in owners), Commit(2)])
    assert len(zone.nodes) == len(before) + 4
    for owner in owners:
        desk.world.take([Drop("example.org.", owner, 1), Commit(3)])
    assert set(zone.nodes) == before


LABEL = st.sampled_from(["a", "b", "*", "c"])
OWNER = st.lists(LABEL, min_size=1, max_size=4).map(".".join)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(OWNER, max_size=8), OWNER)
def test_wildcards_as_rfc_4592_defines_them(owners: set[str], asked: str) -> None:
    """The closest encloser and the source of synthesis (3.3.1), worked out from the names alone."""
    zone = "".join(f"{owner} 60 TXT {owner}\n" for owner in owners)
    answer = ask(desk_of({"example.": zone}), f"{asked}.example.", "TXT")
    exist = {""} | {".".join(o.split(".")[i:]) for o in owners for i in range(len(o.split(".")))}
    if asked in exist:
        wanted = [asked] if asked in owners else []
        rcode = "NOERROR"
    else:
        above = [".".join(asked.split(".")[i:]) for i in range(1, len(asked.split(".")) + 1)]
        encloser = next(name for name in above if name in exist)
        source = f"*.{encloser}".rstrip(".")
        wanted = [source] if source in owners else []
        rcode = "NOERROR" if source in exist else "NXDOMAIN"
    assert dns.rcode.to_text(answer.rcode()) == rcode
    assert [text.decode() for r in answer.answer for d in r for text in d.strings] == wanted


def test_a_zone_that_is_made_anew_has_nothing_of_before() -> None:
    desk = desk_of(DESK)
    desk.world.take([*steps_of("example.org.", "new 60 A 192.0.2.8\n"), Commit(2)])
    assert said(ask(desk, "www.example.org."))[0] == "NXDOMAIN"
    assert said(ask(desk, "new.example.org."))[1] == ["new.example.org. A 192.0.2.8"]


def test_before_the_first_commit_nobody_is_told_that_there_is_nothing() -> None:
    desk = desk_of({})
    desk.world.ready = False
    assert ask(desk, "www.example.org.").rcode() == dns.rcode.SERVFAIL


def test_what_is_signed_of_a_zone_is_its_parents_to_say() -> None:
    """RFC 4035, 3.1.4.1; but a parent that does not know of the child must not deny it."""
    child = {"sub.example.org.": "www 60 A 192.0.2.1\n"}
    desk = desk_of({"example.org.": "sub 60 NS ns.sub\n", **child})
    (owner,) = (rrset.name.to_text() for rrset in ask(desk, "sub.example.org.", "DS").authority)
    assert owner == "example.org."
    (owner,) = (rrset.name.to_text() for rrset in ask(desk, "sub.example.org.", "MX").authority)
    assert owner == "sub.example.org."
    answer = ask(desk_of({"example.org.": "", **child}), "sub.example.org.", "DS")
    assert said(answer) == ("NOERROR", [])


def test_a_name_outside_of_its_zone_harms_no_other() -> None:
    """However it came there: the name server is everybody's."""
    desk = desk_of({"example.org.": "www A 192.0.2.1\n", "evil.org.": "a A 192.0.2.2\n"})
    owner = b"\x06x.evil" + names.wire("org.")
    packed = steps_of("evil.org.", "b A 192.0.2.3\n")[-1]
    assert isinstance(packed, Put)
    desk.world.take([Put("evil.org.", owner, 1, 60, packed.records), Commit(2)])
    whole = Whole("other", names.wire("evil.net."), "pool")
    desk.world.take([whole, Put("other", owner, 1, 60, packed.records), Commit(3)])
    assert lines(ask(desk, "www.example.org.").answer) == ["www.example.org. A 192.0.2.1"]


def test_a_zone_that_goes_and_comes_in_one_reading() -> None:
    """By another id: what goes is the old one."""
    desk = desk_of({"example.org.": "www A 192.0.2.1\n"})
    new = [
        Whole("new", step.name, step.pool_id)
        if isinstance(step, Whole)
        else Put("new", step.name, step.type, step.ttl, step.records)
        for step in steps_of("example.org.", "www A 192.0.2.2\n")
        if isinstance(step, Whole | Put)
    ]
    for order in ([Gone("example.org."), *new], [*new, Gone("example.org.")]):
        desk.world.take([*order, Commit(2)])
        assert lines(ask(desk, "www.example.org.").answer) == ["www.example.org. A 192.0.2.2"]
        desk.world.take([Put("new", names.wire("b.example.org."), 1, 60, new[-1].records)])
        desk.world.take([Commit(3)])
        assert lines(ask(desk, "b.example.org.").answer)
        desk.world.take([Gone("new"), *steps_of("example.org.", "www A 192.0.2.1\n"), Commit(4)])
        assert lines(ask(desk, "www.example.org.").answer) == ["www.example.org. A 192.0.2.1"]


def test_all_below_a_name_is_below_another_one() -> None:
    """DNAME (RFC 6672), with an alias for those who do not know it."""
    desk = desk_of(
        {
            "example.org.": "old 60 DNAME new\nold 60 TXT here\nwww.new 60 A 192.0.2.1\n"
            f"far 60 DNAME {'a' * 60}.{'b' * 60}.{'c' * 60}.net.\n"
        }
    )
    dname = "old.example.org. DNAME new.example.org."
    alias = "www.old.example.org. CNAME www.new.example.org."
    address = "www.new.example.org. A 192.0.2.1"
    assert said(ask(desk, "www.old.example.org.")) == ("NOERROR", sorted([dname, alias, address]))
    assert said(ask(desk, "www.old.example.org.", "CNAME")) == ("NOERROR", sorted([dname, alias]))
    missing = said(ask(desk, "x.old.example.org."))
    assert missing[0] == "NXDOMAIN" and dname in missing[1]
    # The name itself is where it is.
    assert said(ask(desk, "old.example.org.", "TXT")) == (
        "NOERROR",
        ['old.example.org. TXT "here"'],
    )
    assert said(ask(desk, "old.example.org.", "DNAME")) == ("NOERROR", [dname])
    assert said(ask(desk, "old.example.org.", "A")) == ("NOERROR", [])
    long = f"{'d' * 60}.{'e' * 20}.far.example.org."
    assert said(ask(desk, long))[0] == "YXDOMAIN"
