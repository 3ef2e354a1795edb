"""What hosts ask: a guest's metadata, which network asks of compute for the port that wanted it."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.hosts.conductor import HostDown
from cumulo.core.hosts.registry import HostRegistry
from cumulo.network.interface import GuestMetadata
from cumulo.network.model.orders import item_id
from cumulo.network.model.port import PortRow
from cumulo.network.service.placing import KIND

METADATA = "metadata"


class MetadataQuestion(msgspec.Struct, frozen=True):
    """A guest's request, by the port that it came from."""

    port_id: str
    device_id: str
    method: str
    path: str
    body: bytes = b""


class Questions:
    """`guests`: who answers for guests; None where nobody does."""

    def __init__(
        self,
        database: Database,
        registry: HostRegistry,
        guests: Callable[[], GuestMetadata | None],
    ) -> None:
        self._database = database
        self._registry = registry
        self._guests = guests

    async def answer(self, host_id: str, question: str, arguments: Mapping[str, Any]) -> Any:
        """Raises HostDown."""
        if question != METADATA:
            raise HostDown(f"network does not know the question {question[:100]!r}")
        asked = msgspec.convert(arguments, MetadataQuestion)

        def find(tx: Tx) -> Any:
            guests, port = self._guests(), tx.get(PortRow, asked.port_id)
            if guests is None or port is None or not self._has(tx, host_id, port):
                return {"status": 404}
            told = guests.answer(
                tx, asked.device_id, asked.port_id, asked.method, asked.path, asked.body
            )
            return {"status": told.status, "content_type": told.content_type, "body": told.body}

        if asked.method == "POST":
            return await self._database.write(find, name="metadata password")
        return await self._database.read(find)

    def _has(self, tx: Tx, host_id: str, port: PortRow) -> bool:
        """A host asks for its own guests; the cloud's own, where routers and DHCP are, for those of
        the networks that it has."""
        if self._registry.is_machine(tx, host_id):
            return port.host_id == host_id
        item = item_id("network", port.network_id)
        known = self._registry.items(tx, host_id, KIND, [item]).get(item)
        return known is not None and not known.gone
