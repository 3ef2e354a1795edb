"""Telling hosts what they have: which networks, ports, groups, members and routers are theirs.

A host has the ports that are bound to it, and of networks and groups those that these ports need:
a network as long as one of its ports is there, a group as long as a guest's port there is in it,
and the members of a group as long as a rule of such a group names it. Who else must learn of a new
member is not told in the transaction that makes it (that would cost as much as there are hosts),
but by `spread`, which serves all changes of a short while at once.
"""

import ipaddress
from collections.abc import Callable, Iterable, Sequence

from cumulo.core.db.transaction import Tx
from cumulo.core.hosts.registry import HostRegistry, is_alive
from cumulo.network.model.host import NetworkHostRow
from cumulo.network.model.orders import HostTunnels, item_id
from cumulo.network.model.port import DHCP, FLOATING_IP, OF_ROUTERS, PortRow
from cumulo.network.model.router import RouterRow
from cumulo.network.model.security_group import GroupChangeRow
from cumulo.network.queries import host as host_queries
from cumulo.network.queries import port as port_queries
from cumulo.network.queries import router as router_queries
from cumulo.network.queries import security_group as group_queries

KIND = "network"
"""The kind of work of the network service's host part."""


class Hosts:
    """Where things are placed, and telling their hosts of a change."""

    def __init__(self, registry: HostRegistry) -> None:
        self.registry = registry
        self.on_members: Callable[[], None] = lambda: None
        """Rung after a commit that changed the members of groups."""

    def choose(self, tx: Tx) -> str | None:
        """The host for a router or a DHCP server: alive, external networks lead out of it, has the
        fewest routers. None when there is none: the next host that comes takes it over."""
        # Until the first host has said whether it leads out, any may.
        gateways = {str(id): bool(leads) for id, leads in tx.tuples(host_queries.GATEWAYS)}
        fit = [
            host.id
            for host in self.registry.all(tx)
            if KIND in host.roles
            and host.enabled
            and is_alive(host, tx.now)
            and (not gateways or gateways.get(host.id))
        ]
        if len(fit) < 2:
            return fit[0] if fit else None
        return min(fit, key=lambda id: len(tx.all(router_queries.ON_HOST, host_id=id)))

    # --- ports --------------------------------------------------------------------------------

    def port_changed(self, tx: Tx, port: PortRow, groups: Sequence[str]) -> int:
        """A port that is bound to a host is new there, or changed: its version. 0 for a name that
        is no host's (a port may be bound to any)."""
        if port.host_id is None or port.role == FLOATING_IP:
            return 0
        self._note_neighbours(tx, port.network_id)
        network = item_id("network", port.network_id)
        if port.role == DHCP:
            return self.registry.change(tx, port.host_id, KIND, [network])
        needed = [network]
        if port.role in OF_ROUTERS:
            changed = item_id("router", port.holder or "")
        else:
            changed = item_id("port", port.id)
            needed += [item_id("group", group) for group in groups]
            needed += [item_id("members", group) for group in self._named_by(tx, groups)]
        known = self.registry.items(tx, port.host_id, KIND, needed)
        lacking = [id for id in needed if id not in known or known[id].gone]
        return self.registry.change(tx, port.host_id, KIND, [changed, *lacking])

    def port_left(self, tx: Tx, port: PortRow, host_id: str | None, groups: Sequence[str]) -> None:
        """A port is not (any more) on that host; the rows say so already."""
        if host_id is None or port.role == FLOATING_IP:
            return
        self._note_neighbours(tx, port.network_id)
        network = item_id("network", port.network_id)
        touched, gone = [], self._unused_groups(tx, host_id, groups)
        if port.role in OF_ROUTERS:
            router = tx.get(RouterRow, port.holder or "")
            if router is not None and router.host_id == host_id:
                touched.append(item_id("router", router.id))
        elif port.role != DHCP:
            gone.append(item_id("port", port.id))
        if not tx.value(port_queries.ANY_ON_HOST, host_id=host_id, network_id=port.network_id):
            gone += [network, item_id("neighbours", port.network_id)]
        elif port.role == DHCP:
            touched.append(network)
        known = self.registry.items(tx, host_id, KIND, gone) if gone else {}
        gone = [id for id in gone if id in known and not known[id].gone]
        if touched or gone:
            self.registry.change(tx, host_id, KIND, touched, gone)

    def groups_left(self, tx: Tx, port: PortRow, groups: Sequence[str]) -> None:
        """A port that stays on its host is in these groups no more."""
        if port.host_id is not None and groups:
            gone = self._unused_groups(tx, port.host_id, groups)
            if gone:
                self.registry.change(tx, port.host_id, KIND, (), gone)

    def _unused_groups(self, tx: Tx, host_id: str, groups: Sequence[str]) -> list[str]:
        """Items of groups that no guest's port of the host is in, and of members that no rule of
        its groups names then."""
        if not groups:
            return []
        used = {g for (g,) in tx.tuples(port_queries.GROUPS_ON_HOST, host_id=host_id, ids=groups)}
        unused = [group for group in groups if group not in used]
        named = self._named_by(tx, unused)
        if named:
            still = tx.tuples(port_queries.NAMED_ON_HOST, host_id=host_id, ids=named)
            named = sorted(set(named) - {group for (group,) in still})
        return [*(item_id("group", g) for g in unused), *(item_id("members", g) for g in named)]

    def _named_by(self, tx: Tx, groups: Sequence[str]) -> list[str]:
        """Groups whose members the rules of these groups name."""
        if not groups:
            return []
        return [str(group) for (group,) in tx.tuples(group_queries.NAMED_BY, ids=groups)]

    # --- networks, groups, routers -------------------------------------------------------------

    def touch_network(self, tx: Tx, network_id: str) -> None:
        """All hosts on which the network is."""
        found = _names(tx.tuples(port_queries.HOSTS_OF_NETWORK, network_id=network_id))
        self.registry.touch_all(tx, found, KIND, item_id("network", network_id))

    def touch_group(self, tx: Tx, group_id: str, named: str | None = None) -> None:
        """All hosts with ports in this group: its rules changed, and one names another group."""
        found = _names(tx.tuples(port_queries.HOSTS_IN_GROUPS, ids=[group_id]))
        self.registry.touch_all(tx, found, KIND, item_id("group", group_id))
        if named is not None:
            self.registry.touch_all(tx, found, KIND, item_id("members", named))

    def rule_left(self, tx: Tx, group_id: str, named: str | None) -> None:
        """A rule of the group went, which named another one's members."""
        self.touch_group(tx, group_id)
        if named is None:
            return
        had = _names(tx.tuples(port_queries.HOSTS_IN_GROUPS, ids=[group_id]))
        still = set(_names(tx.tuples(port_queries.HOSTS_NAMING_GROUPS, ids=[named])))
        rest = [host for host in had if host not in still]
        self.registry.remove_all(tx, rest, KIND, item_id("members", named))

    def touch_members(self, tx: Tx, group_ids: Sequence[str]) -> None:
        """The addresses of these groups' members changed."""
        for group in group_ids:
            if not tx.run(group_queries.NOTE_CHANGE, group=group):
                tx.insert(GroupChangeRow(group, 1, True), ignore_duplicate=True)
        if group_ids:
            tx.after_commit(self.on_members)

    def _note_neighbours(self, tx: Tx, network_id: str) -> None:
        """A port of the network came to a host, changed there, or left it. Where there is but one
        host nobody else has to know."""
        if len(tx.tuples(host_queries.WITH_TUNNELS)) > 1:
            tx.run(host_queries.NOTE_CHANGE, network=network_id)
            tx.after_commit(self.on_members)

    def saw(self, tx: Tx, host_id: str, told: HostTunnels) -> None:
        """What a host says of itself. Where its tunnels end is in all lists of its networks."""
        row = tx.get(NetworkHostRow, host_id)
        # Routers see their networks' traffic: a machine that joined does not get them by its word.
        leads = told.gateway and not self.registry.is_machine(tx, host_id)
        new = NetworkHostRow(host_id, self._tunnel(tx, host_id, told.tunnel), leads)
        if row == new:
            return
        if row is None:
            tx.insert(new)
        else:
            tx.update(row, tunnel=new.tunnel, gateway=new.gateway)
        if new.tunnel is not None or (row is not None and row.tunnel is not None):
            tx.run(host_queries.NOTE_ALL)
            tx.after_commit(self.on_members)

    def _tunnel(self, tx: Tx, host_id: str, told: str | None) -> str | None:
        """A host's word: an IPv4 address that no other host has. What is none would be in every
        other host's tables."""
        try:
            found = None if told is None else ipaddress.IPv4Address(told)
        except ValueError:
            return None
        if found is None or found.is_unspecified or found.is_loopback or found.is_multicast:
            return None
        others = tx.tuples(host_queries.WITH_TUNNEL, tunnel=str(found))
        return None if any(str(id) != host_id for (id,) in others) else str(found)

    def spread(self, tx: Tx) -> int:
        """Tell all hosts that must know of changed lists; how many lists that were at the most."""
        return max(self._spread_members(tx), self._spread_neighbours(tx))

    def _spread_neighbours(self, tx: Tx) -> int:
        """A network's ports, to the hosts that have it, if there are several (or were)."""
        changed = tx.all(host_queries.CHANGED, most=100)
        for row in changed:
            tx.update(row, number=row.number + 1, pending=False)
            item = item_id("neighbours", row.network_id)
            found = _names(tx.tuples(host_queries.TUNNELS_OF_NETWORK, network_id=row.network_id))
            if len(found) < 2:
                found = [h for h in found if self.registry.items(tx, h, KIND, [item])]
            self.registry.touch_all(tx, found, KIND, item)
        return len(changed)

    def _spread_members(self, tx: Tx) -> int:
        """The members of groups, to the hosts that have rules about them."""
        changed = tx.all(group_queries.CHANGED, most=100)
        for row in changed:
            found = _names(tx.tuples(port_queries.HOSTS_NAMING_GROUPS, ids=[row.group_id]))
            tx.update(row, number=row.number + 1, pending=False)
            self.registry.touch_all(tx, found, KIND, item_id("members", row.group_id))
        return len(changed)

    def touch_router(self, tx: Tx, router: RouterRow) -> RouterRow:
        """The router's host must look at it again."""
        if router.host_id is None:
            return router
        version = self.registry.touch(tx, router.host_id, KIND, item_id("router", router.id))
        return tx.update(router, generation=version)

    def router_left(self, tx: Tx, router: RouterRow) -> None:
        if router.host_id is not None:
            self.registry.remove(tx, router.host_id, KIND, item_id("router", router.id))


def _names(found: Iterable[tuple[str]]) -> list[str]:
    return [str(host) for (host,) in found]
