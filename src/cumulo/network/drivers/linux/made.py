"""What this driver has made on the host, and for which item: only that it may take away again.

A record in the driver's state directory: device or namespace → the item that it is a part of. It
is written before anything is made, so a name that is on the host and not in it is somebody else's,
or of a time that nobody remembers: it is left alone and told of as a stranger.
"""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import msgspec

from cumulo.network.drivers.linux import names, router
from cumulo.network.drivers.linux.plan import Plan
from cumulo.network.model.orders import HostNetworks, item_id

DEVICE, NAMESPACE = "device", "namespace"


def key(kind: str, name: str) -> str:
    return f"{kind}/{name}"


class MadeHere:
    def __init__(self, state: Path) -> None:
        self._path = state / "made.json"
        try:
            self._owners = msgspec.json.decode(self._path.read_bytes(), type=dict[str, str])
        except (OSError, msgspec.MsgspecError):
            self._owners = {}
        self._kept: set[str] = set()

    def strangers(self) -> list[str]:
        """Of the last pass: items that something is left of, or names that nobody knows."""
        return sorted(self._kept)

    def begin(self, plan: Plan) -> None:
        """These are going to be there."""
        wanted = owners(plan)
        if any(self._owners.get(name) != owner for name, owner in wanted.items()):
            self._owners |= wanted
            self._save()

    def stale(
        self,
        kind: str,
        found: Iterable[str],
        desired: HostNetworks,
        gone: Collection[str] | None,
    ) -> list[str]:
        """Which of the found names, none of which is wanted, are to be taken away: parts of items
        that go (`gone`; None: all that is not desired) or that have changed."""
        items, stale = item_ids(desired), []
        for name in found:
            owner = self._owners.get(key(kind, name), key(kind, name))
            if gone is None or owner in gone or owner in items:
                stale.append(name)
            else:
                self._kept.add(owner)
        return stale

    def begin_pass(self) -> None:
        self._kept = set()

    def end_pass(self, plan: Plan) -> None:
        """What is not wanted and was not kept is gone."""
        wanted = owners(plan)
        left = {n: o for n, o in self._owners.items() if n in wanted or o in self._kept}
        if left != self._owners:
            self._owners = left
            self._save()

    def clear(self) -> None:
        self._owners, self._kept = {}, set()
        self._path.unlink(missing_ok=True)

    def _save(self) -> None:
        temporary = self._path.with_suffix(".new")
        temporary.write_bytes(msgspec.json.encode(self._owners))
        temporary.replace(self._path)


def item_ids(desired: HostNetworks) -> set[str]:
    return {
        *(item_id("network", each.id) for each in desired.networks),
        *(item_id("port", each.id) for each in desired.ports),
        *(item_id("router", each.id) for each in desired.routers),
    }


def owners(plan: Plan) -> Mapping[str, str]:
    """Every device and namespace of the plan, and the item that it is a part of."""
    found: dict[str, str] = {}
    for network in plan.desired.networks:
        owner = item_id("network", network.id)
        found[key(DEVICE, names.bridge(network.number))] = owner
        found[key(DEVICE, names.tunnel(network.number))] = owner
        if network.external:
            found[key(DEVICE, names.external_device(network.number))] = owner
        if network.dhcp is not None:
            found[key(DEVICE, names.veth("nh", network.dhcp.mac))] = owner
            found[key(NAMESPACE, names.network_namespace(plan.prefix, network.id))] = owner
    for tap in plan.wanted.taps:
        found[key(DEVICE, tap.name)] = item_id("port", plan.port_of_tap[tap.name])
    for namespace, spec in plan.routers.items():
        owner = item_id("router", spec.id)
        found[key(NAMESPACE, namespace)] = owner
        for veth in router.veths(plan.prefix, spec, plan.networks):
            found[key(DEVICE, veth.name)] = owner
    return found
