"""QoS of ports, by nftables on the bridge: what is too much is dropped, what goes out is marked.

Compute's own limits of a guest's card are queues of its tap (tc); these are before and behind
them, so both hold.
"""

from collections.abc import Iterable, Sequence

from cumulo.network.drivers.driver import tap_name
from cumulo.network.drivers.linux.nft import Chain, Set, Table
from cumulo.network.model.orders import Limit, PortSpec

MOST = 2**32 - 1
"""Of what nft takes for a rate or a burst."""


def table(ports: Iterable[PortSpec]) -> Table:
    chains: dict[str, Chain] = {}
    maps: dict[str, set[str]] = {"from": set(), "to": set()}
    for port in ports:
        if port.qos is None:
            continue
        outward = [limit_text(each) for each in port.qos.limits if not each.inward]
        inward = [limit_text(each) for each in port.qos.limits if each.inward]
        if port.qos.dscp is not None:
            mark = port.qos.dscp
            outward = [f"ip dscp set {mark}", f"ip6 dscp set {mark}", *outward]
        for name, letter, rules in (("from", "f", outward), ("to", "t", inward)):
            if rules:
                chain = f"q{letter}_{port.number}"
                chains[chain] = Chain(tuple(rules))
                maps[name].add(f'"{tap_name(port.id)}" : jump {chain}')
    sets = {
        name: Set("type ifname : verdict;", frozenset(elements), "map")
        for name, elements in maps.items()
    }
    # Behind the check of who sends (-300), before the security groups' marks are of use.
    chains["pre"] = Chain(
        ("iifname vmap @from",), "type filter hook prerouting priority -290; policy accept;"
    )
    chains["onward"] = Chain(
        ("oifname vmap @to",), "type filter hook forward priority 10; policy accept;"
    )
    return Table("bridge", "qos", sets, chains)


def limit_text(limit: Limit, match: str = "") -> str:
    """The kernel adds a second's bytes to the burst that it is told: less than that is not to be
    had, and what is more is what it is told."""
    rate, burst = min(limit.rate, MOST), min(limit.burst, MOST)
    amount = (
        f"{rate}/second burst {burst} packets"
        if limit.packets
        else f"{rate} bytes/second burst {max(burst - rate, 1)} bytes"
    )
    return f"{match} limit rate over {amount} drop".strip()


def checked(limits: Sequence[Limit], dscp: int | None = None) -> None:
    """Raises ValueError."""
    for each in limits:
        if each.rate < 1 or each.burst < 1:
            raise ValueError(f"a limit of {each.rate} with bursts of {each.burst}")
    if dscp is not None and not 0 <= dscp < 64:
        raise ValueError(f"DSCP mark {dscp} is out of range")
