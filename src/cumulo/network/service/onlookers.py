"""Who keeps texts of servers' ports is told of every change in them, in its transaction."""

from collections.abc import Callable

from cumulo.core.db.transaction import Tx
from cumulo.network.interface import ServerViews
from cumulo.network.model.port import COMPUTE, PortRow
from cumulo.network.queries.number import last_number, next_number

EDITION = "edition of servers' ports"


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

    def all(self, tx: Tx) -> None:
        """Something that any number of servers' ports show: the name of a network or group."""
        next_number(tx, EDITION)

    def edition(self, tx: Tx) -> int:
        return last_number(tx, EDITION)
