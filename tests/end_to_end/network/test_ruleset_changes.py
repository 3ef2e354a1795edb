"""A ruleset reached by differences is the ruleset loaded at once: the kernel is asked."""

import asyncio
import random
import re

import msgspec

from cumulo.core.run.commands import run_blocking
from cumulo.core.run.namespaces import create_namespace
from cumulo.network.drivers.linux.nft import Firewall, full_text
from cumulo.network.drivers.linux.security import ruleset
from cumulo.network.model.orders import AddressPair, HostNetworks, SecurityGroupRule
from tests.end_to_end.network.lab import Cloud, lab, subnet


def test_differences_lead_to_the_same_ruleset() -> None:
    luck = random.Random(7)
    with lab() as place:
        changed, fresh = f"{place.guests}changed", f"{place.guests}fresh"
        create_namespace(changed)
        create_namespace(fresh)
        firewall = Firewall(changed)
        for _ in range(25):
            rules = ruleset(some_state(luck))
            asyncio.run(firewall.load(rules))
            assert not asyncio.run(firewall.load(rules))
            run_blocking(["nft", "-f", "-"], stdin=full_text(rules).encode(), namespace=fresh)
            assert listed(changed) == listed(fresh)


def listed(namespace: str) -> dict[str, list[str]]:
    """Blocks of the ruleset, elements in order: the kernel keeps sets in no order."""
    text = run_blocking(["nft", "list", "ruleset"], namespace=namespace).decode()
    blocks: dict[str, list[str]] = {}
    table = ""
    for block in re.split(r"\n(?=\t\w|\w)", text):
        head = block.split("{")[0].strip()
        table = head if head.startswith("table") else table
        blocks[f"{table} {head}"] = (
            [line for line in block.split("\n") if line.strip() not in ("", "}")]
            if "\tchain" in block
            else sorted(e for e in re.split(r"[\s,{}]*[,\n{}]\s*", block) if e)
        )
    return blocks


def some_state(luck: random.Random) -> HostNetworks:
    cloud = Cloud()
    network = cloud.network(subnet("10.0.0.0/16", None))
    groups = [cloud.group() for _ in range(4)]
    # Ids that come again, so that there is something to keep, change and remove.
    cloud.groups.clear()
    for number, group in enumerate(groups):
        identifier = f"{number:08x}-1111-4111-8111-111111111111"
        rules = tuple(
            SecurityGroupRule(
                luck.choice(["ingress", "egress"]), "IPv4", "tcp", luck.randint(1, 3), 9,
                remote_group_id=luck.choice([None, "00000001-1111-4111-8111-111111111111"]),
            )
            for _ in range(luck.randint(0, 3))
        )  # fmt: skip
        members = tuple(
            luck.choice(["10.0.0.1", "10.0.0.2", "10.2.0.0/16", "10.3.0.0/24", "2001:db8::/64"])
            for _ in range(luck.randint(0, 4))
        )
        cloud.groups[identifier] = msgspec.structs.replace(
            group, id=identifier, rules=rules, members=members, stateful=luck.random() < 0.7
        )
    for number in range(luck.randint(0, 8)):
        port = cloud.port(network, f"10.0.0.{luck.randint(1, 9)}")
        pairs = tuple(
            AddressPair(luck.choice(["10.9.0.0/24", "10.9.0.0/28", "10.9.9.9", "2001:db8::/40"]))
            for _ in range(luck.randint(0, 2))
        )
        cloud.ports[port.id] = msgspec.structs.replace(
            port, id=f"{number:08x}-2222-4222-8222-222222222222", allowed_address_pairs=pairs,
            security_groups=tuple(luck.sample(sorted(cloud.groups), luck.randint(0, 2))),
            mac=f"fa:16:3e:00:00:{luck.randint(1, 3):02x}",
        )  # fmt: skip
    return cloud.state()
