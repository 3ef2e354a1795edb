"""Entries of connection tracking that outlived what they came from.

Translations are decided once per connection, so a floating IP that is taken away or given to
another guest goes on working for open connections until their entries are deleted. Which entries
contradict the present state is read off the entries themselves, so nothing has to be remembered
over a restart, and no other connection is disturbed.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cumulo.core.run.commands import CommandFailed, run
from cumulo.network.drivers.linux import names
from cumulo.network.model.orders import RouterSpec

_ENTRY = re.compile(
    r"^(?P<protocol>\w+) .*?src=(?P<source>\S+) dst=(?P<target>\S+)"
    r"(?: sport=(?P<port>\d+) dport=(?P<outer>\d+))?(?:(?! src=).)*"
    r" src=(?P<reply_source>\S+) dst=(?P<reply_target>\S+)(?: sport=(?P<inner>\d+))?"
)


class Entry(NamedTuple):
    """What names an entry. Ports are empty where the protocol has none."""

    protocol: str
    source: str
    target: str
    port: str
    outer: str
    reply_source: str
    reply_target: str


async def forget_addresses(namespace: str, addresses: Iterable[tuple[int, str]]) -> None:
    """Delete what (zone, address) pairs of ports that are gone have open."""
    for zone, address in addresses:
        for side in ("-s", "-d"):
            family = "ipv6" if ":" in address else "ipv4"
            await _conntrack(namespace, "-D", "-f", family, "-w", str(zone), side, address)


async def forget_translations(namespace: str, router: RouterSpec) -> None:
    """Delete a router's entries that translate as it does not any more."""
    inward = {f.floating_address: f.fixed_address for f in router.floating_ips if f.fixed_address}
    forwarded = {
        (each.protocol, floating.floating_address, str(each.external_port)): (
            each.fixed_address,
            str(each.internal_port),
        )
        for floating in router.floating_ips
        for each in floating.forwarded
    }
    own = {a.partition("/")[0] for a in (router.gateway.addresses if router.gateway else ())}
    text = await _conntrack(namespace, "-L", "-f", "ipv4", "--any-nat")
    for each in contradictions(text, inward, own, forwarded):
        ports = ("-p", each.protocol, "--sport", each.port, "--dport", each.outer)
        await _conntrack(
            namespace, "-D", "-f", "ipv4", "--orig-src", each.source, "--orig-dst", each.target,
            "--reply-src", each.reply_source, "--reply-dst", each.reply_target,
            *(ports if each.port else ()),
        )  # fmt: skip


def contradictions(
    text: str,
    inward: Mapping[str, str],
    own: Iterable[str],
    forwarded: Mapping[tuple[str, str, str], tuple[str, str]] | None = None,
) -> list[Entry]:
    """From `conntrack -L`: the entries that neither `inward` (floating → fixed address) nor
    `forwarded` ((protocol, floating address, port) → (fixed address, port)) nor the router's `own`
    addresses explain."""
    pairs = set(inward.items())
    mine = set(own)
    ports = forwarded or {}
    found: set[Entry] = set()
    for line in text.splitlines():
        match = _ENTRY.search(line)
        if match is None or match["target"] == names.METADATA_ADDRESS:
            continue
        texts = {name: text or "" for name, text in match.groupdict().items()}
        inner = texts.pop("inner")
        entry = Entry(**texts)
        _, source, target, _, outer, reply_source, reply_target = entry
        inside = (
            target == reply_source
            or (target, reply_source) in pairs
            or ports.get((entry.protocol, target, outer)) == (reply_source, inner)
        )
        outside = source == reply_target or (reply_target, source) in pairs or reply_target in mine
        if not (inside and outside):
            found.add(entry)
    return sorted(found)


async def _conntrack(namespace: str, *arguments: str) -> str:
    try:
        return (await run(["conntrack", *arguments], namespace=namespace)).decode()
    except CommandFailed as failed:
        # Status 1 also means that there was nothing to delete.
        if failed.status != 1 or "0 flow entries" not in failed.stderr:
            raise
        return ""
