"""Routers: between networks, and to the outside."""

from typing import Annotated

from cumulo.core.db.rows import Index, Unique, table
from cumulo.network.model.orders import HostRoute
from cumulo.network.model.standard import Standard


@table("network_routers", Unique("number"))
class RouterRow(Standard, frozen=True):
    number: int
    admin_state_up: bool = True
    enable_snat: bool = True
    routes: list[HostRoute] = []
    availability_zone_hints: list[str] = []
    host_id: Annotated[str | None, Index()] = None
    generation: int = 0
    observed: str | None = None
    fault: str | None = None
    status: str = "ACTIVE"


def router_status(*, fault: str | None) -> str:
    """A router is ACTIVE unless its host says why it cannot be made; being switched off is no
    fault (the API's `admin_state_up` tells it)."""
    return "ACTIVE" if fault is None else "ERROR"
