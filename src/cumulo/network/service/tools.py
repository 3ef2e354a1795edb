"""What the verbs of all nouns need: quotas, hosts, standard attributes, visibility."""

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.ids import new_id
from cumulo.core.quotas.quotas import Quotas
from cumulo.network.model.standard import Standard
from cumulo.network.service.names import Names
from cumulo.network.service.onlookers import Onlookers
from cumulo.network.service.placing import Hosts
from cumulo.network.service.refusals import unfit
from cumulo.network.service.shares import Shares

R = TypeVar("R", bound=Standard)

DEFAULT_QUOTAS = {
    "network": 100,
    "subnet": 100,
    "port": 500,
    "router": 10,
    "floatingip": 50,
    "security_group": 10,
    "security_group_rule": 100,
    "rbac_policy": 10,
    "subnetpool": -1,
    "trunk": -1,
}


class Tools:
    def __init__(
        self, registry: HostRegistry, quotas: Quotas, names: Names, onlookers: Onlookers
    ) -> None:
        self.hosts = Hosts(registry)
        self.quotas = quotas
        self.names = names
        self.onlookers = onlookers
        self.shares = Shares(quotas)


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


class Owned(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def project_id(self) -> str: ...


def tell(tx: Tx, noun: str, verb: str, row: Owned, who: Principal | None, **more: Any) -> None:
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
