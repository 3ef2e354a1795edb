"""Entries of connection tracking that outlived what they came from.

Translations are decided once per connection, so a floating IP that is taken away or given to
another guest goes on working for open connections until their entries are deleted. Which entries
contradict the present state is read off the entries themselves, so nothing has to be remembered
over a restart, and no other connection is disturbed.
"""

import re
from collections.abc import Iterable, Mapping

from cumulo.core.run.commands import CommandFailed, run
from cumulo.network.drivers.linux import names
from cumulo.network.model.orders import RouterSpec

_ENTRY = re.compile(r"src=(\S+) dst=(\S+)(?:(?! src=).)* src=(\S+) dst=(\S+)")


async def forget_addresses(namespace: str, addresses: Iterable[tuple[int, str]]) -> None:
    """Delete what (zone, address) pairs of ports that are gone have open."""
    for zone, address in addresses:
        for side in ("-s", "-d"):
            family = "ipv6" if ":" in address else "ipv4"
            await _conntrack(namespace, "-D", "-f", family, "-w", str(zone), side, address)


async def forget_translations(namespace: str, router: RouterSpec) -> None:
    """Delete a router's entries that translate as it does not any more."""
    inward = {f.floating_address: f.fixed_address for f in router.floating_ips}
    own = {a.partition("/")[0] for a in (router.gateway.addresses if router.gateway else ())}
    text = await _conntrack(namespace, "-L", "-f", "ipv4", "--any-nat")
    for source, target, reply_source, reply_target in contradictions(text, inward, own):
        await _conntrack(
            namespace, "-D", "-f", "ipv4", "--orig-src", source, "--orig-dst", target,
            "--reply-src", reply_source, "--reply-dst", reply_target,
        )  # fmt: skip


def contradictions(
    text: str, inward: Mapping[str, str], own: Iterable[str]
) -> list[tuple[str, str, str, str]]:
    """From `conntrack -L`: (source, target, reply source, reply target) of the entries that
    neither `inward` (floating → fixed address) nor the router's `own` addresses explain."""
    pairs = set(inward.items())
    mine = set(own)
    found: set[tuple[str, str, str, str]] = set()
    for line in text.splitlines():
        match = _ENTRY.search(line)
        if match is None or match[2] == names.METADATA_ADDRESS:
            continue
        source, target, reply_source, reply_target = match.groups()
        inside = target == reply_source or (target, reply_source) in pairs
        outside = source == reply_target or (reply_target, source) in pairs or reply_target in mine
        if not (inside and outside):
            found.add((source, target, reply_source, reply_target))
    return sorted(found)


async def _conntrack(namespace: str, *arguments: str) -> str:
    try:
        return (await run(["conntrack", *arguments], namespace=namespace)).decode()
    except CommandFailed as failed:
        # Status 1 also means that there was nothing to delete.
        if failed.status != 1 or "0 flow entries" not in failed.stderr:
            raise
        return ""
