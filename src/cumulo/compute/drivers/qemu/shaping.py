"""What a guest's network cards may move: queues and filters on their taps.

    quota:vif_inbound_average     kB a second that come to the guest …
    quota:vif_inbound_peak        … and at the most, while …
    quota:vif_inbound_burst       … so many kB are spent that it has saved
    quota:vif_outbound_…          the same of what it sends

What comes to the guest waits in a queue (tbf); what it sends beyond its rate is dropped at the tap
(nftables, whose bucket holds a second of the rate beside the burst). Queues go with their taps, the
table with the guest.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cumulo.core.run.commands import CommandFailed, run
from cumulo.core.run.namespaces import namespace_exists

TABLE = "cumulo_vif_"
LATENCY = "50ms"
FASTEST = 12_500_000
"""kB a second, 100 Gbit: more than a tap moves, and less than the tools cannot say."""
LARGEST_BUCKET = 2_000_000_000
"""Bytes: the kernel counts them by 32 bits."""
FRAME = 64 * 1024
"""Bytes of the largest piece that a guest sends in one: less of a bucket would let none through."""


class Rate(NamedTuple):
    """kB a second, and kB."""

    average: int
    peak: int
    burst: int

    @property
    def bucket(self) -> int:
        """Bytes that may go at once: what was asked for, and never less than 10 ms of the rate."""
        return min(max(self.burst * 1000, self.average * 10, FRAME), LARGEST_BUCKET)


def wanted(specs: Mapping[str, str], way: str) -> Rate | None:
    """Of a flavor's extra specs; without an average there is no limit, as with Nova."""
    found = []
    for name in ("average", "peak", "burst"):
        text = specs.get(f"quota:vif_{way}_{name}", "")
        found.append(int(text[:10]) if text.isdecimal() else 0)
    if not found[0]:
        return None
    average, peak, burst = (min(each, FASTEST) for each in found)
    return Rate(average, peak, burst)


def is_wanted(specs: Mapping[str, str]) -> bool:
    return any(wanted(specs, way) is not None for way in ("inbound", "outbound"))


async def apply(
    namespace: str | None, guest_id: str, taps: Sequence[str], specs: Mapping[str, str]
) -> None:
    """To all cards of a guest. Raises CommandFailed."""
    inbound, outbound = wanted(specs, "inbound"), wanted(specs, "outbound")
    if inbound is not None:
        lines = [_queue(tap, inbound) for tap in taps]
        await run(["tc", "-batch", "-"], stdin="\n".join(lines).encode(), namespace=namespace)
    if outbound is not None:
        text = _table(guest_id, taps, outbound)
        await run(["nft", "-f", "-"], stdin=text.encode(), namespace=namespace)


async def forget(namespace: str | None, guest_id: str, taps: Sequence[str] = ()) -> None:
    """Nothing is limited any more; what is not there is no error."""
    if namespace is not None and not namespace_exists(namespace):
        return
    commands = [["nft", "delete", "table", "netdev", _name(guest_id)]]
    commands += [["tc", "qdisc", "del", "dev", tap, "root"] for tap in taps]
    for argv in commands:
        try:
            await run(argv, namespace=namespace)
        except CommandFailed:
            continue


def _queue(tap: str, rate: Rate) -> str:
    made = f"qdisc replace dev {tap} root tbf rate {rate.average}kbps burst {rate.bucket}"
    made += f" latency {LATENCY}"
    if rate.peak > rate.average:
        made += f" peakrate {rate.peak}kbps mtu {FRAME}"
    return made


def _table(guest_id: str, taps: Sequence[str], rate: Rate) -> str:
    name = _name(guest_id)
    rules = [f"limit rate over {rate.average} kbytes/second burst {rate.bucket} bytes drop"]
    if rate.peak > rate.average:
        rules.append(f"limit rate over {rate.peak} kbytes/second burst {FRAME} bytes drop")
    chains = [
        f'chain {tap} {{ type filter hook ingress device "{tap}" priority 0; {"; ".join(rules)}; }}'
        for tap in taps
    ]
    body = "\n".join(chains)
    anew = f"table netdev {name} {{ }}\ndelete table netdev {name}\n"
    return f"{anew}table netdev {name} {{\n{body}\n}}\n"


def _name(guest_id: str) -> str:
    return TABLE + guest_id.replace("-", "_")
