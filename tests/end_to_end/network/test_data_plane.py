"""Real packets through the Linux data plane: guests are namespaces, the outside is one too."""

import asyncio
import fcntl
import os
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.rcode
import dns.rrset
import msgspec
import pytest

from cumulo.core.run.commands import run_blocking
from cumulo.core.run.namespaces import (
    create_namespace,
    delete_namespace,
    in_namespace,
    list_namespaces,
)
from cumulo.network.drivers.linux.security import link_local
from cumulo.network.model.metadata import MetadataRequest, MetadataResponse
from cumulo.network.model.orders import (
    AddressPair,
    DhcpOption,
    FloatingIpSpec,
    HostRoute,
    NetworkSpec,
    PortSpec,
    SecurityGroupRule,
)
from tests.end_to_end.network.lab import (
    PING6_IN,
    PING_IN,
    Cloud,
    Lab,
    LongPing,
    Watch,
    aping,
    checksum,
    connect,
    dhcp,
    dhcp6,
    dhcp_answer,
    dhcp_frame,
    http,
    ip,
    lab,
    listen,
    ping,
    reaches,
    send_raw,
    subnet,
)

TCP_80 = SecurityGroupRule("ingress", "IPv4", "tcp", 80, 80)


@pytest.fixture
def place() -> Iterator[Lab]:
    with lab() as made:
        yield made


def two_ports(cloud: Cloud, *rules: SecurityGroupRule) -> tuple[NetworkSpec, PortSpec, PortSpec]:
    network = cloud.network(subnet("10.0.0.0/24", "10.0.0.1"))
    group = cloud.group(*rules)
    first = cloud.port(network, "10.0.0.11", groups=(group.id,))
    return network, first, cloud.port(network, "10.0.0.12", groups=(group.id,))


def with_rules(cloud: Cloud, *rules: SecurityGroupRule) -> None:
    group = next(iter(cloud.groups.values()))
    kept = tuple(r for r in group.rules if r.direction == "egress")
    cloud.groups[group.id] = msgspec.structs.replace(group, rules=kept + rules)


def test_dhcp_gives_address_mtu_routes_dns(place: Lab) -> None:
    cloud = Cloud()
    net = subnet(
        "10.0.0.0/24",
        "10.0.0.1",
        dns=("10.0.0.53", "9.9.9.9"),
        host_routes=(HostRoute("172.16.0.0/16", "10.0.0.77"),),
    )
    network = cloud.network(net, dhcp=("10.0.0.2/24",), mtu=1450)
    port = cloud.port(network, "10.0.0.11", hostname="web")
    stranger = "fa:16:3e:ff:ff:ff"
    driver = place.driver()

    async def work() -> None:
        guest = place.guest(port)
        await place.apply(driver, cloud.state())
        address, options = await asyncio.to_thread(dhcp, guest, port.mac)
        assert address == "10.0.0.11"
        assert options[1] == b"\xff\xff\xff\0" and options[3] == bytes([10, 0, 0, 1])
        assert options[6] == bytes([10, 0, 0, 53, 9, 9, 9, 9])
        assert struct.unpack("!H", options[26]) == (1450,)
        assert options[12] == b"web"
        metadata = bytes([32, 169, 254, 169, 254, 10, 0, 0, 2])
        assert metadata in options[121]
        assert bytes([16, 172, 16, 10, 0, 0, 77]) in options[121]
        assert bytes([0, 10, 0, 0, 1]) in options[121]
        # A port that is added is served after SIGHUP, by the same process; one whose address
        # went to another port is served after a restart.
        later = cloud.port(network, "10.0.0.12")
        second = place.guest(later)
        pids = dnsmasq_pids(place)
        await place.apply(driver, cloud.state())
        assert dnsmasq_pids(place) == pids
        assert (await asyncio.to_thread(dhcp, second, later.mac))[0] == "10.0.0.12"
        del cloud.ports[later.id]
        heir = cloud.port(network, "10.0.0.12")
        third = place.guest(heir)
        await place.apply(driver, cloud.state())
        assert (await asyncio.to_thread(dhcp, third, heir.mac))[0] == "10.0.0.12"
        ip(third, f"link set eth0 address {stranger}")
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(dhcp, third, stranger, seconds=1)

    place.run(work)


def test_a_port_has_dhcp_options_of_its_own(place: Lab) -> None:
    cloud = Cloud()
    net = subnet("10.0.0.0/24", "10.0.0.1", dns=("10.0.0.53",))
    network = cloud.network(net, dhcp=("10.0.0.2/24",))
    own = (
        DhcpOption("tftp-server", "10.0.0.99"),
        DhcpOption("bootfile-name", "pxe.0"),
        DhcpOption("150", "10.0.0.98"),
        DhcpOption("dns-server", "10.0.0.54"),
        DhcpOption("no-such-option", "x"),
        DhcpOption("dns-server", "2001:db8::1", 6),
    )
    with_options = cloud.port(network, "10.0.0.11", dhcp_options=own)
    without = cloud.port(network, "10.0.0.12")
    driver = place.driver()

    async def work() -> None:
        first, second = place.guest(with_options), place.guest(without)
        await place.apply(driver, cloud.state())
        address, options = await asyncio.to_thread(dhcp, first, with_options.mac)
        assert address == "10.0.0.11"
        assert options[66].rstrip(b"\0") == b"10.0.0.99"
        assert options[67].rstrip(b"\0") == b"pxe.0"
        assert options[150] == bytes([10, 0, 0, 98])
        assert options[6] == bytes([10, 0, 0, 54])
        _, options = await asyncio.to_thread(dhcp, second, without.mac)
        assert not options.keys() & {66, 67, 150} and options[6] == bytes([10, 0, 0, 53])
        # Taken away, they are not sent any more.
        cloud.ports[with_options.id] = msgspec.structs.replace(with_options, dhcp_options=())
        await place.apply(driver, cloud.state())
        _, options = await asyncio.to_thread(dhcp, first, with_options.mac)
        assert 66 not in options and options[6] == bytes([10, 0, 0, 53])

    place.run(work)


def test_names_of_the_clouds_zones_are_asked_for_at_its_name_server(place: Lab) -> None:
    """dnsmasq hears of domains by SIGHUP; all others go where they went before."""
    cloud = Cloud()
    network = cloud.network(subnet("10.0.0.0/24", "10.0.0.1"), dhcp=("10.0.0.2/24",))
    group = cloud.group(SecurityGroupRule("ingress", "IPv4", "udp", 5300, 5300))
    port = cloud.port(network, "10.0.0.11", groups=(group.id,))
    driver = place.driver()

    def udp(where: str, address: tuple[str, int]) -> socket.socket:
        def bound() -> socket.socket:
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind(address)
            made.settimeout(5)
            return made

        return in_namespace(where, bound)

    def asked(name: str, guest: socket.socket, server: socket.socket) -> str:
        """The address that the guest is told; REFUSED without one."""
        query = dns.message.make_query(name, "A")
        guest.sendto(query.to_wire(), ("10.0.0.2", 53))
        server.settimeout(0.5)
        try:
            wire, peer = server.recvfrom(512)
            answer = dns.message.make_response(dns.message.from_wire(wire))
            rrset = dns.rrset.from_text(answer.question[0].name, 60, "IN", "A", "192.0.2.7")
            answer.answer.append(rrset)
            server.sendto(answer.to_wire(), peer)
        except TimeoutError:
            pass
        found = dns.message.from_wire(guest.recv(512))
        return str(found.answer[0][0]) if found.answer else dns.rcode.to_text(found.rcode())

    async def work() -> None:
        where = place.static_guest(port)
        await place.apply(driver, cloud.state())
        guest, server = udp(where, ("10.0.0.11", 0)), udp(where, ("10.0.0.11", 5300))
        assert await asyncio.to_thread(asked, "www.lab.test.", guest, server) == "REFUSED"
        pids = dnsmasq_pids(place)
        cloud.networks[network.id] = msgspec.structs.replace(
            network, name_server="10.0.0.11#5300", domains=("lab.test.", "x.org\nuser=root.")
        )
        await place.apply(driver, cloud.state())
        assert dnsmasq_pids(place) == pids
        await asyncio.sleep(0.3)
        assert await asyncio.to_thread(asked, "www.lab.test.", guest, server) == "192.0.2.7"
        assert await asyncio.to_thread(asked, "www.other.test.", guest, server) == "REFUSED"
        guest.close()
        server.close()

    place.run(work)


def dnsmasq_pids(place: Lab) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if text.startswith(b"dnsmasq\0") and str(place.state).encode() in text:
                found.append(int(entry.name))
    return sorted(found)


def test_a_real_tap_carries_frames(place: Lab) -> None:
    cloud = Cloud()
    network = cloud.network(subnet("10.0.0.0/24", None), dhcp=("10.0.0.2/24",))
    port = cloud.port(network, "10.0.0.11")
    driver = place.driver()

    async def work() -> None:
        await place.apply(driver, cloud.state())
        tap = driver.open_tap(port.id)
        try:
            fcntl.ioctl(tap, 0x400454D8, struct.pack("i", 10))  # TUNSETVNETHDRSZ
            for _ in range(20):
                os.write(tap, bytes(10) + dhcp_frame(port.mac, 1, 4711))
                end = time.monotonic() + 0.3
                while time.monotonic() < end:
                    try:
                        answer = dhcp_answer(os.read(tap, 4096)[10:], 4711)
                    except BlockingIOError:
                        await asyncio.sleep(0.01)
                        continue
                    if answer is not None:
                        assert answer[0] == "10.0.0.11"
                        return
            raise AssertionError("no answer on the tap")
        finally:
            os.close(tap)

    place.run(work)


def test_groups_allow_and_deny(place: Lab) -> None:
    cloud = Cloud()
    _, one, two = two_ports(cloud, PING_IN, TCP_80)
    closed = cloud.group()
    driver = place.driver()

    async def work() -> None:
        first, second = place.static_guest(one), place.static_guest(two)
        report = await place.apply(driver, cloud.state())
        assert {seen.status for seen in report.ports} == {"ACTIVE"}
        assert await aping(first, "10.0.0.12")
        with listen(second, "10.0.0.12", 80), listen(second, "10.0.0.12", 81):
            assert reaches(first, "10.0.0.12", 80)
            assert not reaches(first, "10.0.0.12", 81)
            with_rules(cloud, SecurityGroupRule("ingress", "IPv4", "6", 81, 90))
            await place.apply(driver, cloud.state())
            assert not reaches(first, "10.0.0.12", 80)
            assert reaches(first, "10.0.0.12", 81)
            with_rules(
                cloud, SecurityGroupRule("ingress", "IPv4", None, remote_ip_prefix="10.0.0.11/32")
            )
            await place.apply(driver, cloud.state())
            assert reaches(first, "10.0.0.12", 80) and reaches(first, "10.0.0.12", 81)
            cloud.ports[two.id] = msgspec.structs.replace(two, security_groups=(closed.id,))
            await place.apply(driver, cloud.state())
            assert not reaches(first, "10.0.0.12", 80)
            assert not await aping(first, "10.0.0.12")
            cloud.ports[two.id] = msgspec.structs.replace(two, port_security=False)
            await place.apply(driver, cloud.state())
            assert reaches(first, "10.0.0.12", 80)
        # Without egress rules nothing goes out; without groups nothing goes in or out.
        group = next(iter(cloud.groups.values()))
        cloud.groups[group.id] = msgspec.structs.replace(group, rules=(PING_IN,))
        await place.apply(driver, cloud.state())
        assert not await aping(first, "10.0.0.12")

    place.run(work)


def test_remote_group_follows_its_members(place: Lab) -> None:
    cloud = Cloud()
    network = cloud.network(subnet("10.0.0.0/24", None))
    friends = cloud.group()
    open_to = SecurityGroupRule("ingress", "IPv4", "icmp", remote_group_id=friends.id)
    target_group = cloud.group(open_to)
    one = cloud.port(network, "10.0.0.11", groups=(friends.id,))
    two = cloud.port(network, "10.0.0.12", groups=(target_group.id,))
    driver = place.driver()

    async def work() -> None:
        first = place.static_guest(one)
        place.static_guest(two)
        await place.apply(driver, cloud.state())
        assert not await aping(first, "10.0.0.12")
        for members, expected in (
            (("10.0.0.11",), True),
            (("10.0.0.13", "2001:db8::1"), False),
            (("10.0.0.8/29",), True),
            ((), False),
        ):
            cloud.groups[friends.id] = msgspec.structs.replace(friends, members=members)
            await place.apply(driver, cloud.state())
            assert await aping(first, "10.0.0.12") is expected, members

    place.run(work)


def test_removing_a_rule_cuts_what_it_let_in(place: Lab) -> None:
    cloud = Cloud()
    _, one, two = two_ports(cloud, TCP_80)
    driver = place.driver()

    async def work() -> None:
        first, second = place.static_guest(one), place.static_guest(two)
        await place.apply(driver, cloud.state())
        with listen(second, "10.0.0.12", 80) as server:
            client = connect(first, "10.0.0.12", 80)
            served, _ = server.accept()
            with client, served:
                served.settimeout(1)
                client.sendall(b"before")
                assert served.recv(10) == b"before"
                with_rules(cloud)
                await place.apply(driver, cloud.state())
                client.sendall(b"after")
                with pytest.raises(TimeoutError):
                    served.recv(10)
                with_rules(cloud, TCP_80)
                await place.apply(driver, cloud.state())
                served.settimeout(5)
                assert served.recv(10) == b"after"

    place.run(work)


def test_stateless_groups_let_no_reply_in(place: Lab) -> None:
    cloud = Cloud()
    _, one, two = two_ports(cloud, PING_IN, TCP_80)
    bare = cloud.group(stateful=False)
    both = cloud.group(SecurityGroupRule("ingress", "IPv4", "tcp", 1024, 65535), stateful=False)
    driver = place.driver()

    async def work() -> None:
        first, second = place.static_guest(one), place.static_guest(two)
        with listen(second, "10.0.0.12", 80):
            for group, expected in ((bare, False), (both, True)):
                changed = msgspec.structs.replace(one, security_groups=(group.id,))
                cloud.ports[one.id] = changed
                await place.apply(driver, cloud.state())
                assert reaches(first, "10.0.0.12", 80) is expected

    place.run(work)


def test_spoofing_is_dropped(place: Lab) -> None:
    cloud = Cloud()
    _, one, two = two_ports(cloud, PING_IN)
    driver = place.driver()

    async def work() -> None:
        first, second = place.static_guest(one), place.static_guest(two)
        await place.apply(driver, cloud.state())
        assert await aping(first, "10.0.0.12")
        # Address.
        ip(first, "addr add 10.0.0.99/24 dev eth0")
        spoof = ["ping", "-c1", "-W1", "-I", "10.0.0.99", "10.0.0.12"]
        assert fails(first, spoof)
        pair = AddressPair("10.0.0.96/29")
        cloud.ports[one.id] = msgspec.structs.replace(one, allowed_address_pairs=(pair,))
        await place.apply(driver, cloud.state())
        assert not fails(first, spoof)
        cloud.ports[one.id] = one
        await place.apply(driver, cloud.state())
        assert fails(first, spoof)
        # ARP: claiming the neighbour's address, and a true claim to see that the watch works.
        mine, theirs = (bytes.fromhex(p.mac.replace(":", "")) for p in (one, two))
        for claimed, passes in (("10.0.0.11", True), ("10.0.0.1", False)):
            watch = Watch(second)
            claim = mine + socket.inet_aton(claimed)
            frame = theirs + mine + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 2)
            send_raw(first, frame + claim + theirs + socket.inet_aton("10.0.0.12"))
            assert watch.saw(b"\x00\x02" + claim) is passes
            watch.close()
        # DHCP server at a guest, and a strange protocol.
        rogue = b"\xff" * 6 + mine + b"\x88\xb5" + b"strange frame".ljust(60)
        watch = Watch(second)
        send_raw(first, rogue)
        assert not watch.saw(b"strange frame")
        watch.close()
        # MAC.
        ip(first, "link set eth0 address fa:16:3e:99:99:99")
        assert not await aping(first, "10.0.0.12")
        cloud.ports[one.id] = msgspec.structs.replace(one, port_security=False)
        await place.apply(driver, cloud.state())
        assert await aping(first, "10.0.0.12")

    place.run(work)


def fails(namespace: str, argv: list[str]) -> bool:
    done = subprocess.run(
        ["nsenter", f"--net=/run/netns/{namespace}", "--", *argv],
        capture_output=True,
        check=False,
    )
    return done.returncode != 0


def test_ipv6_neighbours_groups_and_spoofing(place: Lab) -> None:
    cloud = Cloud()
    network = cloud.network(subnet("2001:db8::/64", None))
    group = cloud.group(PING6_IN)
    one = cloud.port(network, "2001:db8::11", groups=(group.id,))
    two = cloud.port(network, "2001:db8::12", groups=(group.id,))
    driver = place.driver()

    async def work() -> None:
        first = place.static_guest(one)
        second = place.static_guest(two)
        await place.apply(driver, cloud.state())
        assert await aping(first, "2001:db8::12", count=3)
        assert await aping(first, f"{link_local(two.mac)}%eth0", count=15)
        with listen(second, "2001:db8::12", 80):
            assert not reaches(first, "2001:db8::12", 80)
            with_rules(cloud, SecurityGroupRule("ingress", "IPv6", "tcp", 80, 80))
            await place.apply(driver, cloud.state())
            assert reaches(first, "2001:db8::12", 80)
        with_rules(cloud, PING6_IN)
        # A claim to the neighbour's address, sent from a true one.
        for claimed, passes in (("2001:db8::11", True), ("2001:db8::1", False)):
            watch = Watch(second)
            frame = advertisement(one, two, claimed)
            send_raw(first, frame)
            assert watch.saw(frame[54:78]) is passes
            watch.close()
        # An address that is not the port's: its neighbour advertisements do not pass either.
        ip(second, "addr add 2001:db8::99/64 dev eth0 nodad")
        await place.apply(driver, cloud.state())
        assert not await aping(first, "2001:db8::99")
        pair = AddressPair("2001:db8::98/127")
        cloud.ports[two.id] = msgspec.structs.replace(two, allowed_address_pairs=(pair,))
        await place.apply(driver, cloud.state())
        assert await aping(first, "2001:db8::99", count=5)

    place.run(work)


def advertisement(sender: PortSpec, target: PortSpec, claimed: str) -> bytes:
    """A frame with an IPv6 neighbour advertisement for `claimed`."""
    mine, theirs = (bytes.fromhex(p.mac.replace(":", "")) for p in (sender, target))
    source = socket.inet_pton(socket.AF_INET6, link_local(sender.mac))
    towards = socket.inet_pton(socket.AF_INET6, link_local(target.mac))
    body = bytes(4) + socket.inet_pton(socket.AF_INET6, claimed) + b"\x02\x01" + mine
    pseudo = source + towards + struct.pack("!II", 4 + len(body), 58)
    head = b"\x88\x00" + struct.pack("!H", checksum(pseudo + b"\x88\x00\0\0" + body))
    packet = struct.pack("!IHBB", 6 << 28, 4 + len(body), 58, 255) + source + towards
    return theirs + mine + b"\x86\xdd" + packet + head + body


def test_tenants_with_the_same_addresses_share_no_connection(place: Lab) -> None:
    cloud = Cloud()
    here, there = (cloud.network(subnet("10.0.0.0/24", None)) for _ in range(2))
    opened = cloud.group(SecurityGroupRule("ingress", "IPv4", "udp", 80, 80))
    closed = cloud.group()
    ports = [
        cloud.port(here, "10.0.0.11", groups=(closed.id,)),
        cloud.port(here, "10.0.0.12", groups=(opened.id,)),
        cloud.port(there, "10.0.0.11", groups=(closed.id,)),
        cloud.port(there, "10.0.0.12", groups=(opened.id,)),
    ]
    driver = place.driver()

    async def work() -> None:
        guests = [place.static_guest(port) for port in ports]
        await place.apply(driver, cloud.state())
        sockets = [
            datagrams(guest, port.fixed_ips[0].address, number)
            for guest, port, number in zip(guests, ports, (5555, 80, 5555, 80), strict=True)
        ]
        try:
            asks, answers, other, intruder = sockets
            asks.sendto(b"question", ("10.0.0.12", 80))
            assert answers.recv(99) == b"question"
            answers.sendto(b"answer", ("10.0.0.11", 5555))
            assert asks.recv(99) == b"answer"
            # The other tenant's guest never asked.
            intruder.sendto(b"answer", ("10.0.0.11", 5555))
            with pytest.raises(TimeoutError):
                other.recv(99)
        finally:
            for sock in sockets:
                sock.close()

    place.run(work)


def datagrams(namespace: str, address: str, port: int) -> socket.socket:
    def make() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, port))
        sock.settimeout(1)
        return sock

    return in_namespace(namespace, make)


def routed(cloud: Cloud, **more: str) -> tuple[PortSpec, PortSpec]:
    """Two guests behind a router with a gateway; `more`: floating → fixed address."""
    outside = cloud.network(subnet("203.0.113.0/24", "203.0.113.1"), external=True)
    inside = cloud.network(subnet("10.0.0.0/24", "10.0.0.1"))
    group = cloud.group(PING_IN, TCP_80)
    cloud.router(
        (inside, ("10.0.0.1/24",)), outside=(outside, "203.0.113.10/24", "203.0.113.1"),
        floating=more,
    )  # fmt: skip
    first = cloud.port(inside, "10.0.0.11", groups=(group.id,))
    return first, cloud.port(inside, "10.0.0.12", groups=(group.id,))


def with_floating(cloud: Cloud, **floating: str) -> None:
    router = next(iter(cloud.routers.values()))
    specs = tuple(
        FloatingIpSpec(f"{n:08x}-0000-4000-8000-000000000000", outer, inner)
        for n, (outer, inner) in enumerate(floating.items())
    )
    cloud.routers[router.id] = msgspec.structs.replace(router, floating_ips=specs)


def test_router_translates_and_floating_ips(place: Lab) -> None:
    cloud = Cloud()
    one, two = routed(cloud)
    driver = place.driver()

    async def work() -> None:
        first, second = place.static_guest(one, "10.0.0.1"), place.static_guest(two, "10.0.0.1")
        await place.apply(driver, cloud.state())
        with listen(place.outer, "203.0.113.1", 80) as server, listen(first, "10.0.0.11", 80) as at:
            assert await aping(first, "203.0.113.1", count=3)
            with connect(first, "203.0.113.1", 80):
                assert server.accept()[1][0] == "203.0.113.10"
            with_floating(cloud, **{"203.0.113.100": "10.0.0.11"})
            await place.apply(driver, cloud.state())
            with connect(place.outer, "203.0.113.100", 80) as client:
                assert at.accept()[1][0] == "203.0.113.1"
                with connect(first, "203.0.113.1", 80):
                    assert server.accept()[1][0] == "203.0.113.100"
                # Its neighbour by the floating IP, which has none itself, and the guest itself.
                assert reaches(second, "203.0.113.100", 80)
                assert reaches(first, "203.0.113.100", 80)
                # Moved to the neighbour: the old connection is cut, a new one arrives there.
                assert flows_to(place, cloud, "10.0.0.11")
                with_floating(cloud, **{"203.0.113.100": "10.0.0.12"})
                await place.apply(driver, cloud.state())
                client.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert not flows_to(place, cloud, "10.0.0.11")
                with (
                    listen(second, "10.0.0.12", 80) as neighbour,
                    connect(place.outer, "203.0.113.100", 80),
                ):
                    neighbour.accept()
            with_floating(cloud)
            await place.apply(driver, cloud.state())
            assert not await aping(place.outer, "203.0.113.100")
            assert await aping(first, "203.0.113.1")

    place.run(work)


def flows_to(place: Lab, cloud: Cloud, address: str) -> bool:
    router = next(iter(cloud.routers))
    namespace = f"{place.prefix}-r-{router[:8]}"
    text = run_blocking(["conntrack", "-L", "--any-nat"], namespace=namespace).decode()
    return f"src={address} dst=203.0.113.1 sport=80 " in text


def test_nat_to_outside_and_its_removal(place: Lab) -> None:
    cloud = Cloud()
    one, _ = routed(cloud)
    driver = place.driver(nat_to_outside=True)
    far = f"{place.guests}far"

    async def work() -> None:
        guest = place.static_guest(one, "10.0.0.1")
        create_namespace(far)
        ip(place.outer, f"link add up0 type veth peer name eth0 netns {far}", "link set up0 up",
           "addr add 192.0.2.1/24 dev up0")  # fmt: skip
        ip(far, "link set eth0 up", "addr add 192.0.2.2/24 dev eth0")
        await place.apply(driver, cloud.state())
        assert await aping(guest, "192.0.2.2", count=3)
        text = run_blocking(["nft", "list", "tables"], namespace=place.outer).decode()
        assert text.split() == ["table", "ip", f"{place.prefix}_nat"]
        await place.apply(driver, cloud.state())
        assert await aping(guest, "192.0.2.2")
        await driver.remove_all()
        assert run_blocking(["nft", "list", "ruleset"], namespace=place.outer) == b""
        forward = run_blocking(["sysctl", "-n", "net.ipv4.ip_forward"], namespace=place.outer)
        assert forward.strip() == b"0"

    place.run(work)


def test_metadata_knows_two_tenants_with_the_same_addresses(place: Lab) -> None:
    cloud = Cloud()
    seen: list[MetadataRequest] = []

    async def handler(request: MetadataRequest) -> MetadataResponse:
        seen.append(request)
        return MetadataResponse(200, "text/plain", request.device_id.encode())

    networks = [
        cloud.network(subnet("10.0.0.0/24", "10.0.0.1"), dhcp=("10.0.0.2/24",)) for _ in range(3)
    ]
    group = cloud.group()
    ports = [cloud.port(n, "10.0.0.11", groups=(group.id,)) for n in networks]
    for network in networks[:2]:
        cloud.router((network, ("10.0.0.1/24",)))
    driver = place.driver(metadata=handler)

    async def work() -> None:
        guests = [place.static_guest(port) for port in ports]
        for guest in guests[:2]:
            ip(guest, "route add default via 10.0.0.1")
        ip(guests[2], "route add 169.254.169.254/32 via 10.0.0.2")
        await place.apply(driver, cloud.state())
        for guest, port in zip(guests, ports, strict=True):
            answer = await asyncio.to_thread(
                http, guest, "169.254.169.254", "/openstack/latest/meta_data.json?x=1",
                headers="X-Instance-ID: other\r\nX-Forwarded-For: 1.2.3.4\r\nAccept: a\r\n",
            )  # fmt: skip
            assert answer.startswith("HTTP/1.1 200 OK") and answer.endswith(port.device_id)
            assert seen[-1].project_id == port.project_id and seen[-1].port_id == port.id
            assert seen[-1].path == "/openstack/latest/meta_data.json?x=1"
            assert dict(seen[-1].headers) == {"host": "x", "accept": "a"}
        stranger = guests[2]
        ip(stranger, "addr flush dev eth0", "addr add 10.0.0.50/24 dev eth0",
           "route replace 169.254.169.254/32 via 10.0.0.2")  # fmt: skip
        unfiltered = msgspec.structs.replace(ports[2], port_security=False)
        cloud.ports[unfiltered.id] = unfiltered
        await place.apply(driver, cloud.state())
        answer = await asyncio.to_thread(http, stranger, "169.254.169.254", "/")
        assert answer.startswith("HTTP/1.1 404")
        # The redirect's own port is not for direct visitors.
        assert not await asyncio.to_thread(reaches, guests[0], "10.0.0.1", 9697)
        answer = await asyncio.to_thread(
            http, guests[0], "169.254.169.254", "/", headers=f"A: {'x' * 20000}\r\n"
        )
        assert answer.startswith("HTTP/1.1 431")

    place.run(work)


def test_slaac_from_the_router(place: Lab) -> None:
    cloud = Cloud()
    modes = {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
    network = cloud.network(subnet("2001:db8::/64", "2001:db8::1", **modes), mtu=1400)
    group = cloud.group(PING6_IN)
    port = cloud.port(network, groups=(group.id,))
    suffix = link_local(port.mac).removeprefix("fe80::")
    address = f"2001:db8::{suffix}"
    fixed = cloud.port(network, address).fixed_ips
    cloud.ports.popitem()
    port = msgspec.structs.replace(port, fixed_ips=fixed)
    cloud.ports[port.id] = port
    cloud.router((network, ("2001:db8::1/64",)))
    driver = place.driver()

    async def work() -> None:
        guest = place.guest(port)
        report = await place.apply(driver, cloud.state())
        assert {seen.status for seen in report.ports} == {"ACTIVE"}, report
        end = time.monotonic() + 20
        while address not in show(guest, "addr") or "default" not in show(guest, "route"):
            assert time.monotonic() < end, show(guest, "addr") + show(guest, "route")
            await asyncio.sleep(0.2)
        assert await aping(guest, "2001:db8::1", count=5)
        assert "mtu 1400" in show(guest, "route") or "1400" in show(guest, "link")

    place.run(work)


@pytest.mark.parametrize("routed_net", [True, False])
def test_stateful_dhcpv6(place: Lab, routed_net: bool) -> None:
    cloud = Cloud()
    mode = "dhcpv6-stateful"
    net = subnet(
        "2001:db8::/64", "2001:db8::1", ipv6_ra_mode=mode, ipv6_address_mode=mode,
        dns=("2001:db8::53",),
    )  # fmt: skip
    network = cloud.network(net, dhcp=("2001:db8::2/64",))
    port = cloud.port(network, "2001:db8::11", groups=(cloud.group().id,))
    if routed_net:
        cloud.router((network, ("2001:db8::1/64",)))
    driver = place.driver()

    async def work() -> None:
        guest = place.guest(port)
        report = await place.apply(driver, cloud.state())
        assert {seen.status for seen in report.ports} == {"ACTIVE"}, report
        answer = await asyncio.to_thread(dhcp6, guest, port.mac)
        assert socket.inet_pton(socket.AF_INET6, "2001:db8::11") in answer
        assert socket.inet_pton(socket.AF_INET6, "2001:db8::53") in answer

    place.run(work)


def show(namespace: str, what: str) -> str:
    return run_blocking(["ip", "-6", what, "show", "dev", "eth0"], namespace=namespace).decode()


def everything(place: Lab) -> dict[str, str]:
    """All rules with their handles, addresses, routes and processes of the cloud."""
    found = {"processes": str(dnsmasq_pids(place))}
    for namespace in [*list_namespaces(f"{place.prefix}-"), place.outer]:
        for argv in (
            ["nft", "-a", "list", "ruleset"],
            ["ip", "-d", "-4", "addr", "show"],
            ["ip", "route", "show"],
        ):
            text = run_blocking(argv, namespace=namespace).decode()
            lines = [line for line in text.splitlines() if "valid_lft" not in line]
            # Counters and timers of bridges move by themselves.
            kept = [" ".join(w for w in line.split() if not w.isdigit() or argv[0] == "ip")
                    if "counter" in line else line.split("hello_timer")[0]
                    for line in lines]  # fmt: skip
            found[f"{namespace} {' '.join(argv)}"] = "\n".join(kept)
    return found


def changes(namespace: str) -> subprocess.Popen[bytes]:
    """Prints every change of a device or address until it is ended."""
    return subprocess.Popen(
        ["nsenter", f"--net=/run/netns/{namespace}", "--", "ip", "monitor", "link", "address"],
        stdout=subprocess.PIPE,
    )


def test_again_changes_nothing_and_a_restart_adopts(place: Lab) -> None:
    cloud = Cloud()
    one, two = routed(cloud)
    network = cloud.network(subnet("10.9.0.0/24", "10.9.0.1"), dhcp=("10.9.0.2/24",))
    cloud.port(network, "10.9.0.11")
    with_floating(cloud, **{"203.0.113.100": "10.0.0.11"})
    driver = place.driver(nat_to_outside=True)

    async def work() -> None:
        first = place.static_guest(one, "10.0.0.1")
        place.static_guest(two, "10.0.0.1")
        state = cloud.state()
        report = await place.apply(driver, state)
        await asyncio.to_thread(ping, first, "10.0.0.12")
        await asyncio.sleep(1)
        before = everything(place)
        pings = [LongPing(first, "10.0.0.12"), LongPing(place.outer, "203.0.113.100")]
        monitor = changes(place.host)
        assert await place.apply(driver, state) == report
        await driver.close()
        adopted = place.driver(nat_to_outside=True)
        assert await place.apply(adopted, state) == report
        monitor.terminate()
        assert monitor.communicate()[0] == b""
        assert everything(place) == before
        # A change elsewhere, by difference and (after a restart) as a whole.
        for _ in range(3):
            cloud.port(network, f"10.9.0.{20 + len(cloud.ports)}")
            await place.apply(adopted, cloud.state())
        await adopted.close()
        third = place.driver(nat_to_outside=True)
        cloud.ports.popitem()
        await place.apply(third, cloud.state())
        for long in pings:
            sent, received = await asyncio.to_thread(long.stop)
            assert sent > 10 and sent - received <= 1, (sent, received)

    place.run(work)


def test_a_killed_dnsmasq_and_a_lost_namespace_come_back(place: Lab) -> None:
    cloud = Cloud()
    network = cloud.network(subnet("10.0.0.0/24", "10.0.0.1"), dhcp=("10.0.0.2/24",))
    port = cloud.port(network, "10.0.0.11")
    cloud.router((network, ("10.0.0.1/24",)))
    driver = place.driver()

    async def work() -> None:
        guest = place.guest(port)
        await place.apply(driver, cloud.state())
        (pid,) = dnsmasq_pids(place)
        os.kill(pid, 9)
        await place.apply(driver, cloud.state())
        assert (await asyncio.to_thread(dhcp, guest, port.mac))[0] == "10.0.0.11"
        for namespace in list_namespaces(f"{place.prefix}-r-"):
            delete_namespace(namespace)
        report = await place.apply(driver, cloud.state())
        assert {seen.status for seen in report.ports} == {"ACTIVE"}, report
        ip(guest, "addr add 10.0.0.11/24 dev eth0")
        group = cloud.group()
        cloud.ports[port.id] = msgspec.structs.replace(port, security_groups=(group.id,))
        await place.apply(driver, cloud.state())
        assert await aping(guest, "10.0.0.1", count=3)

    place.run(work)


def test_remove_all_leaves_nothing(place: Lab) -> None:
    cloud = Cloud()
    routed(cloud)
    network = cloud.network(subnet("10.9.0.0/24", "10.9.0.1"), dhcp=("10.9.0.2/24",))
    cloud.port(network, "10.9.0.11")
    driver = place.driver(nat_to_outside=True)

    async def work() -> None:
        await place.apply(driver, cloud.state())
        assert dnsmasq_pids(place)
        await driver.close()
        # A new object, as `down --purge` uses, that has applied nothing.
        await place.driver(nat_to_outside=True).remove_all()
        assert dnsmasq_pids(place) == []
        assert list_namespaces(f"{place.prefix}-") == []
        assert run_blocking(["nft", "list", "ruleset"], namespace=place.outer) == b""
        links = run_blocking(["ip", "-o", "link", "show"], namespace=place.outer).decode()
        assert place.prefix not in links
        assert [path.name for path in place.state.iterdir()] == []

    place.run(work)
