"""Evacuation: servers of a host that is down begin anew on another one.

Who asks for it vouches that the host is really off. Should it come back, its agent removes its
guests of those servers before anything else is given to it.
"""

from cumulo.compute.model.server import ServerRow
from cumulo.compute.queries import server as queries
from cumulo.compute.service.resizing import Resizing
from cumulo.compute.service.servers import KIND, Servers, next_root
from cumulo.compute.service.who import Who
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict
from cumulo.core.ids import new_id

EVACUATION = "evacuation"


class Evacuation:
    def __init__(self, servers: Servers, resizing: Resizing) -> None:
        self._servers = servers
        self._resizing = resizing

    def evacuate(
        self,
        tx: Tx,
        row: ServerRow,
        who: Who,
        *,
        host: str | None,
        password: str | None,
        stopped: bool,
    ) -> None:
        """Its root disk is made anew of its image, its volumes and ports come along. `stopped`: it
        stays off there (API 2.95)."""
        # Whatever was to be done with it there: nobody will.
        vm, task = ("active", "stopped", "error"), (None, row.task_state)
        self._servers.require(row, "evacuate", vm=vm, task=task if row.present else (None,))
        source = row.host_id
        if source is None or row.before or row.shelved or row.soft_deleted_at:
            raise Conflict(f"Instance {row.id} has no host that it could be evacuated from.")
        if host == source:
            raise BadRequest(
                f"The target host can't be the same one. Instance {row.id} is on {source}."
            )
        if not self._servers.placing.hosts.is_off(tx, source):
            raise BadRequest(
                f"Compute service of {source} is still in use. When the machine is off for "
                "certain, force its service down first."
            )
        self._servers.require_no_tpm(row, "evacuate")
        if host is not None:
            self._servers.placing.named(tx, host)
        self._servers.cancel_jobs(tx, row, "its server is evacuated")
        self._servers.placement.release(tx, row.id)
        zone = row.pinned_zone
        target = self._servers.placing.again(
            tx, row, row.flavor, zone=zone, host=host, never=[source]
        )
        self._resizing.note(tx, row, row.flavor, who, EVACUATION, target.host_id, new_id())
        self._servers.act(tx, row, "evacuate", who)
        self._servers.network.move_server(tx, row.id, target.host_id)
        self._servers.volumes.move_server(tx, row.id, target.host_id)
        self._servers.registry.remove(tx, source, KIND, row.id)
        given = {} if password is None else {"admin_password": password}
        power = "off" if stopped or row.vm_state == "stopped" else "on"
        self._servers.desire(
            tx,
            row,
            host_id=target.host_id,
            zone=target.zone,
            power=power,
            operation="rebuilding",
            **given,
            base=None,
            root_version=next_root(row),
            root_from=None,
            root_kept=None,
            rescue=None,
            fault=None,
            reason=None,
            step=None,
            placed=False,
            seen_power="absent",
        )

    def ended(self, tx: Tx, row: ServerRow, status: str) -> None:
        """The new host has made it, or cannot."""
        where = {"server_id": row.id, "kind": EVACUATION, "status": "migrating"}
        for each in queries.MIGRATIONS.page(tx, where=where):
            self._resizing.mark(tx, each.id, status)
