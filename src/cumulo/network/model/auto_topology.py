"""A project's network that was made for it as a whole: network, subnets, and a router out."""

from typing import Annotated

from cumulo.core.db.rows import Key, References, Row, table


@table("network_auto_topologies")
class AutoTopologyRow(Row, frozen=True):
    project_id: Annotated[str, Key()]
    network_id: Annotated[str, References("network_networks.id", on_delete="CASCADE")]
    router_id: str
