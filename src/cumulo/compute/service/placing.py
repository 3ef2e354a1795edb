"""Another host for a server that there is: after a resize, a migration or a time on the shelf."""

from collections.abc import Sequence

from cumulo.block_storage.interface import BlockStorage
from cumulo.compute.model.hypervisor import HypervisorRow, ServerGroupRow
from cumulo.compute.model.server import FlavorSnapshot, ServerRow
from cumulo.compute.service.hosts import Hosts
from cumulo.compute.service.scheduling import Scheduler, explain
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound


class Placing:
    def __init__(self, hosts: Hosts, scheduler: Scheduler, volumes: BlockStorage) -> None:
        self.hosts = hosts
        self._scheduler = scheduler
        self._volumes = volumes

    def again(
        self,
        tx: Tx,
        row: ServerRow,
        flavor: FlavorSnapshot,
        *,
        zone: str | None,
        host: str | None = None,
        never: Sequence[str] = (),
    ) -> HypervisorRow:
        """A host that has taken the flavor's resources for this server. Raises BadRequest, with
        the reasons of each host that was looked at."""
        place = self._machine(tx, row)
        if place is not None and (place in never or host not in (None, place)):
            raise BadRequest(
                f"No valid host was found. The volumes of instance {row.id} are on the machine "
                f"{place}, and serve the servers of that one only."
            )
        host = host or place
        decision = self._scheduler.place(
            tx,
            row.id,
            flavor,
            image=row.image,
            zone=zone,
            host=host,
            group=self._group(tx, row),
            project_id=row.project_id,
            user_id=row.user_id,
            never=never,
            hints=row.hints,
        )
        if decision.host is None:
            raise BadRequest(f"No valid host was found. {explain(row, decision)[:1500]}")
        return self.hosts.on(tx, decision.host)

    def named(self, tx: Tx, host: str) -> HypervisorRow:
        """Raises BadRequest for a host that is none."""
        try:
            return self.hosts.on(tx, host)
        except NotFound as fault:
            raise BadRequest(fault.message) from None

    def _machine(self, tx: Tx, row: ServerRow) -> str | None:
        """Where its volumes want it to be."""
        attached = self._volumes.attachments_of(tx, [row.id]).get(row.id, [])
        return self._volumes.machine_of(tx, [each.volume_id for each in attached])

    def _group(self, tx: Tx, row: ServerRow) -> ServerGroupRow | None:
        named = row.hints.get("group")
        return None if named is None else tx.get(ServerGroupRow, str(named))
