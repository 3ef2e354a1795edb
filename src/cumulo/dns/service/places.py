"""Where zones may be: which names are whose to take."""

from ipaddress import ip_network

from cumulo.core.db.transaction import Tx
from cumulo.dns import names
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.queries import left as left_queries
from cumulo.dns.queries import zone as queries
from cumulo.dns.service.blacklists import Blacklists
from cumulo.dns.service.pools import Pools
from cumulo.dns.service.refusals import bad_request, duplicate, forbidden
from cumulo.dns.service.scope import Scope
from cumulo.dns.service.tlds import Tlds
from cumulo.network.interface import Network

REVERSE = (("in-addr.arpa.", 3), ("ip6.arpa.", 12))
"""Where reverse names are, and of how many labels below it a tenant's zone is: networks of 256
addresses, and of 48 bits."""


class Places:
    def __init__(self, tlds: Tlds, blacklists: Blacklists, pools: Pools, network: Network) -> None:
        self._network = network
        self.tlds = tlds
        self.blacklists = blacklists
        self.pools = pools

    def covering(self, tx: Tx, name: str) -> ZoneRow | None:
        """The zone that a name belongs to: of those above it, or its own, the nearest."""
        found = tx.all(queries.NAMED, names=[name, *names.ancestors(name)])
        return max(found, key=lambda row: len(row.name), default=None)

    def check_name(self, tx: Tx, name: str, scope: Scope) -> None:
        if name.count(".") < 2:
            raise bad_request("More than one label is required", "invalid_zone_name")
        self.tlds.check(tx, name)
        if scope.blacklisted:
            return
        if self.blacklists.lists(tx, name):
            raise bad_request("Blacklisted zone name", "invalid_zone_name")
        if self._is_the_clouds(tx, name):
            raise bad_request(
                "Names of the cloud's own name servers, and reverse names of many addresses or of "
                "external networks, are for administrators",
                "invalid_zone_name",
            )

    def _is_the_clouds(self, tx: Tx, name: str) -> bool:
        """What would give its owner others' names: whoever has a zone above the name servers'
        names decides where all zones are asked for, and whoever has the reverse names of a large
        network, or of the addresses that floating IPs are of, has everybody's there."""
        pools = self.pools.all(tx)
        taken = [each for pool in pools for each in (*pool.nameservers, pool.catalog) if each]
        if any(names.within(each, name) for each in taken):
            return True
        if any(pool.catalog and names.within(name, pool.catalog) for pool in pools):
            return True
        for suffix, least in REVERSE:
            if names.within(name, suffix):
                if name.count(".") - suffix.count(".") < least:
                    return True
                own = names.addresses_of(name)
                outside = (ip_network(cidr) for cidr in self._network.external_cidrs(tx))
                return any(own.version == o.version and own.overlaps(o) for o in outside)
        return False

    def check_place(self, tx: Tx, name: str, project_id: str, *, over: bool) -> None:
        """Nobody makes a zone above, below or in the place of another project's; `over`: but the
        service itself, for what is nobody's own."""
        above = self.covering(tx, name)
        if above is not None and above.name == name:
            raise duplicate("Zone", "zone")
        if over:
            return
        self._refuse_left(tx, name, project_id)
        if above is not None and above.project_id != project_id:
            message = "Unable to create subzone in another tenants zone"
            raise forbidden(message, "illegal_child")
        key = names.tree_key(name)
        found = tx.one(queries.FOREIGN_BELOW, key=key, end=key + "g", project_id=project_id)
        if found is not None:
            message = "Unable to create zone because another tenant owns a subzone of the zone"
            raise forbidden(message, "illegal_parent")

    @staticmethod
    def _refuse_left(tx: Tx, name: str, project_id: str) -> None:
        """An abandoned zone is answered for as it was: whoever had a zone in its place, below or
        above it would answer for its names. Its project may, and administrators."""
        for left, owner in tx.tuples(left_queries.OWNERS):
            if owner == project_id:
                continue
            if names.within(name, str(left)):
                message = "Unable to create a zone in or in the place of an abandoned one"
                raise forbidden(message, "illegal_child")
            if names.within(str(left), name):
                message = "Unable to create zone because an abandoned one is a subzone of the zone"
                raise forbidden(message, "illegal_parent")
