"""What the verbs of all nouns need: quotas, hosts, standard attributes, visibility."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.hosts.registry import HostRegistry, is_alive
from cumulo.core.ids import new_id
from cumulo.core.quotas.quotas import Quotas
from cumulo.network.model.router import RouterRow
from cumulo.network.model.standard import Standard
from cumulo.network.queries import port as port_queries
from cumulo.network.queries import router as router_queries
from cumulo.network.service.refusals import unfit

R = TypeVar("R", bound=Standard)

KIND = "network"
"""The kind of work of the network service's host part."""

DEFAULT_QUOTAS = {
    "network": 100,
    "subnet": 100,
    "port": 500,
    "router": 10,
    "floatingip": 50,
    "security_group": 10,
    "security_group_rule": 100,
}


class Hosts:
    """Where things are placed, and telling their hosts of a change."""

    def __init__(self, registry: HostRegistry) -> None:
        self.registry = registry

    def choose(self, tx: Tx) -> str | None:
        """The host for a router or a DHCP server: alive, takes network work, has the fewest
        routers. None when there is none: the first host that reports takes it over."""
        fit = [
            host.id
            for host in self.registry.all(tx)
            if KIND in host.roles and host.enabled and is_alive(host, tx.now)
        ]
        if len(fit) < 2:
            return fit[0] if fit else None
        return min(fit, key=lambda id: len(tx.all(router_queries.ON_HOST, host_id=id)))

    def touch(self, tx: Tx, host_id: str | None) -> int:
        """This host's desired state changes; its generation from now on. A name that is no
        host's (a port may be bound to any) has none."""
        return 0 if host_id is None else self.registry.touch(tx, host_id, KIND)

    def _touch_found(self, tx: Tx, found: Iterable[tuple[str]]) -> None:
        self.registry.touch_all(tx, [host for (host,) in found], KIND)

    def touch_network(self, tx: Tx, network_id: str) -> None:
        """All hosts on which the network is."""
        found = tx.tuples(port_queries.HOSTS_OF_NETWORK, network_id=network_id)
        self._touch_found(tx, found)

    def touch_groups(self, tx: Tx, group_ids: Sequence[str]) -> None:
        """All hosts with ports in these groups: their rules changed."""
        if group_ids:
            found = tx.tuples(port_queries.HOSTS_IN_GROUPS, ids=group_ids)
            self._touch_found(tx, found)

    def touch_members(self, tx: Tx, group_ids: Sequence[str]) -> None:
        """All hosts where rules name these groups: their members' addresses changed."""
        if group_ids:
            found = tx.tuples(port_queries.HOSTS_NAMING_GROUPS, ids=group_ids)
            self._touch_found(tx, found)

    def touch_router(self, tx: Tx, router: RouterRow) -> RouterRow:
        """The router's host must look at it again."""
        generation = self.touch(tx, router.host_id)
        return tx.update(router, generation=generation) if router.host_id else router


class Tools:
    def __init__(self, registry: HostRegistry, quotas: Quotas) -> None:
        self.hosts = Hosts(registry)
        self.quotas = quotas


def is_admin(who: Principal | None) -> bool:
    """None is the service itself."""
    return who is None or who.is_admin


def standard(tx: Tx, wishes: msgspec.Struct, project_id: str) -> dict[str, Any]:
    """The standard attributes of a new row."""
    names = [name for name in ("name", "description") if hasattr(wishes, name)]
    return {
        "id": new_id(),
        "project_id": project_id,
        "name": "",
        "description": "",
        "tags": [],
        "revision_number": 1,
        "created_at": tx.now,
        "updated_at": tx.now,
        **chosen(wishes, *names),
    }


def chosen(wishes: msgspec.Struct, *names: str) -> dict[str, Any]:
    """Those of the named attributes that the client sent."""
    return {name: value for name in names if (value := getattr(wishes, name)) is not msgspec.UNSET}


def tell(tx: Tx, noun: str, verb: str, row: Standard, who: Principal | None, **more: Any) -> None:
    """Note what happened in the history."""
    emit(
        tx,
        f"network.{noun}.{verb}",
        row.id,
        project_id=row.project_id or None,
        principal=who,
        **more,
    )


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Sorted, each once. Raises BadRequest for more than 50, or one that is too long or empty."""
    kept = sorted(set(tags))
    if len(kept) > 50:
        raise unfit("tags", "The number of tags exceed the per-resource limit of 50")
    for tag in kept:
        if not 0 < len(tag) <= 255:
            raise unfit("tags", f"'{tag[:300]}' is not between 1 and 255 characters")
    return kept
