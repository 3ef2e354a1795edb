"""Who keeps texts of servers' ports is told of every change in them, in its transaction."""

from collections.abc import Callable

from cumulo.core.db.transaction import Tx
from cumulo.network.interface import ServerViews
from cumulo.network.model.port import COMPUTE, PortRow
from cumulo.network.queries import port as port_queries
from cumulo.network.queries.number import last_number, next_number

EDITION = "edition of servers' ports"
FEW = 500
"""Servers that a request may tell of one by one: as many as a project has ports by default."""


class Onlookers:
    def __init__(self, views: Callable[[], ServerViews | None]) -> None:
        self._views = views

    def port(self, tx: Tx, *ports: PortRow | None) -> None:
        """Something of these ports is new: `before` and `after`, say."""
        held = {port.holder for port in ports if port is not None and port.role == COMPUTE}
        self.servers(tx, *(id for id in held if id is not None))

    def servers(self, tx: Tx, *server_ids: str) -> None:
        views = self._views()
        if views is not None and server_ids:
            views.changed(tx, server_ids)

    def network(self, tx: Tx, id: str) -> None:
        """Something is new that all ports on a network show: its name, say."""
        self._each(tx, tx.tuples(port_queries.SERVERS_ON, id=id, most=FEW + 1))

    def group(self, tx: Tx, id: str) -> None:
        """The same for the ports in a security group."""
        self._each(tx, tx.tuples(port_queries.SERVERS_IN, id=id, most=FEW + 1))

    def _each(self, tx: Tx, holders: list[tuple[str]]) -> None:
        """Whose ports they are is told of them, so that others' texts stay; with more than FEW
        the request would be theirs to pay: then all servers' texts are made anew when asked for."""
        held = {holder for (holder,) in holders}
        if len(holders) > FEW:
            next_number(tx, EDITION)
        else:
            self.servers(tx, *sorted(held))

    def edition(self, tx: Tx) -> int:
        return last_number(tx, EDITION)
